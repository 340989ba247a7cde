import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { createMask } from './mask/mask.ts';
import { Users } from './proc/users.ts';
import { Sampler } from './sampling/sampler.ts';
import { serveTopz } from './server.ts';

const sampler = new Sampler({
  mask: createMask({ enabled: true }),
  maxProcesses: 10_000,
  maxGroups: 64,
  period: 0,
  span: 1000,
});
const options = {
  sampler,
  users: new Users(),
  assets: { script: 'script();', style: 'body {}' },
  metrics: () => Promise.resolve('metric 1\n'),
};
const server = await serveTopz({ ...options, address: '127.0.0.1:0' });
const { port } = server.address() as AddressInfo;
test.after(() => {
  sampler.stop();
  server.close();
  server.closeAllConnections();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

function ask(path: string, { method = 'GET', accept = '*/*', host = `127.0.0.1:${port}` } = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request({ host: '127.0.0.1', port, path, method, headers: { accept, host }, agent: false }, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
  })
    .on('error', reject)
    .end();
  return promise;
}

test('a web site that calls this machine by its own name is refused, on every path', async () => {
  for (const path of ['/', '/topz', '/topz?format=json', '/topz/page.js', '/metrics', '/nowhere']) {
    const answer = await ask(path, { host: 'evil.example' });
    assert.is(answer.status, 403, path);
    assert.is(
      answer.text,
      'this page is asked for by an address, localhost, or a name in TOPZ_HOSTS; "evil.example" is none of these\n',
    );
  }
  assert.is((await ask('/topz', { host: `localhost:${port}` })).status, 200);
});

test('text, JSON and page of the same processes', async () => {
  const text = await ask('/topz');
  assert.is(text.headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(text.text, /server\.test\.ts/);
  const json = await ask('/topz?format=json');
  assert.is(json.headers['content-type'], 'application/json');
  const { processes } = JSON.parse(json.text) as { processes: { pid: number }[] };
  assert.ok(processes.some(({ pid }) => pid === process.pid));
  const page = await ask('/topz', { accept: 'text/html' });
  assert.is(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(page.text, /<script src="\/topz\/page\.js" defer>/);
});

test('one process, in each format, and none for an unknown id', async () => {
  assert.match((await ask(`/topz?pid=${process.pid}`)).text, new RegExp(`^pid +${process.pid}\n`));
  const { process: shown } = JSON.parse((await ask(`/topz?pid=${process.pid}&format=json`)).text) as {
    process: { pid: number };
  };
  assert.is(shown.pid, process.pid);
  for (const format of ['text', 'json', 'html']) {
    const answer = await ask(`/topz?pid=4194305&format=${format}`);
    assert.is(answer.status, 404, format);
    assert.match(answer.text, /there is no process 4194305/);
  }
});

test('a page allows nothing from elsewhere, nothing inline, and no frame around it', async () => {
  for (const path of ['/topz?format=html', '/topz?format=json', '/topz/page.js', '/nothing']) {
    const { headers } = await ask(path);
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    assert.not.match(policy, /unsafe/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.is(headers['x-content-type-options'], 'nosniff');
    assert.is(headers['cache-control'], 'no-store');
  }
  const { text } = await ask('/topz?format=html');
  assert.not.match(text, /<script(?! src)|<style|\son\w+=|style=|https?:/);
});

test('what was asked for wrongly comes back as text, never as markup', async () => {
  const answer = await ask('/topz?pid=%3Cscript%3E', { accept: 'text/html' });
  assert.is(answer.status, 400);
  assert.is(answer.headers['content-type'], 'text/plain; charset=utf-8');
  assert.not.match(answer.text, /</);
});

test('the rest of the port', async () => {
  assert.is((await ask('/topz/page.js')).text, 'script();');
  assert.is((await ask('/topz/page.css')).headers['content-type'], 'text/css; charset=utf-8');
  assert.is((await ask('/metrics')).text, 'metric 1\n');
  const root = await ask('/?pid=7');
  assert.equal([root.status, root.headers['location']], [302, '/topz?pid=7']);
  assert.is((await ask('/etc/passwd')).status, 404);
  assert.is((await ask('//elsewhere.example/topz')).status, 404);
  assert.is((await ask('/topz', { method: 'POST' })).status, 405);
  const head = await ask('/topz?format=json', { method: 'HEAD' });
  assert.equal([head.status, head.text], [200, '']);
});

test('a port that is taken is a mistake in the configuration', async () => {
  try {
    await serveTopz({ ...options, address: `127.0.0.1:${port}` });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ConfigurationError);
    assert.match((error as Error).message, /^TOPZ_ADDRESS: /);
  }
});

test('an address may be of IPv6, or every one', async () => {
  for (const address of ['[::1]:0', ':0']) {
    const other = await serveTopz({ ...options, address });
    assert.ok((other.address() as AddressInfo).port > 0);
    other.close();
  }
});

test.run();
