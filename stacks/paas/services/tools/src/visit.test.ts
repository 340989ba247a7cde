/** The visitor sees what it is there to see. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { visit, type VisitReport } from './visit.ts';

const test = suite('visit');

async function listen(answer: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** Visit a server that answers in turn, until each answer was given to every visitor. */
async function visitAll(...answers: readonly RequestListener[]): Promise<VisitReport> {
  const controller = new AbortController();
  let count = 0;
  const { server, url } = await listen((request, response) => {
    answers[Math.min(count, answers.length - 1)]!(request, response);
    count += 1;
    if (count >= answers.length + 8) controller.abort();
  });
  const report = await visit(url, controller.signal, () => {});
  server.close();
  return report;
}

const say =
  (text: string, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status).end(text);

test('whole answers are counted by version', async () => {
  const { answered, versions, mixed, failed } = await visitAll(say('Version 1 Version 1'), say('Version 2'));
  assert.is(answered, versions['Version 1']! + versions['Version 2']!);
  assert.is(versions['Version 1'], 1);
  assert.equal([mixed, failed], [[], []]);
});

test('an answer with parts of two versions is mixed', async () => {
  const { mixed } = await visitAll(say('Version 1 Version 2'), say('Version 2'));
  assert.equal(mixed, ['Version 1, Version 2']);
});

test('an error and a cut answer are failures', async () => {
  const { failed } = await visitAll(
    say('sorry', 500),
    (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('Version 1');
      setTimeout(() => response.destroy(), 20);
    },
    say('Version 1'),
  );
  assert.is(failed.length, 2);
  assert.ok(failed.includes('status 500'));
});

test('a client that gets no byte tries again, and reports how long it took', async () => {
  const { answered, refused, failed } = await visitAll((request) => request.socket.resetAndDestroy(), say('Version 1'));
  assert.ok(refused >= 1);
  assert.ok(answered > 0);
  assert.equal(failed, []);
});

test.run();
