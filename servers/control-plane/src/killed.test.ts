/** The program killed without a word, and started again, while requests go through the mesh. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '#kit/telemetry/log.ts';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { echo } from '#proxy/testing/apps.ts';
import { exchange } from '#proxy/testing/raw-client.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import { startPod, type TestPod } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { JOIN_TOKEN, OPERATOR_TOKEN } from './testing/plane.ts';
import { startProxy, type TestProxy } from './testing/proxy.ts';

const LONG = { within: 120_000 };
const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';

test('killed with SIGKILL and started again: no request fails, and nothing is lost', async () => {
  const directory = temporaryDirectory('killed');
  await using app = await serve(echo);
  const ports = (await freePorts(4)) as [number, number, number, number];
  const [xds, mtls, enrolment, api] = ports;
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  mkdirSync(join(directory, 'trust'));
  const to = [
    { subset: 'v1', weight: 100 },
    { subset: 'v2', weight: 0 },
  ];
  const subsets = { v1: { version: '1' }, v2: { version: '2' } };
  const shop = { ports: [{ port: 8000, protocol: 'http' }], subsets, routes: [{ name: 'main', to }] };
  const environment = {
    CONTROL_ADDRESS: '127.0.0.1',
    CONTROL_XDS_PORT: String(xds),
    CONTROL_MTLS_PORT: String(mtls),
    CONTROL_ENROLMENT_PORT: String(enrolment),
    CONTROL_API_PORT: String(api),
    CONTROL_NAMESPACE: 'shop',
    CONTROL_TRUST_DOMAIN: 'mesh.test',
    CONTROL_POLICY: file('policy.yaml', JSON.stringify({ services: { shop, front: {} } })),
    CONTROL_TOKENS: file('tokens', `all * ${JOIN_TOKEN}`),
    CONTROL_OPERATOR_TOKEN: OPERATOR_TOKEN,
    CONTROL_DATA: join(directory, 'data'),
    CONTROL_TRUST: join(directory, 'trust'),
    CONTROL_LEASE: '1h',
    CONTROL_PROBE_INTERVAL: '0',
  };
  const start = async (): Promise<Program> => {
    const program = await startProgram([join(import.meta.dirname, 'main.ts')], environment);
    await program.up();
    return program;
  };
  const first = await start();
  const roots = readFileSync(join(directory, 'trust/root.crt'), 'utf8');
  const plane = { ports: { xds, mtls, enrolment, api }, roots };
  const called = startProxy(plane, 'shop', { labels: { version: '1' } });
  const caller = startProxy(plane, 'front');
  await eventually('both have an identity', () => called.identity.current && caller.identity.current, LONG);

  // The data paths of both, whose pods share one address here: the port alone leads to the other.
  const server = await pod(called, (each) => each);
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  const client = await pod(caller, ({ clusters, ...rest }) => ({
    ...rest,
    clusters: clusters.map(({ endpoints, ...cluster }) => ({
      ...cluster,
      endpoints: endpoints.map((each) => ({ ...each, port: server.plane.inboundPort })),
    })),
  }));
  client.meant.outbound = { address: '10.9.9.9', port: 8000 };
  const failures: string[] = [];
  const ask = async (): Promise<boolean> => {
    const answer = await exchange(client.plane.outboundPort, GET);
    if (answer.startsWith('HTTP/1.1 200')) return true;
    failures.push(answer.slice(0, 300));
    return false;
  };
  await eventually('requests arrive', ask, LONG);
  const put = await request(`http://127.0.0.1:${api}/api/splits/shop/main`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ v1: 99, v2: 0 }),
    timeout: 30_000,
  });
  assert.is(put.status, 200);
  const split = (proxy: TestProxy): boolean => JSON.stringify(proxy.last).includes('"weight":99');
  await eventually('the split', () => split(caller), LONG);
  const graph = async (): Promise<{ ids: string; proxies: number; weights: unknown }> => {
    const { body } = await request(`http://127.0.0.1:${api}/api/graph`, { timeout: 30_000 });
    const { services, proxies } = JSON.parse(String(body)) as {
      services: { name: string; replicas: { name: string }[]; splits: { weights: unknown }[] }[];
      proxies: unknown[];
    };
    return {
      ids: services.flatMap(({ replicas }) => replicas.map(({ name }) => name)).join(),
      proxies: proxies.length,
      weights: services.find(({ name }) => name === 'shop')?.splits[0]?.weights,
    };
  };
  const before = await graph();
  failures.length = 0;

  first.child.kill('SIGKILL');
  await first.ended();
  for (let round = 0; round < 20; round++) await ask();
  const second = await start();
  await eventually(
    'both are connected again, and requests went on',
    async () => {
      await ask();
      return (await graph()).proxies === 2;
    },
    LONG,
  );
  for (let round = 0; round < 20; round++) await ask();
  assert.equal(failures, []);
  assert.equal(await graph(), before);
  assert.ok(split(caller));
  assert.is(readFileSync(join(directory, 'trust/root.crt'), 'utf8'), roots);
  assert.ok(called.registration.registered && caller.registration.registered);

  for (const each of [client, server]) await each[Symbol.asyncDispose]();
  for (const each of [caller, called]) await each.close();
  assert.is(await second.stop(), 0, second.output);
});

/** A data path that follows what a proxy is told. */
async function pod(proxy: TestProxy, see: (configuration: Configuration) => Configuration): Promise<TestPod> {
  const { identity } = proxy;
  const started = await startPod('any', { plane: { identity, log: createLog('pod', 'fatal') } });
  const follow = (configuration: Configuration): void => started.plane.apply(see(configuration));
  if (proxy.last) follow(proxy.last);
  proxy.refuse = (configuration) => {
    follow(configuration);
    return undefined;
  };
  return started;
}

test.run();
