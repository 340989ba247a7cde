/** A rollout causes no 503, in whichever order an application and its proxy stop: no policy is needed for it. */
import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server, type Http2ServerResponse } from 'node:http2';
import type { ServerResponse } from 'node:http';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { LOST, UNREACHED } from './cluster/unreached.ts';
import { grpcApplication } from './testing/grpc.ts';
import { configurationOf, SHOP, startPod, towards, type TestPod } from './testing/mesh.ts';
import { caller, callerOf, NOBODY, onceASecond, replica, stopped } from './testing/replicas.ts';

const ok = (response: ServerResponse): void => void response.end('ok');

/** An application that counts. */
async function counted(answer = ok): Promise<TestServer & { readonly count: () => number }> {
  let count = 0;
  const server = await serve((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      count++;
      answer(response);
    });
  });
  return Object.assign(server, { count: () => count });
}

const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';

const ask = (pod: TestPod, method = 'GET', body = ''): Promise<string> =>
  exchange(
    pod.plane.outboundPort,
    `${method} / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );

test('the application stops first: its proxy says so, and the request goes to another replica', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up]);
  const most = onceASecond();
  for (let round = 0; round < 10; round++) {
    assert.match(await ask(front), /^HTTP\/1\.1 200 /);
    assert.match(await ask(front, 'POST', 'a body'), /^HTTP\/1\.1 200 /);
  }
  assert.is(app.count(), 20);
  // A replica that is not there is left out at once: not every other request tries it.
  const tries = down.inbound.ends.length;
  assert.ok(tries >= 1 && tries <= most(), `${tries} of 20 went there`);
});

test('the application dies with requests: those that may be repeated are made elsewhere', async () => {
  await using app = await counted();
  await using dying = await serve((incoming) => void incoming.socket.destroy());
  await using up = await replica(app.port);
  await using down = await replica(dying.port);
  await using front = await caller([down, up]);
  for (let round = 0; round < 6; round++)
    for (const method of ['GET', 'PUT', 'DELETE']) assert.match(await ask(front, method), /^HTTP\/1\.1 200 /, method);
  const posted: string[] = [];
  for (let round = 0; round < 6; round++) posted.push((await ask(front, 'POST')).slice(0, 12));
  assert.equal(
    new Set(posted),
    new Set(['HTTP/1.1 200', 'HTTP/1.1 502']),
    'what is no such request may have been done',
  );
});

test('the proxy dies with requests: those that may be repeated are made elsewhere', async () => {
  await using app = await counted();
  await using dying = await serve(createServer((socket) => void socket.once('data', () => socket.destroy())));
  await using up = await replica(app.port);
  await using front = await callerOf([dying.port, up.plane.inboundPort], { meshed: false });
  up.plane.apply(configurationOf({ version: '2', inbound: { mtls: 'DISABLE' } }));
  for (let round = 0; round < 6; round++) assert.match(await ask(front), /^HTTP\/1\.1 200 /);
});

test('what says that an application was lost is for proxies alone', async () => {
  await using lying = await serve((_incoming, response) => void response.writeHead(502, { [LOST]: 'closed' }).end());
  await using app = await counted();
  await using up = await replica(app.port);
  await using down = await replica(lying.port);
  await using front = await caller([down, up]);
  const answers: string[] = [];
  for (let round = 0; round < 4; round++) answers.push(await ask(front));
  assert.is(answers.filter((text) => text.startsWith('HTTP/1.1 502')).length, 2, "it is the application's own answer");
  assert.not.match(answers.join(''), new RegExp(LOST, 'i'));
});

test('a machine that is gone without a word is noticed, and what waits for it is made elsewhere', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  // It takes connections and requests, and nothing comes back: as of packets that nobody gets.
  let unanswered = 0;
  await using silent = await serve(() => void unanswered++);
  await using gone = await replica(silent.port);
  let there = true;
  const asked: string[] = [];
  await using front = await startPod('front', {
    configuration: towards([gone.plane.inboundPort, up.plane.inboundPort], { cluster: { policy: 'ROUND_ROBIN' } }),
    plane: {
      isThere: async (address) => {
        asked.push(address);
        return await Promise.resolve(there);
      },
    },
  });
  front.meant.outbound = SHOP;
  const waiting: Promise<string>[] = [];
  // One after the other, so that each of both gets a GET and a POST.
  for (const method of ['GET', 'GET', 'POST', 'POST']) {
    waiting.push(ask(front, method));
    await eventually('it has come', () => app.count() + unanswered === waiting.length);
  }
  await eventually('it was seen to be there', () => asked.length > 1, { within: 30_000 });
  there = false;
  const answers = await Promise.all(waiting);
  assert.equal(
    answers.map((text) => text.slice(9, 12)).toSorted(),
    ['200', '200', '200', '502'],
    'a POST may have been done',
  );
  // It is asked last from then on, until it is seen to be there.
  for (let round = 0; round < 4; round++) assert.match(await ask(front), /^HTTP\/1\.1 200 /);
});

test('a machine that is gone with its first request is noticed, too', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  let there = true;
  await using silent = await serve(() => void (there = false));
  await using gone = await replica(silent.port);
  await using front = await startPod('front', {
    configuration: towards([gone.plane.inboundPort, up.plane.inboundPort], { cluster: { policy: 'ROUND_ROBIN' } }),
    plane: { isThere: () => Promise.resolve(there) },
  });
  front.meant.outbound = SHOP;
  const answers = await Promise.all([ask(front), ask(front)]);
  for (const text of answers) assert.match(text, /^HTTP\/1\.1 200 /);
  assert.not(there, 'one of them was there first');
});

test('the proxy stops first: nothing listens at all, and the request goes to another replica', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  const gone = await replica(app.port);
  await using front = await caller([gone, up]);
  await gone[Symbol.asyncDispose]();
  for (let round = 0; round < 10; round++) {
    assert.match(await ask(front), /^HTTP\/1\.1 200 /);
    assert.match(await ask(front, 'POST', 'a body'), /^HTTP\/1\.1 200 /);
  }
  assert.is(app.count(), 20);
});

test('a call of gRPC is made elsewhere, too', async () => {
  await using app = await serve(grpcApplication(() => 'said'));
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up]);
  const session = connectHttp2(`http://127.0.0.1:${front.plane.outboundPort}`);
  try {
    for (let round = 0; round < 4; round++) {
      const fields = { ':path': '/echo/Say', ':method': 'POST', te: 'trailers', 'content-type': 'application/grpc' };
      const stream = session.request(fields);
      let trailers: Record<string, unknown> = {};
      stream.on('trailers', (all) => (trailers = all)).resume();
      stream.end('hello');
      await once(stream, 'end');
      assert.is(trailers['grpc-status'], '0');
    }
  } finally {
    session.close();
  }
  assert.ok(down.inbound.ends.length > 0);
});

test('a call that is under way goes on to its end, although its replica has left the endpoints', async () => {
  let answering: Http2ServerResponse | undefined;
  await using app = await serve(
    createHttp2Server((incoming, response) => {
      incoming.resume();
      response.writeHead(200, { 'content-type': 'application/grpc' });
      response.write('first');
      answering = response;
    }),
  );
  await using leaves = await replica(app.port);
  await using stays = await replica(app.port);
  let connections = 0;
  await using between = await serve(
    createServer((socket) => {
      connections++;
      const further = connect(leaves.plane.inboundPort, '127.0.0.1');
      pipeline(socket, further, socket, () => connections--);
    }),
  );
  await using front = await callerOf([between.port]);
  const session = connectHttp2(`http://127.0.0.1:${front.plane.outboundPort}`);
  try {
    const fields = { ':path': '/echo/Watch', ':method': 'POST', te: 'trailers', 'content-type': 'application/grpc' };
    const stream = session.request(fields);
    let text = '';
    let over: string | undefined;
    stream.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    stream
      .on('error', () => {})
      .on('close', () => (over = stream.rstCode === 0 ? 'ended' : `reset: ${stream.rstCode}`));
    stream.end();
    await eventually('the first answer', () => text === 'first');
    front.plane.apply(configurationOf({ version: '2', ...towards([stays.plane.inboundPort]) }));
    // New requests go to the other one.
    assert.match(await ask(front), /^HTTP\/1\.1 /);
    answering!.write(' second');
    await eventually('what comes later', () => text === 'first second' || over !== undefined);
    assert.is(over, undefined);
    answering!.end(' third');
    await eventually('the end', () => over !== undefined);
    assert.is(text, 'first second third');
    assert.is(over, 'ended');
    await eventually('the connection of nobody is closed', () => connections === 0);
  } finally {
    session.close();
  }
});

test('where there is no other replica, the client reads at once that nobody listens', async () => {
  await using down = await stopped();
  await using front = await caller([down]);
  const answer = await ask(front);
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /has no application that takes connections: nobody listens there \(ECONNREFUSED\)/);
  assert.not.match(answer, new RegExp(UNREACHED, 'i'));
  assert.equal(front.outbound.ends.at(-1)!.cause.flags, ['UF']);
  assert.is(front.outbound.ends.at(-1)!.record.retries, 0);
  assert.is(down.inbound.ends.length, 1);
  // It comes back, and is found, although it was left out a moment ago: there is no other.
  await using app = await counted();
  down.meant.inbound = { address: '127.0.0.1', port: app.port };
  assert.match(await exchange(front.plane.outboundPort, GET), /^HTTP\/1\.1 200 /);
});

test('where all have stopped, each is asked once', async () => {
  await using one = await stopped();
  await using two = await stopped();
  await using front = await caller([one, two]);
  assert.match(await ask(front), /^HTTP\/1\.1 503 [^]*It was tried 2 times/);
  assert.equal([one.inbound.ends.length, two.inbound.ends.length], [1, 1]);
});

test('a body that is too long to be kept is not sent twice, or cut', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up]);
  const most = onceASecond();
  const statuses: string[] = [];
  for (let round = 0; round < 4; round++) statuses.push((await ask(front, 'POST', 'x'.repeat(200_000))).slice(9, 12));
  // The first one found nobody; from then on the replica is left out.
  assert.is(statuses[0], '503');
  const failures = statuses.filter((each) => each === '503').length;
  assert.ok(failures <= most(), statuses.join());
  assert.is(app.count(), 4 - failures);
});

test('many requests at once that reached nobody are all answered: they need no budget', async () => {
  await using app = await counted();
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], { cluster: { retryBudget: { percent: 0, minimum: 0 } } });
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(front)));
  assert.equal([...new Set(answers.map((each) => each.slice(9, 12)))], ['200']);
  assert.is(app.count(), 30);
  assert.ok(down.inbound.ends.length >= 1);
});

test('a route with retries of its own keeps them for what they are about', async () => {
  await using app = await counted((response) => void response.writeHead(500).end());
  await using up = await replica(app.port);
  await using down = await stopped();
  await using front = await caller([down, up], { route: { retry: { on: ['retriable-4xx'], attempts: 5 } } });
  assert.match(await ask(front), /^HTTP\/1\.1 500 /);
  assert.is(app.count(), 1);
});

test('an application that says so itself is not believed, and its word goes no further', async () => {
  const liar = (response: ServerResponse): void =>
    void response.writeHead(503, { [UNREACHED]: 'ECONNREFUSED', 'X-Own': '1' }).end('mine');
  await using app = await counted(liar);
  await using one = await replica(app.port);
  await using two = await replica(app.port);
  await using front = await caller([one, two]);
  const answer = await ask(front);
  assert.match(answer, /^HTTP\/1\.1 503 [^]*x-own: 1[^]*mine/i);
  assert.not.match(answer, new RegExp(UNREACHED, 'i'));
  assert.is(app.count(), 1);
});

test('what is not of the mesh is not believed either, nor told', async () => {
  const liar = (response: ServerResponse): void =>
    void response.writeHead(503, { [UNREACHED]: 'ECONNREFUSED' }).end('mine');
  await using one = await counted(liar);
  await using two = await counted(liar);
  await using front = await startPod('front', { configuration: towards([one.port, two.port], { meshed: false }) });
  front.meant.outbound = SHOP;
  assert.match(await ask(front), /^HTTP\/1\.1 503 [^]*mine/);
  assert.is(one.count() + two.count(), 1);
  // In the clear to a proxy of the mesh: its answer has the sentence, and no word to a proxy.
  await using down = await stopped();
  const answer = await exchange(down.plane.inboundPort, GET);
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.not.match(answer, new RegExp(UNREACHED, 'i'));
});

test('the proxy hears at once that its application takes no connection', async () => {
  let told = 0;
  await using pod = await startPod('shop', { plane: { onApplicationDown: () => told++ } });
  pod.meant.inbound = { address: '127.0.0.1', port: NOBODY };
  await exchange(pod.plane.inboundPort, GET);
  assert.is(told, 1);
});

test.run();
