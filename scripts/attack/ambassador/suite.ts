/** Attacks on the ambassador's shard mode, where all clients share the connections to the servers. */
import type { Attack, AttackSuite } from '../suite.ts';
import { dial, expect, sendAndLeave } from './client.ts';

const GOOD = 'good:{1} good:{2} good:{3} good:{4}'.split(' ');

/** A client that sends one of these and leaves. */
const each =
  (...requests: readonly string[]): Attack =>
  async ({ random, signal }) => {
    await Promise.all(Array.from({ length: 10 }, () => sendAndLeave(random.pick(requests), signal)));
  };

/** Pipelines of large answers that are not read. */
const nobodyReads: Attack = async ({ signal }) => {
  await sendAndLeave(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$100000\r\n${'x'.repeat(100_000)}\r\n`, signal);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(signal)));
  for (const socket of sockets) socket?.pause().write('GET large\r\n'.repeat(2000));
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const socket of sockets) socket?.destroy();
};

/** Commands that begin and never end, as large as they may be. */
const halfCommands: Attack = async ({ random, signal }) => {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => dial(signal)));
  for (const socket of sockets)
    socket
      ?.resume()
      .write(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${16 * 1024 * 1024}\r\n${'x'.repeat(random.below(100_000))}`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const socket of sockets) socket?.destroy();
};

const garbage: Attack = async ({ random, signal }) => {
  await Promise.all(Array.from({ length: 20 }, () => sendAndLeave(random.bytes(1 + random.below(2000)), signal)));
};

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  adminPort: 9961,
  gauges: ['ambassador_client_connections'],
  never: ['ambassador_server_ejects_total'],
  attacks: {
    'clients that leave while they wait': each(
      'BLPOP nothing 0\r\n',
      'SUBSCRIBE a b c\r\n',
      'WATCH good:{1}\r\nGET good:{1}\r\n',
      'XREAD BLOCK 0 STREAMS nothing $\r\n',
      'MULTI\r\nGET good:{2}\r\n',
    ),
    'lengths that only some readers take': each(
      '*02\r\n$3\r\nGET\r\n$1\r\na\r\n',
      '*2\r\n$03\r\nGET\r\n$1\r\na\r\n',
      '*2\r\n$3\r\nGET\r\n$-0\r\n\r\n',
      '*+1\r\n$4\r\nPING\r\n',
    ),
    'commands that change a connection or a server': each(
      'SCRIPT DEBUG SYNC\r\nEVAL "return 1" 0\r\n',
      'CLIENT REPLY OFF\r\nCLIENT PAUSE 100000\r\n',
      'MONITOR\r\nDEBUG SLEEP 10\r\nSHUTDOWN NOSAVE\r\n',
      'CONFIG SET maxmemory 1\r\nACL SETUSER default off\r\n',
      'XREADGROUP GROUP streams c BLOCK 0 STREAMS good:{1} >\r\n',
      'SELECT 3\r\nREPLICAOF 127.0.0.1 1\r\n',
    ),
    'HTTP with a body of commands': each(
      ...GOOD.map((key) => `POST / HTTP/1.1\r\nHost: a:6379\r\nContent-Length: 40\r\n\r\nSET ${key} bad\r\n`),
      ...GOOD.map((key) => `PUT / HTTP/1.1\r\nHost: a:6379\r\nContent-Length: 40\r\n\r\nSET ${key} bad\r\n`),
    ),
    'answers that nobody reads': nobodyReads,
    'commands without end': halfCommands,
    'random bytes': garbage,
  },
  async good(signal) {
    const sets = GOOD.map((key) => `SET ${key} ${key}\r\n`).join('');
    const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
    await expect(
      `${sets}MGET ${GOOD.join(' ')}\r\n`,
      `${'+OK\r\n'.repeat(GOOD.length)}*${GOOD.length}\r\n${GOOD.map(bulk).join('')}`,
      signal,
    );
  },
};
