/** What the forward input promises, by the program as a process: it cannot be ended, and what it acknowledged is safe. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { freePort } from '#kit/testing/ports.ts';
import type { Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { clear, program, store } from '../test-program.ts';
import { decode, Framer, type Value } from './msgpack.ts';
import { encode } from './test-encode.ts';
import { closed, shake } from './test-sender.ts';

test.before.each(clear);

/** The heap that the image gives it. */
const FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=48'];

const port = await freePort();

async function start(env: Record<string, string> = {}): Promise<Program> {
  const running = await program(
    { FILE_PATHS: '', FORWARD_PORT: String(port), FORWARD_ADDRESS: '127.0.0.1', ...env },
    FLAGS,
  );
  await running.up();
  return running;
}

async function dial(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const fields = (values: Record<string, Value>): Map<Value, Value> => new Map(Object.entries(values));
const entry = (log: string): Value => [
  1_763_712_000,
  fields({ container_id: 'c0ffee', container_name: '/shop-1', source: 'stdout', log }),
];
const chunked = (chunk: string, ...lines: string[]): Buffer => encode(['t', lines.map(entry), fields({ chunk })]);

/** The chunks that are acknowledged on a connection, as they come. */
function acknowledged(socket: Socket): string[] {
  const framer = new Framer(1024 * 1024);
  const chunks: string[] = [];
  socket.on('data', (bytes: Buffer) => {
    for (const frame of framer.push(bytes)) chunks.push((decode(frame) as Map<Value, Value>).get('ack') as string);
  });
  return chunks;
}

const messages = (): string[] => store.documents.map(({ body }) => (JSON.parse(body) as { message: string }).message);

const MEBIBYTE = 1024 ** 2;
const compressed = fields({ compressed: 'gzip' });

for (const [what, bytes] of [
  ['a million empty maps, compressed to a kilobyte', encode(['t', gzipSync(Buffer.alloc(MEBIBYTE, 0x80)), compressed])],
  ['the same, packed', encode(['t', Buffer.alloc(MEBIBYTE - 64, 0x80)])],
  [
    'a map of half a million',
    Buffer.concat([Buffer.of(0x93, 0xa1, 0x74, 1, 0xdf, 0, 7, 0, 0), Buffer.alloc(0xe0000, 0x80)]),
  ],
  [
    'an entry with a million values',
    encode([
      't',
      gzipSync(Buffer.concat([Buffer.of(0x92, 1, 0x81, 0xa1, 0x61, 0xdd, 0, 15, 0, 0), Buffer.alloc(0xf0000, 0x80)])),
      compressed,
    ]),
  ],
  [
    'an option with half a million',
    Buffer.concat([Buffer.of(0x93, 0xa1, 0x74, 0x90, 0xdf, 0, 7, 0, 0), Buffer.alloc(0xe0000, 0x80)]),
  ],
  [
    'a third of a million of entries that say nothing',
    encode(['t', gzipSync(Buffer.alloc(MEBIBYTE - 1, Buffer.of(0x92, 1, 0x80))), compressed]),
  ],
  [
    'maps that are names of maps, thirty deep',
    Buffer.concat([Buffer.of(0x93, 0xa1, 0x74, 1), Buffer.alloc(29, 0x81), Buffer.alloc(30, 1)]),
  ],
] as const) {
  test(`not ended by ${what}: ${bytes.length} bytes`, async () => {
    const running = await start();
    const hostile = await dial();
    // Several at once, as a sender that tries again would.
    for (let time = 0; time < 3; time++) hostile.write(bytes);
    hostile.resume();
    const good = await dial();
    good.write(encode(['t', [entry('still here')]]));
    await running.eventually("the other sender's line", () => messages().includes('still here'));
    hostile.destroy();
    assert.is(await running.stop('SIGTERM'), 0);
  });
}

test('acknowledged data outlives kill -9, also a waiting event and the pieces of a long line', async () => {
  const env = { MULTILINE_START: '^\\S', MULTILINE_TIMEOUT: '1m', SPOOL_MAX_BYTES: '64MiB' };
  let running = await start(env);
  const socket = await dial();
  const acks = acknowledged(socket);
  socket.write(chunked('one', 'E1', '  at a', 'E2', '  at b'));
  const piece = (log: string, ordinal: number): Value => [
    1,
    fields({
      container_id: 'long',
      source: 'stdout',
      log,
      partial_message: 'true',
      partial_id: 'p',
      partial_ordinal: String(ordinal),
      partial_last: 'false',
    }),
  ];
  socket.write(encode(['t', [piece('L1-', 1), piece('L2-', 2)], fields({ chunk: 'two' })]));
  await running.eventually('acknowledgements', () => acks.length === 2);
  await running.stop('SIGKILL');

  running = await start(env);
  const again = await dial();
  const more = acknowledged(again);
  again.write(chunked('three', '  at c', 'E3'));
  await running.eventually('an acknowledgement', () => more.length === 1);
  await running.stop('SIGKILL');
  // A sender that heard nothing sends its chunk again.
  running = await start({ ...env, MULTILINE_TIMEOUT: '100ms' });
  (await dial()).write(chunked('three', '  at c', 'E3'));
  await running.eventually(
    'all events',
    () => messages().some((text) => text.startsWith('L1-')) && messages().includes('E3'),
  );
  assert.is(await running.stop('SIGTERM'), 0);
  assert.equal(
    messages()
      .filter((text) => !text.startsWith('  '))
      .toSorted(),
    ['E1\n  at a', 'E2\n  at b\n  at c', 'E3', 'L1-L2-'],
  );
});

test('SIGTERM reads what the kernel has received: 10,000 lines of a sender that does not wait', async () => {
  const lines = 10_000;
  for (const ends of [true, false]) {
    clear();
    let running = await start();
    const socket = await dial();
    const all = Array.from({ length: lines }, (_, at) => encode(['t', ...(entry(`line ${at}`) as Value[])]));
    const sent = Promise.withResolvers<void>();
    socket.write(Buffer.concat(all), () => sent.resolve());
    // The kernel has all of it: this side is done.
    await sent.promise;
    if (ends) socket.end();
    assert.is(await running.stop('SIGTERM'), 0);
    running = await start();
    await running.eventually('all lines', () => store.documents.length >= lines);
    assert.is(await running.stop('SIGTERM'), 0);
    assert.is(new Set(messages()).size, lines);
    socket.destroy();
  }
});

test('TLS and the shared key come from files; a failure is counted, and no secret is logged', async () => {
  const dir = temporaryDirectory('admission');
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const authority = await certify({ subject: 'CN=an authority', ca: true });
  const { cert, key } = await certify({ names: ['localhost'], issuer: authority });
  const running = await start({
    FORWARD_TLS_CERT_FILE: file('tls.crt', cert),
    FORWARD_TLS_KEY_FILE: file('tls.key', key),
    FORWARD_SHARED_KEY_FILE: file('shared-key', 'a very secret key\n'),
  });
  const secure = async (): Promise<Socket> => {
    const socket = connectSecurely({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  };
  const good = await secure();
  assert.is((await shake(good, 'a very secret key'))[1], true);
  good.write(encode(['t', [entry('hello')]]));
  await running.eventually('the line', () => messages().includes('hello'));
  const bad = await secure();
  assert.is((await shake(bad, 'guessed'))[1], false);
  const plain = await dial();
  plain.resume();
  plain.write(encode(['t', [entry('plain')]]));
  await closed(plain);
  await running.eventually('both refusals', () => (running.output.match(/is cut off/g) ?? []).length === 2);
  for (const reason of ['tls', 'handshake'])
    assert.is(await running.metric(`shipper_forward_refused_total{reason="${reason}"}`), 1);
  assert.is(await running.stop('SIGTERM'), 0);
  assert.not.match(running.output, 'a very secret key');
  assert.equal(messages(), ['hello']);
});

test.run();
