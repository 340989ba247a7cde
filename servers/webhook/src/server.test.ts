import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { makePair, type Pair } from './certificate/pair.ts';
import { NoReview } from './review/admission.ts';
import { ReviewServer } from './server.ts';

const test = suite('review server');
const NAME = 'webhook.test.svc';
const MIB = 1024 * 1024;
const SOON = { within: 30_000, every: 20 };

let server: ReviewServer;
let pair: Pair;
let now: number;
let sockets: Socket[];

test.before.each(async () => {
  now = Date.now();
  sockets = [];
  pair = await makePair([NAME], 3_600_000, now);
  server = new ReviewServer({
    port: 0,
    now: () => now,
    onRefused: () => {},
    review(path, body) {
      if (body === 'garbage') throw new NoReview('the body is no JSON');
      return path === '/annotated' ? body : undefined;
    },
  });
  await server.listen();
  server.serve(pair);
});
test.after.each(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close(AbortSignal.timeout(0));
});

async function open(trusted = pair): Promise<TLSSocket> {
  const socket = connectTls({ port: server.port, host: '127.0.0.1', servername: NAME, ca: trusted.cert });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}

const head = (length: number, { path = '/annotated', method = 'POST', type = 'application/json' } = {}): string =>
  `${method} ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;

/** Ask on a connection; the answer is read to the end of its body or of the connection. */
async function ask(socket: Socket, text: string): Promise<string> {
  let answer = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  const take = (piece: Buffer): void => {
    answer += piece.toString();
    const end = answer.indexOf('\r\n\r\n') + 4;
    const [, length] = /^content-length: (\d+)\r$/im.exec(answer) ?? [];
    if (end > 3 && length !== undefined && answer.length >= end + Number(length)) resolve();
  };
  socket.on('data', take).once('close', resolve);
  socket.write(text);
  await promise;
  socket.off('data', take);
  return answer;
}

test('a review is answered, and the connection is kept', async () => {
  const socket = await open();
  for (const body of ['one', 'two']) {
    const answer = await ask(socket, head(3) + body);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.ok(answer.endsWith(body));
    assert.match(answer, /connection: keep-alive/i);
  }
});

test('what is no review gets a status, and the next connection is served', async () => {
  const rows: readonly [string, number][] = [
    [`${head(7)}garbage`, 400],
    [`${head(1, { path: '/other' })}x`, 404],
    [head(0, { method: 'GET' }), 405],
    [`${head(1, { type: 'text/plain' })}x`, 415],
    [`${head(5 * MIB)}${'x'.repeat(5 * MIB)}`, 413],
  ];
  for (const [text, status] of rows) assert.match(await ask(await open(), text), new RegExp(`^HTTP/1\\.1 ${status} `));
  const raw = connect(server.port, '127.0.0.1');
  sockets.push(raw);
  raw.on('error', () => {}).resume();
  raw.write('\0'.repeat(4096));
  await once(raw, 'close');
  assert.match(await ask(await open(), `${head(2)}ok`), / 200 /);
});

test('bodies that never end keep nobody out, and end at their deadline', async () => {
  const holders = await Promise.all(Array.from({ length: 8 }, () => open()));
  let gone = 0;
  for (const holder of holders) {
    holder.once('close', () => (gone += 1)).resume();
    holder.write(head(4 * MIB) + 'x'.repeat(3 * MIB));
  }
  assert.match(await ask(await open(), `${head(2)}ok`), / 200 /);
  await eventually('a body has a deadline', () => gone === holders.length && server.held === 0, SOON);
});

test('under another certificate, a kept connection is closed with its next answer', async () => {
  const socket = await open();
  const busy = ask(socket, head(2) + 'o');
  const next = await makePair([NAME], 3_600_000, now);
  await eventually('the body has begun', () => server.held === 1, SOON);
  server.serve(next);
  socket.write('k');
  const answer = await busy;
  assert.match(answer, / 200 [\s\S]*connection: close/i);
  assert.match(await ask(await open(next), `${head(2)}ok`), / 200 /);
});

test('an idle connection under an older certificate is closed at once', async () => {
  const socket = await open();
  await ask(socket, `${head(2)}ok`);
  const closed = once(socket, 'close');
  socket.resume();
  server.serve(await makePair([NAME], 3_600_000, now));
  await closed;
});

test('when a certificate ends, connections that were opened under it end', async () => {
  const idle = await open();
  const asking = await open();
  await ask(asking, `${head(2)}ok`);
  const closed = [once(idle, 'close'), once(asking, 'close')];
  idle.resume();
  now = pair.notAfter;
  assert.is(await ask(asking, `${head(2)}ok`), '');
  await Promise.all(closed);
});

test('without a trusted certificate nobody is answered', async () => {
  const socket = await open();
  const closed = once(socket.resume(), 'close');
  server.serve(undefined);
  await closed;
  const other = connectTls({ port: server.port, host: '127.0.0.1', servername: NAME, ca: pair.cert });
  sockets.push(other);
  other.on('error', () => {}).resume();
  await once(other, 'close');
});

test.run();
