import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { get, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serveAdmin, type AdminHandler } from './admin.ts';
import { ConfigurationError } from '../contract/parameters.ts';
import { eventually } from '../testing/eventually.ts';
import { Readiness } from './readiness.ts';

const readiness = new Readiness();
const check = readiness.check('app');
const paths: Record<string, AdminHandler> = {};
const methods: Record<string, readonly string[]> = {};
let metrics = (): Promise<string> => Promise.resolve('x 1\n');
let server: Server;

test.before(async () => {
  server = await serveAdmin({ address: '127.0.0.1', port: 0, readiness, metrics: () => metrics(), paths, methods });
});
test.after(() => {
  server.close();
  server.closeAllConnections();
});

async function ask(
  path: string,
  method = 'GET',
): Promise<{ status: number; body: string; type: string | null; headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });
  return {
    status: response.status,
    body: await response.text(),
    type: response.headers.get('content-type'),
    headers: response.headers,
  };
}

test('/healthz answers while the process does', async () => {
  const { status, body, headers } = await ask('/healthz');
  assert.equal([status, body, headers.get('cache-control')], [200, 'ok\n', 'no-store']);
});

test('/readyz answers 503 with the reason, and 200 once the job can be done', async () => {
  const before = await ask('/readyz');
  assert.is(before.status, 503);
  assert.equal(JSON.parse(before.body), {
    ready: false,
    checks: { app: { ready: false, age_seconds: null, reason: 'not verified yet' } },
  });
  check.pass();
  const after = await ask('/readyz?verbose');
  assert.equal([after.status, after.type], [200, 'application/json']);
});

test("/metrics answers in Prometheus' format", async () => {
  assert.equal(await ask('/metrics').then(({ status, body, type }) => [status, body, type]), [
    200,
    'x 1\n',
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
});

test('metrics that fail are a 500, and the port lives on', async () => {
  metrics = () => Promise.reject(new Error('broken'));
  assert.equal(await ask('/metrics').then(({ status, body }) => [status, body]), [500, 'broken\n']);
  assert.is((await ask('/healthz')).status, 200);
});

test('a path that was added after the start is served', async () => {
  assert.is((await ask('/ca.crt')).status, 404);
  paths['/ca.crt'] = (_request, response) => void response.end('PEM');
  assert.is((await ask('/ca.crt')).body, 'PEM');
});

test('another path is told which there are, names of Object included', async () => {
  const { status, body } = await ask('/nothing');
  assert.is(status, 404);
  assert.match(body, '/healthz /readyz /metrics');
  assert.is((await ask('/constructor')).status, 404);
});

test('HEAD is answered without a body, any other method with 405', async () => {
  assert.equal(await ask('/healthz', 'HEAD').then(({ status, body }) => [status, body]), [200, '']);
  const { status, headers } = await ask('/healthz', 'POST');
  assert.equal([status, headers.get('allow')], [405, 'GET, HEAD']);
});

test('a path may answer other methods, and then those alone', async () => {
  paths['/purge'] = ({ method }, response) => void response.end(`${method}\n`);
  methods['/purge'] = ['POST'];
  assert.equal(await ask('/purge', 'POST').then(({ status, body }) => [status, body]), [200, 'POST\n']);
  const { status, headers } = await ask('/purge');
  assert.equal([status, headers.get('allow')], [405, 'POST']);
});

test('connections that are held idle by a neighbour keep no health check out', async () => {
  const { port } = server.address() as AddressInfo;
  const held = Array.from({ length: 200 }, () =>
    connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {}),
  );
  try {
    await eventually('as many as may be are open', () => held.filter(({ connecting }) => !connecting).length >= 64);
    for (let turn = 0; turn < 3; turn++) {
      const request = get({ port, host: '127.0.0.1', path: '/healthz', agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      assert.equal([response.statusCode, await text(response)], [200, 'ok\n']);
    }
    await eventually('the others are closed', () => held.filter(({ closed }) => !closed).length <= 64);
  } finally {
    for (const socket of held) socket.destroy();
  }
});

test('a port that is taken is a configuration error that names the parameter', async () => {
  const { port } = server.address() as AddressInfo;
  let error: unknown;
  await serveAdmin({ address: '127.0.0.1', port, readiness, metrics: () => metrics() }).catch(
    (reason: unknown) => (error = reason),
  );
  assert.instance(error, ConfigurationError);
  assert.match((error as ConfigurationError).message, new RegExp(`^ADMIN_PORT: 127\\.0\\.0\\.1:${port} is in use`));
});

test.run();
