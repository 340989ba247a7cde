/** What a body costs that does not fit the windows: each byte is copied so often, however large the body is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestConnection, type TestStream } from '#proxy/testing/http2.ts';

const MEBIBYTE = 1024 * 1024;
/** Heads, settings and window updates. */
const FRAMES = 64 * 1024;

/** Count the bytes that are copied meanwhile. */
function copied(action: () => void): number {
  const { copy } = Buffer.prototype;
  let bytes = 0;
  Buffer.prototype.copy = function (...args: Parameters<Buffer['copy']>): number {
    const count = copy.apply(this, args);
    bytes += count;
    return count;
  };
  try {
    action();
  } finally {
    Buffer.prototype.copy = copy;
  }
  return bytes;
}

/** A request that waits for its response. */
function asked(): { client: TestConnection; server: TestConnection; stream: TestStream } {
  const client = new TestConnection('client');
  const server = new TestConnection('server');
  let stream: TestStream | undefined;
  server.onHeadOf = (each) => (stream = each);
  client.request(Object.entries({ ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': '/' }), true);
  server.receive(client.output());
  client.receive(server.output());
  server.receive(client.output());
  server.head(stream!, [[':status', '200']], false);
  return { client, server, stream: stream! };
}

/** Send a body in one piece, and spoil it where nobody may look at it any more. @returns bytes that were copied */
function send(body: Buffer, stays: boolean): number {
  const { client, server, stream } = asked();
  const original = Buffer.from(body);
  const count = copied(() => {
    assert.not.ok(server.connection.sendData(stream, body, 0, body.length, stays));
    if (!stays) body.fill(0xee);
    server.connection.sendEnd(stream);
    const message = client.messages[0]!;
    while (!message.ended) {
      const output = server.output();
      assert.ok(output.length > 0, 'it stands still');
      client.receive(output);
      server.receive(client.output());
    }
  });
  assert.ok(Buffer.concat(client.messages[0]!.body).equals(original));
  assert.is(server.memory.used, 0);
  return count;
}

for (const size of [MEBIBYTE, 8 * MEBIBYTE]) {
  const name = `${size / MEBIBYTE} MiB`;
  test(`${name} that stay as they are are copied once, into frames`, () => {
    const count = send(Buffer.alloc(size, 'stays'), true);
    assert.ok(count >= size && count < size + FRAMES, `${count} bytes`);
  });

  test(`${name} that somebody else's buffer holds are copied once more, to wait`, () => {
    const count = send(Buffer.alloc(size, 'lent'), false);
    assert.ok(count > size && count < 2 * size + FRAMES, `${count} bytes`);
  });
}

test('little that waits has memory of its own: what it was cut from may be larger', () => {
  const { server, stream } = asked();
  const body = Buffer.alloc(MEBIBYTE);
  assert.not.ok(server.connection.sendData(stream, body, 0, 129 * 1024, true));
  assert.ok(stream.queued > 0);
  assert.is.not(stream.queue!.front.buffer, body.buffer);
});

test.run();
