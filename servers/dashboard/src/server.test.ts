/** The page's port before real servers: a control plane and a proxy that answer what they are told. */
import { createServer, type Server } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { ControlPlane } from './control-plane.ts';
import { Proxies } from './proxies.ts';
import { serveDashboard } from './server.ts';
import { Watch } from './watch.ts';

const test = suite('dashboard');
const servers: Server[] = [];
test.after(() => servers.forEach((server) => server.close().closeAllConnections()));

async function started(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const GRAPH = {
  services: [
    {
      name: 'catalogue',
      replicas: [{ name: 'catalogue-1', address: '127.0.0.1', labels: { version: '1' }, health: 'healthy' }],
      splits: [{ route: 'default', weights: { v1: 80, v2: 20 } }],
    },
    { name: 'front', replicas: [{ name: 'front', address: '127.0.0.1', health: 'unhealthy' }] },
  ],
};
const ENTRY = {
  time: '2026-11-21T10:00:00.000Z',
  direction: 'outbound',
  source: 'front',
  destination: 'catalogue',
  method: 'GET',
  path: '/products',
  protocol: 'HTTP/1.1',
  status: 503,
  flags: 'UF',
  durationMs: 3,
  cause: 'no connection to 10.0.0.2:8000: refused',
  traceId: 'a',
};
/** Refused by the other end: its proxy alone knows why. */
const REFUSED = {
  ...ENTRY,
  time: '2026-11-21T09:00:00.000Z',
  status: 403,
  flags: '-',
  cause: undefined,
  traceId: 'b',
};
const FROM_OUTSIDE = { ...ENTRY, direction: 'inbound', source: 'unknown', traceId: 'c' };
const REFUSAL = { ...REFUSED, direction: 'inbound', flags: 'UAEX', cause: 'front may not GET /products' };

const puts: { url: string; authorization: string | undefined; body: string }[] = [];
let graph: unknown = GRAPH;
let count = 0;

const control = await started(
  createServer((incoming, response) => {
    if (incoming.method === 'GET') {
      if (graph === undefined) response.writeHead(500).end();
      else response.end(JSON.stringify(graph));
      return;
    }
    let body = '';
    incoming.on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      puts.push({ url: incoming.url!, authorization: incoming.headers.authorization, body });
      const refused = incoming.url!.includes('refused');
      response.writeHead(refused ? 409 : 200).end(JSON.stringify(refused ? { error: 'the route has no split' } : {}));
    });
  }),
);
const proxy = await started(
  createServer((incoming, response) => {
    count += 10;
    const labels = 'reporter="source",source_workload="front",destination_service_name="catalogue",response_code="200"';
    response.end(
      incoming.url === '/requests'
        ? JSON.stringify([REFUSED, ENTRY, REFUSAL, FROM_OUTSIDE])
        : `istio_requests_total{${labels}} ${count}\n`,
    );
  }),
);

const folder = join(temporaryDirectory('dashboard'), 'token');
mkdirSync(folder);
writeFileSync(join(folder, 'operator'), 'secret\n');
const controlPlane = new ControlPlane(`http://127.0.0.1:${control}`, join(folder, 'operator'));
const outcomes: string[] = [];
const watch = new Watch({
  controlPlane,
  proxies: new Proxies({ metrics: proxy, admin: proxy }),
  window: 60_000,
  onScrape: (outcome) => outcomes.push(outcome),
});
const page = await serveDashboard({
  port: 0,
  host: '127.0.0.1',
  hosts: ['dashboard'],
  assets: { script: 'script', style: 'style' },
  mesh: () => watch.mesh(),
  requests: (from, to) => watch.requests(from, to),
  move: (split, weights, token) => controlPlane.move(split, weights, token),
});
servers.push(page);
const at = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
const JSON_HEADERS = { 'content-type': 'application/json', authorization: 'Bearer secret' };
const put = (path: string, body: string, headers: Record<string, string> = JSON_HEADERS) =>
  request(`${at}${path}`, { method: 'PUT', headers, body, timeout: 30_000 });

test('services, replicas, edges and splits are shown', async () => {
  await watch.look();
  await watch.look();
  const { body } = await request(`${at}/api/mesh`, { timeout: 30_000 });
  const mesh = JSON.parse(body.toString());
  assert.equal(mesh.services, [
    { name: 'catalogue', replicas: [{ name: 'catalogue-1', healthy: true, version: '1' }] },
    { name: 'front', replicas: [{ name: 'front', healthy: false }] },
  ]);
  assert.equal(mesh.splits, [{ service: 'catalogue', route: 'default', weights: { v1: 80, v2: 20 } }]);
  assert.is(mesh.edges.length, 1);
  assert.ok(mesh.edges[0].rate > 0);
  assert.not(mesh.problem);
  assert.equal(new Set(outcomes), new Set(['answered']));
});

test('the last requests of an edge come with their causes', async () => {
  const { body } = await request(`${at}/api/requests?from=front&to=catalogue`, { timeout: 30_000 });
  assert.equal(JSON.parse(body.toString()), [
    {
      time: ENTRY.time,
      what: 'GET /products',
      status: '503',
      milliseconds: 3,
      flags: 'UF',
      cause: ENTRY.cause,
    },
    {
      time: REFUSED.time,
      what: 'GET /products',
      status: '403',
      milliseconds: 3,
      flags: 'UAEX',
      cause: REFUSAL.cause,
    },
  ]);
  const outside = await request(`${at}/api/requests?from=outside&to=catalogue`, { timeout: 30_000 });
  assert.is((JSON.parse(outside.body.toString()) as unknown[]).length, 1);
  const none = await request(`${at}/api/requests?from=front&to=orders`, { timeout: 30_000 });
  assert.equal(JSON.parse(none.body.toString()), []);
});

test('a split is moved for who shows the operator token, and for nobody else', async () => {
  for (const authorization of [
    '',
    'Bearer ',
    'Bearer wrong',
    'Bearer secre',
    'Bearer secret2',
    'Basic secret',
    'secret',
  ]) {
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    const refused = await put('/api/splits/catalogue/default', '{"v1":50,"v2":50}', headers);
    assert.is(refused.status, 401, authorization);
  }
  assert.equal(puts, []);
  const { status, body } = await put('/api/splits/catalogue/default', '{"v1":50,"v2":50}');
  assert.is(status, 200, body.toString());
  assert.equal(puts.pop(), {
    url: '/api/splits/catalogue/default',
    authorization: 'Bearer secret',
    body: '{"v1":50,"v2":50}',
  });
});

test('what the control plane refuses is told in its words', async () => {
  const { status, body } = await put('/api/splits/catalogue/refused', '{"v1":1}');
  assert.is(status, 409);
  assert.equal(JSON.parse(body.toString()), { error: 'the route has no split' });
});

test('no other change goes on to the control plane', async () => {
  puts.length = 0;
  const wrong: [string, string][] = [
    ['/api/splits/catalogue/default', 'no JSON'],
    ['/api/splits/catalogue/default', '[1]'],
    ['/api/splits/catalogue/default', '{}'],
    ['/api/splits/catalogue/default', '{"v1":-1}'],
    ['/api/splits/catalogue/default', '{"v1":0,"v2":0}'],
    ['/api/splits/catalogue/default', '{"../x":1}'],
    ['/api/splits/catalogue/..%2f..', '{"v1":1}'],
    ['/api/splits/catalogue', '{"v1":1}'],
    ['/api/splits/catalogue/default', `{"v1":1${' '.repeat(5000)}}`],
  ];
  for (const [path, body] of wrong) assert.is((await put(path, body)).status, 400, `${path} ${body.slice(0, 40)}`);
  // What a form of a stranger's page could send.
  assert.is((await put('/api/splits/catalogue/default', '{"v1":1}', { 'content-type': 'text/plain' })).status, 415);
  assert.equal(puts, []);
});

test('a stranger whose name points here gets nothing', async () => {
  for (const [host, status] of [
    ['evil.example', 403],
    ['dashboard', 200],
    ['localhost:1', 200],
  ] as const)
    assert.is((await request(`${at}/api/mesh`, { headers: { host }, timeout: 30_000 })).status, status, host);
  const { status } = await put('/api/splits/catalogue/default', '{"v1":1}', { ...JSON_HEADERS, host: 'evil.example' });
  assert.is(status, 403);
});

test('without a control plane the last that was known is shown, and said to be old', async () => {
  graph = undefined;
  await watch.look();
  const mesh = JSON.parse((await request(`${at}/api/mesh`, { timeout: 30_000 })).body.toString());
  assert.match(mesh.problem, /^no news of the control plane: .*500/);
  assert.is(mesh.services.length, 2);
});

test.run();
