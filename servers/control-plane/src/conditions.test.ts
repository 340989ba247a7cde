/** Conditions of a policy, as a proxy that gets them from the control plane keeps them. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startPod, type TestPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { parsePolicy } from './policy/parse.ts';
import { startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const closers: (() => Promise<unknown>)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function plane(
  services: object,
  mesh: object = {},
  overrides: Parameters<typeof startPlane>[1] = {},
): Promise<TestPlane> {
  const started = await startPlane(JSON.stringify({ mesh, services }), overrides);
  closers.push(() => started.close());
  return started;
}

/** A pod of a service with the configuration that its proxy gets. */
async function podOf(of: TestPlane, service: string): Promise<TestPod> {
  const proxy = startProxy(of, service);
  closers.push(() => proxy.close());
  const configuration = await eventually(
    `${service} is configured`,
    () => (proxy.last && proxy.last.outbound.listeners.length > 0 ? proxy.last : undefined),
    { within: 60_000 },
  );
  const pod = await startPod(service, { configuration });
  closers.push(async () => await pod[Symbol.asyncDispose]());
  return pod;
}

/** A request's text. @param lines of the head after the first one */
const request = (line: string, ...lines: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: shop', ...lines, 'Content-Length: 0', 'Connection: close', '', ''].join('\r\n');

/** The status that the application of a pod answers a caller in the clear. */
async function inboundStatus(pod: TestPod, text: string): Promise<number> {
  return Number((await exchange(pod.plane.inboundPort, text)).split(' ')[1]);
}

test('a rule goes by headers of the request and by the address of the caller', async () => {
  const running = await plane({
    shop: {
      ports: [{ port: 8000, protocol: 'http' }],
      authorization: {
        otherwise: 'deny',
        rules: [
          { name: 'robots', action: 'deny', headers: [{ name: 'user-agent', contains: 'bot' }] },
          {
            name: 'internal',
            action: 'allow',
            ipBlocks: ['127.0.0.0/8', '2001:db8::/32'],
            notIpBlocks: ['10.0.0.0/8'],
            methods: ['GET'],
            headers: [
              { name: 'x-tenant', exact: 'a' },
              { name: 'x-debug', invert: true },
            ],
          },
          { name: 'elsewhere', action: 'allow', ipBlocks: ['198.51.100.7'], methods: ['DELETE'] },
          { name: 'not-here', action: 'allow', notIpBlocks: ['127.0.0.1'], methods: ['PUT'] },
        ],
      },
    },
  });
  await using application = await serve(createServer((_, response) => response.end('ok')));
  const pod = await podOf(running, 'shop');
  pod.meant.inbound = { address: '127.0.0.1', port: application.port };
  for (const [line, lines, status] of [
    ['GET /', ['X-Tenant: a'], 200],
    ['GET /', ['X-Tenant: a', 'X-Debug: 1'], 403],
    ['GET /', ['X-Tenant: a', 'User-Agent: a bot'], 403],
    ['GET /', [], 403],
    ['POST /', ['X-Tenant: a'], 403],
    ['DELETE /', [], 403],
    ['PUT /', [], 403],
  ] as const)
    assert.is(await inboundStatus(pod, request(line, ...lines)), status, `${line} ${lines.join()}`);
});

/** What a pod's application that calls the shop is answered. */
async function outboundAnswer(pod: TestPod, text: string): Promise<string> {
  pod.meant.outbound = { address: '192.0.2.1', port: 8000 };
  return await exchange(pod.plane.outboundPort, text);
}

test('a route for requests of one service is not one of others', async () => {
  const running = await plane({
    front: {},
    batch: {},
    shop: {
      ports: [{ port: 8000, protocol: 'http' }],
      routes: [
        { match: { from: ['batch', 'nightly'], path: { prefix: '/v2' } }, reply: { status: 202 } },
        { reply: { status: 201 } },
      ],
    },
    other: { ports: [{ port: 8000, protocol: 'http' }], routes: [{ reply: { status: 203 } }] },
  });
  const [front, batch] = [await podOf(running, 'front'), await podOf(running, 'batch')];
  assert.match(await outboundAnswer(front, request('GET /v2')), 'HTTP/1.1 201 ');
  assert.match(await outboundAnswer(batch, request('GET /v2')), 'HTTP/1.1 202 ');
  assert.match(await outboundAnswer(batch, request('GET /')), 'HTTP/1.1 201 ');
  assert.match(await outboundAnswer(batch, request('GET /').replace('shop', 'other')), 'HTTP/1.1 203 ');
});

test('a route with cors answers preflight requests, and names the origin in responses', async () => {
  const running = await plane({
    front: {},
    shop: {
      ports: [{ port: 8000, protocol: 'http' }],
      routes: [
        {
          cors: {
            origins: [{ exact: 'https://shop.example' }, { suffix: '.shop.example' }],
            methods: ['GET', 'PUT'],
            headers: ['x-a', 'content-type'],
            exposeHeaders: ['x-b'],
            maxAge: '10m',
            credentials: true,
          },
          reply: { status: 201 },
        },
      ],
    },
  });
  const pod = await podOf(running, 'front');
  const preflight = (origin: string): string =>
    request('OPTIONS /', `Origin: ${origin}`, 'Access-Control-Request-Method: PUT');
  const allowed = await outboundAnswer(pod, preflight('https://a.shop.example'));
  for (const line of [
    'HTTP/1.1 200 ',
    'Access-Control-Allow-Origin: https://a.shop.example\r\n',
    'Access-Control-Allow-Methods: GET,PUT\r\n',
    'Access-Control-Allow-Headers: x-a,content-type\r\n',
    'Access-Control-Max-Age: 600\r\n',
    'Access-Control-Allow-Credentials: true\r\n',
  ])
    assert.match(allowed, line);
  const refused = await outboundAnswer(pod, preflight('https://shop.example.evil'));
  assert.match(refused, 'HTTP/1.1 201 ');
  assert.not.match(refused, /access-control/i);
  const answer = await outboundAnswer(pod, request('GET /', 'Origin: https://shop.example'));
  assert.match(answer, 'HTTP/1.1 201 ');
  assert.match(answer, 'Access-Control-Allow-Origin: https://shop.example\r\n');
  assert.match(answer, 'Access-Control-Expose-Headers: x-b\r\n');
  assert.match(answer, /Vary: Origin\r\n/);
  const same = await outboundAnswer(pod, request('GET /'));
  assert.not.match(same, /access-control/i);
});

test('a name outside is let out under REGISTRY_ONLY, and followed as its addresses change', async () => {
  await using application = await serve(createServer((_, response) => response.end('outside')));
  const told = new Map([['api.example', ['127.0.0.1']]]);
  const running = await plane(
    {
      front: {},
      payments: {
        hosts: ['api.example'],
        ports: [{ port: application.port, protocol: 'auto' }],
        endpoints: ['api.example', '127.0.0.1', 'gone.example'],
      },
    },
    { outbound: 'REGISTRY_ONLY' },
    {
      resolve: async (name) => {
        const found = told.get(name);
        if (!found) throw new Error('ENOTFOUND');
        return await Promise.resolve(found);
      },
    },
  );
  const pod = await podOf(running, 'front');
  pod.meant.outbound = { address: '127.0.0.1', port: application.port };
  const text = request('GET /').replace('shop', 'api.example');
  assert.match(await exchange(pod.plane.outboundPort, text), 'outside');
  assert.match(await exchange(pod.plane.outboundPort, text.replace('api.example', 'evil.example')), 'outside');
  pod.meant.outbound = { address: '127.0.0.9', port: application.port };
  assert.match(await exchange(pod.plane.outboundPort, text.replace('api.example', 'evil.example')), '502');
  assert.equal(pod.plane.snapshot.configuration.names?.['api.example'], ['127.0.0.1']);
  told.set('api.example', ['192.0.2.9', '192.0.2.8']);
  running.setPolicy(
    JSON.stringify({
      services: { front: {}, payments: { ports: [{ port: 443, protocol: 'tcp' }], endpoints: ['api.example'] } },
    }),
  );
  const proxy = startProxy(running, 'front', { name: 'front-2' });
  closers.push(() => proxy.close());
  await eventually(
    'the addresses of now are published',
    () => proxy.last?.outbound.listeners.find(({ port }) => port === 443)?.addresses?.join() === '192.0.2.8,192.0.2.9',
    { within: 60_000 },
  );
});

test('a stream that says nothing for idleTimeout is ended, and only then', async () => {
  await using application = await serve(
    createServer((incoming, response) => {
      response.write('first');
      if (incoming.url === '/ends') response.end('last');
    }),
  );
  const running = await plane({
    front: {},
    shop: {
      ports: [{ port: application.port, protocol: 'http' }],
      endpoints: ['127.0.0.1'],
      routes: [{ match: { path: { exact: '/hangs' } }, idleTimeout: '200ms' }, { idleTimeout: '1h' }],
    },
  });
  const pod = await podOf(running, 'front');
  pod.meant.outbound = { address: '127.0.0.1', port: application.port };
  const hangs = await exchange(pod.plane.outboundPort, request('GET /hangs'));
  assert.match(hangs, 'first');
  assert.not.match(hangs, '0\r\n\r\n');
  assert.match(await exchange(pod.plane.outboundPort, request('GET /ends')), 'last');
});

test('the policies of the README are accepted', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const policies = [...readme.matchAll(/```yml\n(.*?)```/gs)].map(([, text]) => text!);
  assert.is(policies.length, 2);
  for (const text of policies) assert.not.throws(() => parsePolicy(text));
});

test.run();
