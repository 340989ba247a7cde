/** `trafficDistribution: PreferSameZone`, as a proxy keeps it that gets its configuration from the control plane. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { startPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
/** By their replica's number: one far away, one of the caller's region, two of its zone. */
const LABELS: readonly Record<string, string>[] = [
  {},
  { [REGION]: 'north', [ZONE]: 'there' },
  { [REGION]: 'north', [ZONE]: 'here' },
  { [REGION]: 'north', [ZONE]: 'here' },
];
const addressOf = (index: number): string => `127.0.0.${index + 2}`;

const closers: (() => unknown)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Applications that answer with their number, on one port of as many addresses. */
async function startApplications(): Promise<number> {
  let port = 0;
  for (const index of LABELS.keys()) {
    const server = createServer((_, response) => response.end(`replica ${index}`)).listen(port, addressOf(index));
    await once(server, 'listening');
    ({ port } = server.address() as { port: number });
    closers.push(() => (server.closeAllConnections(), server.close()));
  }
  return port;
}

test('a proxy calls replicas of its zone, then of its region, then any other that is left', async () => {
  const port = await startApplications();
  const policyOf = (shop: object): string =>
    JSON.stringify({
      mesh: { mtls: 'DISABLE' },
      services: { front: {}, shop: { ports: [{ port, protocol: 'http' }], balancing: 'ROUND_ROBIN', ...shop } },
    });
  const plane = await startPlane(policyOf({ trafficDistribution: 'PreferSameZone' }));
  closers.push(() => plane.close());
  const join = (index: number, phase: 'ready' | 'draining'): void =>
    void plane.registry.join({
      service: 'shop',
      name: `shop-${index}`,
      address: addressOf(index),
      labels: LABELS[index]!,
      ports: [],
      phase,
    });
  for (const index of LABELS.keys()) join(index, 'ready');
  const proxy = startProxy(plane, 'front', { labels: LABELS[2]! });
  closers.push(() => proxy.close());
  const pod = await startPod('front');
  closers.push(() => pod[Symbol.asyncDispose]());
  pod.meant.outbound = { address: '192.0.2.1', port };
  const request = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';
  const called = async (...expected: readonly number[]): Promise<unknown> =>
    await eventually(
      `replicas ${expected.join()} are called and no other`,
      async () => {
        if (proxy.last !== undefined) pod.plane.apply(proxy.last);
        const answers = new Set<string>();
        for (let count = 0; count < 12; count++) {
          const answer = await exchange(pod.plane.outboundPort, request);
          answers.add(/replica (\d)/.exec(answer)?.[1] ?? answer);
        }
        assert.is([...answers].toSorted().join(), expected.join());
        return true;
      },
      { within: 60_000 },
    );
  await called(2, 3);
  join(2, 'draining');
  await called(3);
  join(3, 'draining');
  await called(1);
  join(1, 'draining');
  await called(0);
  join(2, 'ready');
  await called(2);
  plane.setPolicy(policyOf({}));
  await called(0, 2);
});

test.run();
