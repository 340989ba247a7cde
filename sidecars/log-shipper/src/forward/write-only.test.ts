/** Senders that only write: what they have sent before they close is not lost, however their kernel ends the connection. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { writeAndClose } from '#kit/testing/write-only.ts';
import { clear, program, store } from '../test-program.ts';
import { received } from '../senders/received.ts';
import { encode } from './test-encode.ts';
import { docker } from './test-input.ts';

const dir = temporaryDirectory('write-only');
const SIDECAR = join(import.meta.dirname, '../..');
/** More than the receiver's window, and less than what a kernel keeps to send. */
const COUNT = 10_000;
const message = (log: string): Buffer => encode(['t', 1, docker(log)]);
const messages = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, at) => message(`line ${at}`)));

/** Both ends of a connection; of the one that is received, the first bytes are taken, and the rest is in its buffer. */
async function halfReceived(): Promise<{ sender: Socket; socket: Socket; rest: AsyncGenerator<Buffer> }> {
  const server = createServer().listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const sender = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sender.on('error', () => {});
  const [socket] = await accepted;
  server.close();
  const rest = received(socket);
  sender.write('first');
  assert.is(String((await rest.next()).value), 'first');
  sender.write('the rest');
  await eventually('the rest is in the buffer', () => socket.readableLength === 8);
  return { sender, socket, rest };
}

test('what was received before a connection was reset is handed out, and then the error', async () => {
  const { sender, socket, rest } = await halfReceived();
  sender.resetAndDestroy();
  await eventually('the connection is gone', () => socket.destroyed);
  assert.is(String((await rest.next()).value), 'the rest');
  await rest.next().then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.is(error.code, 'ECONNRESET'),
  );
});

test('of a sender that is cut off nothing more is handed out', async () => {
  const { sender, socket, rest } = await halfReceived();
  socket.destroy(new Error('too late'));
  await rest.next().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'too late'),
  );
  sender.destroy();
});

/** Flags of node, as the image has them. */
function flags(): string[] {
  const text = readFileSync(join(SIDECAR, 'Dockerfile'), 'utf8');
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)![1]!) as string[];
  return entrypoint.slice(1, -1).map((flag) => flag.replace('/sidecar/', `${SIDECAR}/`));
}

test('a sender that speaks TLS and never reads loses nothing when it closes', async () => {
  clear();
  const authority = await certify({ subject: 'CN=an authority', ca: true });
  const { cert, key } = await certify({ names: ['localhost'], issuer: authority });
  writeFileSync(join(dir, 'tls.crt'), cert);
  writeFileSync(join(dir, 'tls.key'), key);
  const port = await freePort();
  const running = await program(
    {
      FORWARD_PORT: String(port),
      FORWARD_ADDRESS: '127.0.0.1',
      FORWARD_TLS_CERT_FILE: join(dir, 'tls.crt'),
      FORWARD_TLS_KEY_FILE: join(dir, 'tls.key'),
    },
    flags(),
  );
  await running.up();
  await writeAndClose(port, { ca: authority.cert, processes: [running.child.pid!] }, messages(COUNT));
  await running.eventually('all lines', () => store.counts.created === COUNT, { within: 60_000 });
  assert.is(await running.stop(), 0, running.output);
});

test.run();
