/** Pods of services that name no port: their callers know them as members of the mesh by their registration. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import { startPod, type TestPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const closers: (() => unknown)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A pod of a service, with the certificate and, whenever it is asked to, the configuration that its proxy has got. */
async function podOf(of: TestPlane, service: string): Promise<{ readonly pod: TestPod; readonly follow: () => void }> {
  const proxy = startProxy(of, service);
  closers.push(() => proxy.close());
  await eventually(`${service} has a certificate`, () => proxy.identity.current !== undefined, { within: 60_000 });
  const pod = await startPod(service, { plane: { identity: proxy.identity } });
  closers.push(() => pod[Symbol.asyncDispose]());
  const follow = (): void => {
    if (proxy.last) pod.plane.apply(proxy.last);
  };
  return { pod, follow };
}

test('a service that names no port is reached by mTLS, and is let in where that is STRICT', async () => {
  const plane = await startPlane(JSON.stringify({ mesh: { mtls: 'STRICT' }, services: { shop: {} } }));
  closers.push(() => plane.close());
  await using application = await serve((_, response) => response.end('ok'));
  // Both have one address here, and the first by name is known at it.
  const [shop, web] = [await podOf(plane, 'shop'), await podOf(plane, 'web')];
  shop.pod.meant.inbound = { address: '127.0.0.1', port: application.port };
  web.pod.meant.outbound = { address: '127.0.0.1', port: shop.pod.plane.inboundPort };
  await eventually(
    'web reaches shop',
    async () => {
      shop.follow();
      web.follow();
      const request = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';
      assert.match(await exchange(web.pod.plane.outboundPort, request), 'HTTP/1.1 200 ');
      return true;
    },
    { within: 30_000 },
  );
  assert.is(shop.pod.inbound.ends.at(-1)!.record.connection.peer?.id.text, 'spiffe://mesh.test/ns/shop/sa/web');
  // What is no proxy of the mesh is refused.
  const clear = await exchange(shop.pod.plane.inboundPort, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(clear, 'HTTP/1.1 403 ');
});

test.run();
