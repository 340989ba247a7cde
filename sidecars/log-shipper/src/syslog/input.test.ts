/** The syslog input as senders see it, over real sockets; util-linux' logger is one of them. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { collect, LIMIT, type Collected } from '../senders/test-rig.ts';
import { startSyslog, type SyslogOptions } from './input.ts';

const run = promisify(execFile);

interface Rig extends Collected, AsyncDisposable {
  readonly port: number;
  readonly udpPort: number;
  /** Datagrams that were dropped. */
  readonly dropped: () => number;
  readonly dial: () => Promise<Socket>;
  readonly close: () => Promise<void>;
}

async function start(more: Partial<SyslogOptions> & { readonly drop?: string } = {}): Promise<Rig> {
  const { options, collected } = collect(more);
  let dropped = 0;
  const input = await startSyslog({ ...options, udpPort: 0, onDropped: (count) => (dropped += count), ...more });
  const sockets: Socket[] = [];
  const close = (): Promise<void> => input.close(AbortSignal.timeout(30_000));
  return Object.assign(collected, {
    port: input.port!,
    udpPort: input.udpPort!,
    dropped: () => dropped,
    dial: async () => {
      const socket = connect(input.port!, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    close,
    [Symbol.asyncDispose]: async () => {
      collected.room = true;
      for (const socket of sockets) socket.destroy();
      await close().catch(() => {});
    },
  });
}

const closed = (socket: Socket): Promise<void> => new Promise((done) => socket.resume().once('close', () => done()));

const messages = (rig: Rig): string[] => rig.documents().map(({ message }) => message as string);

test("a message's header becomes fields of the schema", async () => {
  await using rig = await start();
  const socket = await rig.dial();
  socket.write('<165>1 2026-11-25T03:00:00.123456Z host app 77 ID1 [origin@1 ip="a" ip=b] no data\n');
  socket.write(
    '<165>1 2026-11-25T03:00:00.123456Z host app 77 ID1 [origin@1 ip="a" ip="b"] {"user":"é","level":"debug"}\n',
  );
  await eventually('two records', () => rig.records.length === 2);
  const [broken, { user, ...rest }] = rig.documents() as [Record<string, unknown>, Record<string, unknown>];
  assert.is(broken['message'], '[origin@1 ip="a" ip=b] no data');
  assert.is(user, 'é');
  assert.equal(rest, {
    '@timestamp': '2026-11-25T03:00:00.123456Z',
    'log.syslog': {
      version: '1',
      priority: 165,
      facility: { code: 20, name: 'local4' },
      severity: { code: 5, name: 'notice' },
      hostname: 'host',
      appname: 'app',
      procid: '77',
      msgid: 'ID1',
      structured_data: { 'origin@1': { ip: ['a', 'b'] } },
    },
    'log.level': 'notice',
    'log.source.address': '127.0.0.1',
    'service.name': 'shop',
  });
  assert.is(new Set(rig.records.map(({ id }) => id)).size, 2);
  assert.is(rig.records[0]!.source, rig.records[1]!.source, 'their order is kept');
});

test('a line that has our names too gives no name twice; empty ones and dropped ones are counted', async () => {
  await using rig = await start({ drop: 'secret' });
  const socket = await rig.dial();
  const line =
    '{"log.level":"a","level":"b","log.syslog":1,"log":{"syslog":{"priority":1}},"service.name":"x","message":"hello"}';
  socket.end(`<14>1 - - - - - - ${line}\n<14>1 - - - - - -\n<14>1 - - - - - [id]\n<14>a secret\n`);
  await eventually('the records', () => rig.records.length === 2 && rig.skipped.length === 2);
  const { body } = rig.records[0]!;
  for (const name of ['log.level', 'log.syslog', 'service.name'])
    assert.is(body.split(`"${name}":`).length, 2, `${name} in ${body}`);
  assert.is(body.split('"syslog":').length, 1, body);
  assert.equal(rig.skipped.toSorted(), ['empty', 'rule']);
});

test('a longer message is cut and marked; the connection goes on; the last needs no end', async () => {
  await using rig = await start();
  const socket = await rig.dial();
  const long = `<14>1 - - - - - - ${'x'.repeat(100_000)}`;
  socket.end(`${long}\n${long.length} ${long}<14>1 - - - - - - last`);
  await eventually('three records', () => rig.records.length === 3);
  const cut = rig.documents().map((document) => document['log.flags']);
  assert.equal(cut, [['truncated'], ['truncated'], undefined]);
  assert.equal(messages(rig), ['x'.repeat(LIMIT), 'x'.repeat(LIMIT), 'last']);
});

test('a full spool holds senders by TCP up, and of datagrams the oldest are dropped and counted', async () => {
  await using rig = await start();
  rig.room = false;
  const socket = await rig.dial();
  const line = `<14>1 - - - - - - ${'x'.repeat(900)}\n`;
  let sent = 0;
  // Until nobody takes more: the kernel's buffers are full.
  await eventually('it is held up', () => {
    while (socket.writableLength < 1_000_000) sent += Number(socket.write(line) || true);
    return rig.reading() > 0 && socket.bytesWritten > 1_000_000;
  });
  const udp = createSocket('udp4');
  const send = promisify((text: string, done: (error: Error | null) => void) =>
    udp.send(text, rig.udpPort, '127.0.0.1', done),
  );
  const before = rig.reading();
  const datagram = `<14>1 - - - - - - ${'y'.repeat(40_000)}`;
  await eventually(
    'datagrams are dropped',
    async () => {
      for (let index = 0; index < 20; index++) await send(datagram);
      return rig.dropped() > 0;
    },
    { within: 30_000 },
  );
  assert.is(rig.reading(), before + 1, 'nothing was taken in beyond the batch that waits');
  udp.close();
  rig.room = true;
  socket.end();
  await eventually('all lines are there', () => rig.records.filter(({ body }) => body.includes('xxx')).length === sent);
});

test('what senders have sent is taken in at the end', async () => {
  await using rig = await start();
  const udp = createSocket('udp4');
  const sockets = await Promise.all([rig.dial(), rig.dial()]);
  for (const [index, socket] of sockets.entries())
    await new Promise((done) => socket.write(`<14>tcp ${index}\n<14>un`, done));
  await new Promise((done) => udp.send('<14>udp', rig.udpPort, '127.0.0.1', done));
  udp.close();
  await rig.close();
  assert.equal(messages(rig).toSorted(), ['tcp 0', 'tcp 1', 'udp', 'un', 'un']);
});

test('by TLS with a client certificate alone, where it is asked for', async () => {
  const authority = await certify({ subject: 'CN=an authority', ca: true });
  const own = await certify({ names: ['localhost'], issuer: authority });
  const client = await certify({ subject: 'CN=client', issuer: authority });
  const dir = temporaryDirectory('syslog');
  const files = { certFile: join(dir, 'crt'), keyFile: join(dir, 'key'), clientCaFile: join(dir, 'ca') };
  writeFileSync(files.certFile, own.cert);
  writeFileSync(files.keyFile, own.key);
  writeFileSync(files.clientCaFile, authority.cert);
  await using rig = await start({ encryption: { prefix: 'SYSLOG', ...files, timeout: 10_000 } });
  const plain = await rig.dial();
  plain.write('<14>1 - - - - - - in the clear\n');
  await closed(plain);
  assert.equal(rig.refused, ['tls']);
  const settings = { port: rig.port, servername: 'localhost', ca: authority.cert };
  const stranger = connectTls(settings).on('error', () => {});
  stranger.write('<14>1 - - - - - - a stranger\n');
  await closed(stranger);
  assert.equal(rig.refused, ['tls', 'tls']);
  const socket = connectTls({ ...settings, cert: client.cert, key: client.key });
  socket.end('<14>1 - - - - - - encrypted\n');
  await eventually('a record', () => rig.records.length === 1);
  assert.equal(messages(rig), ['encrypted']);
});

const LOGGER = 'logger of util-linux: TCP and UDP, both formats, counted octets and lines';
const logger = await run('logger', ['--version']).catch(() => undefined);
if (!logger?.stdout.includes('util-linux')) skipped(LOGGER, "it needs util-linux' logger");
else
  test(LOGGER, async () => {
    await using rig = await start();
    const send = (text: string, ...options: string[]): Promise<unknown> =>
      run('logger', [
        '--server',
        '127.0.0.1',
        '--tag',
        'shop',
        '--id=42',
        '--priority',
        'local3.err',
        ...options,
        '--',
        text,
      ]);
    const tcp = ['--tcp', '--port', String(rig.port)];
    const udp = ['--udp', '--port', String(rig.udpPort)];
    const kinds = [
      ['tcp new', ...tcp, '--rfc5424', '--sd-id', 'zoo@1', '--sd-param', 'tiger="a \\"b\\""'],
      ['tcp new counted', ...tcp, '--rfc5424', '--octet-count'],
      ['tcp old', ...tcp, '--rfc3164'],
      ['tcp old counted', ...tcp, '--rfc3164', '--octet-count'],
      ['udp new', ...udp, '--rfc5424'],
      ['udp old', ...udp, '--rfc3164'],
    ] as const;
    for (const [text, ...options] of kinds) await send(text, ...options);
    await eventually('all arrive', () => rig.records.length === kinds.length);
    for (const document of rig.documents()) {
      const { appname, procid, facility, severity } = document['log.syslog'] as Record<string, { name: string }>;
      assert.equal([appname, procid, facility!.name, severity!.name], ['shop', '42', 'local3', 'error'] as never);
      assert.ok(Math.abs(Date.parse(document['@timestamp'] as string) - Date.now()) < 3_600_000);
    }
    assert.equal(messages(rig).toSorted(), kinds.map(([text]) => text).toSorted());
    const [first] = rig.documents().filter(({ message }) => message === 'tcp new');
    const { structured_data: data } = first!['log.syslog'] as { structured_data: Record<string, unknown> };
    assert.equal(data['zoo@1'], { tiger: 'a "b"' });
  });

test.run();
