/** Conditions of a policy, as a proxy that gets them from the control plane keeps them. */
import { createServer } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/talk.ts';
import { startPod, type TestPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const closers: (() => Promise<unknown>)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function plane(services: object): Promise<TestPlane> {
  const started = await startPlane(JSON.stringify({ services }));
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

test.run();
