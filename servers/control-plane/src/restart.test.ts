/** A proxy that is started again while the control plane is away. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { JOIN_TOKEN, startPlane, type TestPlane } from './testing/plane.ts';

const POLICY = {
  mesh: { mtls: 'STRICT', tracing: { endpoint: 'http://collect:4318/v1/traces', percent: 25 }, tap: ['front'] },
  services: {
    front: {},
    shop: {
      ports: [{ port: 8000, protocol: 'http', rateLimit: { requests: 100, per: '1s', burst: 200 } }],
      subsets: { v1: { version: '1' } },
      limits: { connections: 10, pending: 0, requests: 30, retries: 2 },
      outlier: { consecutive5xx: 3, interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 50 },
      retryBudget: { percent: 25, minimum: 5 },
      endpoints: ['192.0.2.7'],
      authorization: {
        otherwise: 'deny',
        rules: [{ name: 'r', action: 'allow', from: ['front'], ipBlocks: ['10.0.0.0/8'], paths: ['/a/*'] }],
      },
      routes: [
        {
          name: 'some',
          match: { path: { prefix: '/x' }, headers: [{ name: 'a', exact: 'b' }], query: [{ name: 'c' }] },
          to: [{ subset: 'v1', weight: 1 }],
          timeout: '2s',
          idleTimeout: '3s',
          retry: { on: ['5xx'], attempts: 3, perTryTimeout: '1s' },
          cors: { origins: [{ exact: 'https://a.example' }], methods: ['GET'], maxAge: '10m' },
          mirror: [{ service: 'shop', percent: 5 }],
        },
        { name: 'default', to: [{ service: 'shop', weight: 1 }] },
      ],
    },
  },
};

const closers: (() => unknown)[] = [];
test.after.each(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** The proxy's program. @returns it, and its admin port */
async function start(plane: TestPlane, state: string): Promise<{ program: Program; admin: number }> {
  const root = join(plane.directory, 'root.crt');
  writeFileSync(root, plane.roots);
  const [outbound, inbound, metrics, health, admin] = (await freePorts(5)) as [number, number, number, number, number];
  const main = join(import.meta.dirname, '../../../sidecars/mesh-proxy/src/main.ts');
  const program = await startProgram(['--experimental-ffi', main], {
    MESH_CONTROL_PLANE: 'localhost',
    MESH_XDS_PORT: String(plane.ports.mtls),
    MESH_ENROLMENT_PORT: String(plane.ports.enrolment),
    MESH_ROOT_CERTIFICATE: root,
    MESH_SERVICE: 'front',
    MESH_REPLICA: 'front-1',
    MESH_JOIN_TOKEN: JOIN_TOKEN,
    MESH_STATE_DIR: state,
    MESH_LISTEN_ADDRESS: '127.0.0.1',
    MESH_OUTBOUND_PORT: String(outbound),
    MESH_INBOUND_PORT: String(inbound),
    MESH_METRICS_PORT: String(metrics),
    MESH_HEALTH_PORT: String(health),
    ADMIN_PORT: String(admin),
  });
  closers.push(() => program.stop());
  return { program, admin };
}

const ask = (admin: number, path: string) => request(`http://127.0.0.1:${admin}${path}`, { timeout: 10_000 });

const report = async (admin: number, path: string): Promise<Record<string, unknown> | null> =>
  JSON.parse((await ask(admin, path)).body.toString()) as Record<string, unknown> | null;

const started = (admin: number): Promise<unknown> =>
  eventually('it is started', async () => (await ask(admin, '/startupz')).status === 200, { within: 60_000 });

test('it goes on with the identity and configuration of before', async () => {
  const plane = await startPlane(JSON.stringify(POLICY));
  let closed = false;
  closers.push(() => closed || plane.close());
  const state = join(temporaryDirectory('mesh-proxy'), 'state');
  const first = await start(plane, state);
  await started(first.admin);
  const kept = () => JSON.parse(readFileSync(join(state, 'configuration.json'), 'utf8')) as Record<string, unknown>;
  const before = await eventually(
    'the configuration in use is kept',
    async () => {
      const json = (await report(first.admin, '/config_dump'))!;
      assert.equal(kept(), json);
      const names = (json['clusters'] as { name: string }[]).map(({ name }) => name);
      return names.includes('outbound|8000|v1|shop') && names.includes('outbound|0||front') ? json : undefined;
    },
    { within: 60_000 },
  );
  assert.is(statSync(state).mode & 0o777, 0o700);
  assert.is(statSync(join(state, 'identity.json')).mode & 0o777, 0o600);
  await first.program.stop();
  await plane.close();
  closed = true;

  const second = await start(plane, state);
  await started(second.admin);
  assert.equal(await report(second.admin, '/config_dump'), before);
  assert.is((await report(second.admin, '/certs'))!['identity'], 'spiffe://mesh.test/ns/shop/sa/front');
  await second.program.stop();

  // Damaged files are no reason not to start, nor to believe what is in them.
  for (const name of ['identity.json', 'configuration.json']) writeFileSync(join(state, name), '{"key": 5');
  const third = await start(plane, state);
  await eventually('it answers', async () => (await ask(third.admin, '/healthz')).status === 200, { within: 60_000 });
  assert.is(await report(third.admin, '/config_dump'), null);
});

test.run();
