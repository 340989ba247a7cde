/** Databases that lie: what they answer is endless, broken, slow, or of a size that no machine has. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Random } from '../random.ts';
import type { Attack } from '../suite.ts';

/** An answer's first part, and what follows again and again where it has no end. */
type Answer = readonly [first: string, endless?: string];

/** RESP that is nearly legal. Source: https://valkey.io/topics/protocol/ */
const REPLIES: readonly ((random: Random) => Answer)[] = [
  () => ['+OK\r\n'],
  () => ['$9999999999\r\n', 'x'.repeat(65_536)],
  () => ['$500000000\r\n', '# Server\r\nredis_version:'],
  () => ['*2147483647\r\n', '$1\r\nx\r\n'],
  () => ['*1\r\n'.repeat(100_000)],
  () => ['+', 'x'.repeat(65_536)],
  () => [`:${'9'.repeat(100_000)}\r\n`],
  () => ['$-2\r\n'],
  () => ['%1\r\n+a\r\n+b\r\n'],
  () => [`-ERR ${'\x1b[2J'.repeat(1000)}\r\n`],
  () => ['+OK\r\n', '+OK\r\n'],
  (random) => [random.bytes(random.below(3000)).toString('latin1')],
];

const lines = (line: (at: number) => string): string => Array.from({ length: 5000 }, (_, at) => line(at)).join('\r\n');

/** What a server tells of itself, as INFO has it. */
const INFOS: readonly string[] = [
  `# Keyspace\r\n${lines((at) => `db${at}:keys=1,expires=0,avg_ttl=0`)}`,
  `# Commandstats\r\n${lines((at) => `cmdstat_${at}"}\n# x{a="\\:calls=1,usec=1,usec_per_call=1`)}`,
  `# Server\r\nredis_version:"} 1\nredis_up 7\r\nprocess_id:${'9'.repeat(400)}\r\nuptime_in_seconds:NaN x`,
  `# Replication\r\nrole:slave"\\\nmaster_host:"}\n\r\n${lines((at) => `slave${at}:ip="\\,port=1,state=online,offset=-1,lag=x`)}`,
  `# Errorstats\r\n${lines((at) => `errorstat_${at}"\\:count=1`)}`,
];

/** Answers to some commands, as adapters send them: INFO as it suits, all else is refused. */
function fluent(random: Random, commands: string): Answer {
  const answers = [...commands.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)].map(([, name]) => {
    const info = random.pick(INFOS);
    if (name === 'INFO') return `$${Buffer.byteLength(info)}\r\n${info}\r\n`;
    return name === 'AUTH' ? '+OK\r\n' : '-ERR not here\r\n';
  });
  return [answers.join('')];
}

/** A packet of MariaDB's protocol. Source: https://mariadb.com/kb/en/0-packet/ */
const packet = (sequence: number, body: string): string =>
  Buffer.from([body.length & 255, (body.length >> 8) & 255, body.length >> 16, sequence]).toString('latin1') + body;
const HELLO = `\x0a11.8.3-MariaDB\0\x01\0\0\0${'a'.repeat(8)}\0\xff\xf7\x2d\x02\0\xff\x81\x15${'\0'.repeat(10)}${'a'.repeat(12)}\0mysql_native_password\0`;
const FINE = '\0\0\0\x02\0\0\0';

const HELLOS: readonly ((random: Random) => Answer)[] = [
  () => [packet(0, HELLO)],
  () => [packet(0, HELLO)],
  () => [packet(0, HELLO)],
  () => [packet(0, '\x0a'), 'x'.repeat(65_536)],
  () => ['\xff\xff\xff\0', 'x'.repeat(65_536)],
  () => [packet(0, `\xff\x15\x04#08S01${'x'.repeat(60_000)}`)],
  (random) => [random.bytes(random.below(3000)).toString('latin1')],
];
const RESULTS: readonly ((random: Random) => Answer)[] = [
  () => [packet(2, FINE)],
  () => [packet(2, '\xfemysql_clear_password\0')],
  () => [packet(2, '\xfb/etc/passwd')],
  () => [packet(1, '\xfe\xff\xff\xff\xff\xff\xff\xff\x7f')],
  () => [packet(1, '\x02'), packet(2, '\x03def\0\0\0\x01a\0\x0c\x3f\0\0\0\0\0\xfd\0\0\0\0\0')],
  () => ['\xff\xff\xff\x01', 'x'.repeat(65_536)],
  (random) => [random.bytes(random.below(3000)).toString('latin1')],
];

/** A password that goes over the wire in plain text, to any server that asks for it. */
const PASSWORD = 'never-in-the-clear';

/** Serve such answers to adapters until the signal. @throws when an adapter sends its password in the clear to a MariaDB */
export const databases: Attack = async ({ random, signal }) => {
  const sockets = new Set<Socket>();
  const told = Promise.withResolvers<void>();
  told.promise.catch(() => {});
  const serve = (socket: Socket, answers: readonly ((random: Random) => Answer)[], secret: boolean): void => {
    const isFluent = !secret && random.chance(0.5);
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      if (secret && bytes.includes(PASSWORD)) told.reject(new Error('an adapter sent its password in the clear'));
      say(socket, isFluent ? fluent(random, bytes.toString('latin1')) : random.pick(answers)(random));
    });
  };
  const valkey = createServer((socket) => serve(socket, REPLIES, false));
  const mariadb = createServer((socket) => {
    serve(socket, RESULTS, true);
    say(socket, random.pick(HELLOS)(random));
  });
  const servers = [valkey.listen(6379, '0.0.0.0'), mariadb.listen(3306, '0.0.0.0')];
  try {
    await Promise.all(servers.map(async (each) => once(each, 'listening')));
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), told.promise]);
  } finally {
    for (const each of servers) each.close();
    for (const each of sockets) each.destroy();
  }
};

/** Say it, as fast as it is taken. */
function say(socket: Socket, [first, endless]: Answer): void {
  socket.write(first, 'latin1');
  if (endless === undefined) return;
  const more = (): void => {
    while (!socket.destroyed && socket.write(endless, 'latin1'));
  };
  socket.on('drain', more);
  more();
}
