/** Attacks on the ambassador's shard mode, where all clients share the connections to the servers. */
import { several } from '../client.ts';
import type { Attack, AttackSuite } from '../suite.ts';
import { expect, sendAndLeave, sendAndStay } from './client.ts';

const GOOD = 'good:{1} good:{2} good:{3} good:{4}'.split(' ');

/** A client that sends one of these and leaves. */
const each =
  (...requests: readonly string[]): Attack =>
  (context) =>
    several(10, () => sendAndLeave(context.random.pick(requests), context));

/** Pipelines of large answers that are not read. */
const unreadAnswers: Attack = async (context) => {
  await sendAndLeave(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$100000\r\n${'x'.repeat(100_000)}\r\n`, context);
  await sendAndStay(20, () => 'GET large\r\n'.repeat(2000), { reads: false, signal: context.signal });
};

/** Commands that begin and never end, as large as they may be. */
const halfCommands: Attack = async ({ random, signal }) => {
  const begun = `*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${16 * 1024 * 1024}\r\n`;
  await sendAndStay(50, () => begun + 'x'.repeat(random.below(100_000)), { reads: true, signal });
};

const garbage: Attack = async (context) => {
  await several(20, () => sendAndLeave(context.random.bytes(1 + context.random.below(2000)), context));
};

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9961',
  gauges: ['client_connections'],
  never: ['server_ejects'],
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
    'answers that are not read': unreadAnswers,
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
