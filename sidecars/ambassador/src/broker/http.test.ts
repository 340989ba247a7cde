/** HTTP through the broker: no request is lost while its servers change and go. */
import { Agent, createServer, request, type RequestListener } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { startBrokerTest } from './test-broker.ts';

interface Got {
  readonly status: number;
  readonly body: string;
}

async function ask(agent: Agent, port: number, method = 'GET', body = ''): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const headers = body === '' ? {} : { 'content-length': body.length };
  request({ host: '127.0.0.1', port, method, headers, agent }, (response) => {
    let text = '';
    response.on('data', (part: Buffer) => (text += String(part)));
    response.on('end', () => resolve({ status: response.statusCode!, body: text }));
    response.on('error', reject);
  })
    .on('error', reject)
    .end(body);
  return await promise;
}

const named =
  (name: string): RequestListener =>
  (incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.end(name));
  };

test('moves to and fro under load, GET and POST: a current server answers each request once', async () => {
  let posts = 0;
  const counting =
    (name: string): RequestListener =>
    (incoming, response) => {
      if (incoming.method === 'POST') posts++;
      named(name)(incoming, response);
    };
  await using a = await serve(counting('a'));
  await using b = await serve(counting('b'));
  await using broker = await startBrokerTest('http', [a.port]);
  const agent = new Agent({ keepAlive: true });
  let moves = 0;
  let answers = 0;
  let posted = 0;
  const client = async (method: string): Promise<void> => {
    while (moves < 6) {
      const got = await ask(agent, broker.port, method, method === 'POST' ? 'x'.repeat(3000) : '');
      assert.is(got.status, 200, got.body);
      answers++;
      if (method === 'POST') posted++;
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, index) => client(index % 2 === 0 ? 'GET' : 'POST')));
  for (; moves < 6; moves++) {
    const before = answers;
    await broker.to([moves % 2 === 0 ? b.port : a.port]);
    await eventually('the load goes on', () => answers > before + 100);
  }
  await clients;
  assert.is(posts, posted);
  assert.is(broker.unanswered, 0);
  assert.is((await ask(agent, broker.port)).body, 'a');
  agent.destroy();
});

test('a request that the old server has begun is answered by it', async () => {
  let answer: (() => void) | undefined;
  await using a = await serve((_, response) => {
    answer = () => response.end('a');
  });
  await using b = await serve(named('b'));
  await using broker = await startBrokerTest('http', [a.port]);
  const agent = new Agent();
  const got = ask(agent, broker.port, 'POST', 'x');
  await eventually('it has come', () => answer !== undefined);
  await broker.to([b.port]);
  assert.is((await ask(agent, broker.port)).body, 'b');
  assert.is(broker.at(a.port), 1);
  answer!();
  assert.equal(await got, { status: 200, body: 'a' });
  await eventually('nothing is left at the old server', () => broker.at(a.port) === 0);
});

test('the old server dies with requests under way: those that may be repeated go to the new one', async () => {
  let begun = 0;
  await using a = await serve(() => void (begun += 1));
  await using b = await serve(named('b'));
  await using broker = await startBrokerTest('http', [a.port]);
  const agent = new Agent();
  const asked = ['GET', 'PUT', 'POST'].map((method) => ask(agent, broker.port, method, method === 'GET' ? '' : 'x'));
  // At the server, not only under way to it: what it has not begun may be sent again, whatever its method.
  await eventually('all have come', () => begun === 3);
  await broker.to([b.port]);
  await a.close();
  const got = await Promise.all(asked);
  assert.equal(
    got.map(({ status }) => status),
    [200, 200, 502],
  );
  assert.is(broker.unanswered, 1);
});

test('no server is there for a while: requests of any method wait, with their bodies', async () => {
  const port = await freePort();
  await using broker = await startBrokerTest('http', [port]);
  const agent = new Agent();
  const asked = ['GET', 'POST'].map((method) =>
    ask(agent, broker.port, method, method === 'GET' ? '' : 'x'.repeat(100_000)),
  );
  await eventually('it was tried in vain', () => broker.broker.wrong !== undefined);
  await using server = await serve(createServer(named('back')), port);
  assert.is(server.port, port);
  for (const got of await Promise.all(asked)) assert.equal(got, { status: 200, body: 'back' });
  assert.is(broker.broker.wrong, undefined);
});

test('no server in time: 503, counted', async () => {
  await using broker = await startBrokerTest('http', [await freePort()], { wait: 150 });
  const got = await ask(new Agent(), broker.port, 'POST', 'x');
  assert.is(got.status, 503);
  assert.is(broker.unanswered, 1);
});

test('several servers: the next one while the first is down', async () => {
  await using b = await serve(named('b'));
  await using broker = await startBrokerTest('http', [await freePort(), b.port]);
  for (let index = 0; index < 3; index++) assert.is((await ask(new Agent(), broker.port, 'POST', 'x')).body, 'b');
});

test.run();
