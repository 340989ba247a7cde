/** Endpoints of several priorities: which get requests. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve, type TestServer } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { SHOP, startPod, towards } from './testing/mesh.ts';

async function counted(status: number): Promise<TestServer & { requests: number }> {
  const app = Object.assign(
    await serve((_, response) => {
      app.requests += 1;
      response.writeHead(status).end();
    }),
    { requests: 0 },
  );
  return app;
}

test('a retry leaves the nearest endpoints once all of them were tried', async () => {
  await using near = await counted(503);
  await using alsoNear = await counted(503);
  await using far = await counted(200);
  const at = ({ port }: TestServer, priority: number) => ({ address: '127.0.0.1', port, meshed: false, priority });
  await using pod = await startPod('front', {
    configuration: towards([], {
      meshed: false,
      route: { retry: { on: ['5xx'], attempts: 2, backoff: { base: 1, max: 1 } } },
      cluster: {
        policy: 'ROUND_ROBIN',
        outlier: { consecutive5xx: 0 },
        endpoints: [at(far, 1), at(near, 0), at(alsoNear, 0)],
      },
    }),
  });
  pod.meant.outbound = SHOP;
  for (let request = 1; request <= 6; request++) {
    const answer = await exchange(pod.plane.outboundPort, 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.equal([near.requests, alsoNear.requests, far.requests], [request, request, request]);
  }
});

test.run();
