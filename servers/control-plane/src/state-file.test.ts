/** What a control plane kept on disk does not keep it from starting, whatever it is. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { startPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const replica = { id: 'a', service: 'shop', name: 'shop-1', address: '192.0.2.1', labels: {}, ports: [] };

for (const [what, text] of [
  ['half a file', '{"version":1,"repl'],
  ['nothing', ''],
  ['another version', '{"version":99,"replicas":[],"splits":[]}'],
  ['no lists', '{"version":1,"replicas":{},"splits":[]}'],
  ['null', 'null'],
  ['a replica that is none', '{"version":1,"replicas":[null],"splits":[]}'],
  ['a replica without an address', JSON.stringify({ version: 1, replicas: [{ ...replica, address: 7 }], splits: [] })],
  ['an address that is none', '{"version":1,"replicas":[],"splits":[],"resolved":{"pay.example":["x"]}}'],
  ['a split that is none', '{"version":1,"replicas":[],"splits":[{"service":"shop"}]}'],
] as const)
  test(`state.json with ${what} is set aside, and proxies join`, async () => {
    const directory = temporaryDirectory('state');
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data', 'state.json'), text);
    const plane = await startPlane('services: { shop: {} }', { directory });
    const proxy = startProxy(plane, 'shop');
    await eventually('the proxy is configured', () => proxy.last, { within: 60_000 });
    await proxy.close();
    await plane.close();
    const aside = readdirSync(join(directory, 'data')).filter((name) => name.startsWith('state.json.damaged-'));
    assert.is(aside.length, 1);
  });

test('addresses of endpoints outlive a restart while DNS is away, and give way to its answer', async () => {
  const directory = temporaryDirectory('state');
  const policy = JSON.stringify({
    services: { pay: { ports: [{ port: 443, protocol: 'tcp' }], endpoints: ['pay.example'] } },
  });
  const { promise: answered, resolve: answer } = Promise.withResolvers<string[]>();
  const endpoints = (plane: Awaited<ReturnType<typeof startPlane>>) => async (): Promise<string> => {
    const { body } = await plane.api('GET', '/api/graph');
    const { services } = JSON.parse(String(body)) as { services: { replicas: { address: string }[] }[] };
    return services.flatMap(({ replicas }) => replicas.map(({ address }) => address)).join();
  };
  const first = await startPlane(policy, { directory, resolve: () => Promise.resolve(['192.0.2.5']) });
  assert.is(await endpoints(first)(), '192.0.2.5');
  await first.close();
  const second = await startPlane(policy, { directory, resolve: () => answered });
  assert.is(await endpoints(second)(), '192.0.2.5');
  answer(['192.0.2.6']);
  await eventually('DNS is believed', async () => (await endpoints(second)()) === '192.0.2.6', { within: 60_000 });
  await second.close();
});

test.run();
