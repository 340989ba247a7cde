/** gRPC through the sidecar: an unmodified client, and an unmodified server that speaks HTTP/2 in the clear. */
import { once } from 'node:events';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { authority, start, type Running } from './test-plane.ts';

const same = (bytes: Buffer): Buffer => bytes;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const service = {
  unary: method('/echo.Echo/Unary', false, false),
  fail: method('/echo.Echo/Fail', false, false),
  down: method('/echo.Echo/Down', false, true),
  both: method('/echo.Echo/Both', true, true),
} satisfies ServiceDefinition;

interface Seen {
  cancelled: number;
}

function serverOf(seen: Seen): Server {
  const server = new Server();
  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const metadata = new Metadata();
    metadata.set('x-seen-forwarded', String(call.metadata.get('x-forwarded-proto')[0]));
    metadata.set('x-tag', String(call.metadata.get('x-tag')[0] ?? ''));
    call.sendMetadata(metadata);
    const trailer = new Metadata();
    trailer.set('x-trailer', 'end');
    trailer.set('x-raw-bin', Buffer.from([0, 1, 255]));
    callback(null, call.request, trailer);
  };
  const fail: handleUnaryCall<Buffer, Buffer> = (_call, callback) =>
    callback({ code: status.FAILED_PRECONDITION, details: 'not möglich' });
  const down: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    const count = call.request.readUInt32BE(0);
    call.on('cancelled', () => seen.cancelled++);
    let at = 0;
    const more = (): void => {
      while (at < count && !call.cancelled)
        if (!call.write(Buffer.alloc(10_000, at++ & 255))) return void call.once('drain', more);
      if (!call.cancelled) call.end();
    };
    more();
  };
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (message: Buffer) => call.write(Buffer.from(String(message).toUpperCase())));
    call.on('end', () => call.end());
    call.on('cancelled', () => seen.cancelled++);
  };
  server.addService(service, { unary, fail, down, both });
  return server;
}

async function withGrpc(run: (client: Client, running: Running, seen: Seen) => Promise<void>): Promise<void> {
  const seen = { cancelled: 0 };
  const server = serverOf(seen);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  );
  const running = await start(await promise, { PROXY_HTTP_VERSION: '2' });
  const client = new Client(`localhost:${running.port}`, credentials.createSsl(Buffer.from(authority.cert)));
  try {
    await run(client, running, seen);
  } finally {
    client.close();
    await running.stop();
    server.forceShutdown();
  }
}

interface Answer {
  readonly error: ServiceError | null;
  readonly value: Buffer | undefined;
  readonly metadata: Metadata;
  readonly trailers: Metadata;
}

async function call(client: Client, path: string, request: Buffer, metadata = new Metadata()): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let received = new Metadata();
  let trailers = new Metadata();
  let outcome: [ServiceError | null, Buffer | undefined] | undefined;
  const end = (): void =>
    void setImmediate(() => resolve({ error: outcome![0], value: outcome![1], metadata: received, trailers }));
  client
    .makeUnaryRequest(path, same, same, request, metadata, { deadline: Date.now() + 20_000 }, (error, value) => {
      outcome = [error, value];
      end();
    })
    .on('metadata', (each: Metadata) => (received = each))
    .on('status', ({ metadata: each }: { metadata: Metadata }) => (trailers = each));
  return promise;
}

test('unary calls pass with their metadata, both ways, and their trailers', async () => {
  await withGrpc(async (client) => {
    const metadata = new Metadata();
    metadata.set('x-tag', 'a b');
    const answer = await call(client, service.unary.path, Buffer.from('hello'), metadata);
    assert.is(answer.error, null);
    assert.equal(
      [String(answer.value), answer.metadata.get('x-tag'), answer.metadata.get('x-seen-forwarded')],
      ['hello', ['a b'], ['https']],
    );
    assert.equal(answer.trailers.get('x-trailer'), ['end']);
    assert.equal(answer.trailers.get('x-raw-bin'), [Buffer.from([0, 1, 255])]);
  });
});

test('a call that fails fails with its own status, also when trailers are all there is', async () => {
  await withGrpc(async (client) => {
    const { error } = await call(client, service.fail.path, Buffer.alloc(0));
    assert.equal([error?.code, error?.details], [status.FAILED_PRECONDITION, 'not möglich']);
    const unknown = await call(client, '/echo.Echo/None', Buffer.alloc(0));
    assert.is(unknown.error?.code, status.UNIMPLEMENTED);
  });
});

test('many large calls at once each get their own answer', async () => {
  await withGrpc(async (client) => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => call(client, service.unary.path, Buffer.alloc(200_000, index))),
    );
    for (const [index, { error, value }] of answers.entries())
      assert.ok(error === null && value!.equals(Buffer.alloc(200_000, index)), String(index));
  });
});

test('a stream of 20 MB arrives whole, at the pace of who reads it', async () => {
  await withGrpc(async (client) => {
    const request = Buffer.alloc(4);
    request.writeUInt32BE(2000);
    const stream = client.makeServerStreamRequest(service.down.path, same, same, request, new Metadata());
    let count = 0;
    for await (const message of stream as AsyncIterable<Buffer>) {
      assert.ok(message.equals(Buffer.alloc(10_000, count & 255)));
      count++;
    }
    assert.is(count, 2000);
  });
});

test('a conversation goes both ways, message by message', async () => {
  await withGrpc(async (client) => {
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(service.both.path, same, same, new Metadata());
    const answers: string[] = [];
    stream.on('data', (message: Buffer) => answers.push(String(message)));
    for (const word of ['one', 'two', 'three']) {
      const before = answers.length;
      stream.write(Buffer.from(word));
      await eventually('an answer', () => answers.length > before);
    }
    const ended = new Promise((resolve) => void stream.on('status', resolve));
    stream.end();
    assert.is(((await ended) as { code: number }).code, status.OK);
    assert.equal(answers, ['ONE', 'TWO', 'THREE']);
  });
});

test('a call that the client cancels is cancelled at the server, and none is left in flight', async () => {
  await withGrpc(async (client, { metrics }, seen) => {
    const request = Buffer.alloc(4);
    request.writeUInt32BE(1_000_000);
    const stream = client.makeServerStreamRequest(service.down.path, same, same, request, new Metadata());
    stream.on('error', () => {});
    await once(stream, 'data');
    stream.cancel();
    await eventually('the server hears of it', () => seen.cancelled === 1);
    await eventually('nothing is in flight', async () => /tls_requests_in_flight 0/.test(await metrics()));
  });
});

test('a call to a server that is down is unavailable', async () => {
  const server = serverOf({ cancelled: 0 });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  const port = await promise;
  server.forceShutdown();
  const running = await start(port, { PROXY_HTTP_VERSION: '2' });
  const client = new Client(`localhost:${running.port}`, credentials.createSsl(Buffer.from(authority.cert)));
  const { error } = await call(client, service.unary.path, Buffer.from('hello'));
  assert.is(error?.code, status.UNAVAILABLE);
  client.close();
  await running.stop();
});

test.run();
