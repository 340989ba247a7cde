import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve as startServer, type TestServer } from '#kit/testing/server.ts';
import { parseExpectation } from './expectation.ts';
import { whyUnavailable, parseSubject, Unverified, verify } from './verify.ts';

const { signal } = new AbortController();
const servers: TestServer[] = [];
test.after.each(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(answer: RequestListener): Promise<TestServer> {
  const server = await startServer(answer);
  servers.push(server);
  return { ...server, url: `${server.url}/` };
}

/** How long it took until version 7 was verified, in milliseconds, or why it was not. */
async function verdict(subject: string, hold = 0, timeout = 30_000): Promise<number | string> {
  const started = performance.now();
  const verification = { subject: parseSubject(subject), expectation: parseExpectation('{version}'), hold, timeout };
  try {
    await verify(verification, { id: { version: '7', digest: '' }, content: Buffer.alloc(0), signal });
    return performance.now() - started;
  } catch (error) {
    assert.instance(error, Unverified);
    return (error as Unverified).message;
  }
}

test('a version is looked for in the body and in the head, until it shows', async () => {
  let looks = 0;
  const body = await serve((_request, response) => response.end(++looks < 3 ? 'version 6' : 'version 7'));
  assert.type(await verdict(`shows:${body.url}`), 'number');
  assert.is(looks, 3);
  const head = await serve((_request, response) => response.setHeader('x-version', '7').end('6'));
  assert.type(await verdict(`shows:${head.url}`), 'number');
});

test('what it shows instead is said when the time is over', async () => {
  const { url } = await serve((_request, response) => response.end('version 77'));
  assert.is(await verdict(`shows:${url}`, 0, 400), `${url} does not show 7`);
  const broken = await serve((_request, response) => response.writeHead(503).end('7'));
  assert.is(await verdict(`shows:${broken.url}`, 0, 400), `${broken.url} answered 503`);
  const silent = await serve(() => {});
  assert.match(String(await verdict(`shows:${silent.url}`, 0, 10)), /did not answer within 2000 ms/);
});

test('health has to last: a break begins it anew', async () => {
  let looks = 0;
  let ill = 0;
  // Well, ill once, well for good.
  const { url } = await serve((_request, response) => {
    if (++looks === 2) ill = performance.now();
    response.writeHead(looks === 2 ? 500 : 200).end();
  });
  assert.type(await verdict(`healthy:${url}`, 150), 'number');
  assert.ok(looks > 3 && performance.now() - ill >= 150, `${looks} looks`);
});

test('a port that accepts is healthy, one that does not is not', async () => {
  const { port, close } = await serve(() => {});
  assert.type(await verdict(`healthy:tcp:127.0.0.1:${port}`, 50), 'number');
  assert.is(await whyUnavailable(parseSubject(`healthy:tcp:127.0.0.1:${port}`), signal), undefined);
  await close();
  assert.match(String(await verdict(`healthy:tcp:127.0.0.1:${port}`, 50, 400)), /ECONNREFUSED/);
  assert.match((await whyUnavailable(parseSubject(`healthy:tcp:127.0.0.1:${port}`), signal)) ?? '', /ECONNREFUSED/);
});

test('a file of the application is looked into', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'config-verify-'));
  const path = join(directory, 'version');
  assert.is(await verdict(`shows:${path}`, 0, 50), `${path} cannot be read: ENOENT`);
  assert.is(await whyUnavailable(parseSubject(`shows:${path}`), signal), `${path} cannot be read: ENOENT`);
  writeFileSync(path, 'v=6\n');
  assert.is(await verdict(`shows:${path}`, 0, 50), `${path} does not show 7`);
  assert.is(await whyUnavailable(parseSubject(`shows:${path}`), signal), undefined);
  writeFileSync(path, 'v=7\n');
  assert.type(await verdict(`shows:${path}`), 'number');
  rmSync(directory, { recursive: true });
});

test('an application that gives any answer is up', async () => {
  const { url } = await serve((_request, response) => response.writeHead(500).end());
  assert.is(await whyUnavailable(parseSubject(`shows:${url}`), signal), undefined);
});

test('a wait that is given up ends with the reason', async () => {
  const { url } = await serve((_request, response) => response.end());
  const giving = new AbortController();
  const verification = {
    subject: parseSubject(`shows:${url}`),
    expectation: parseExpectation('{version}'),
    hold: 0,
    timeout: 60_000,
  };
  const waiting = verify(verification, {
    id: { version: '7', digest: '' },
    content: Buffer.alloc(0),
    signal: giving.signal,
  });
  giving.abort(new Error('enough'));
  const error = await waiting.catch((caught: Error) => caught);
  assert.is((error as Error).message, 'enough');
});

test.run();
