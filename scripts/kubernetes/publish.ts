/** The published ports of a run: a Service with a port of the node for each, and a container that leads there. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import type { ProjectOptions } from '../lib/compose.ts';
import { docker, type DockerOptions } from '../lib/engine.ts';
import type { Manifest } from '../lib/exported.ts';
import { ROOT } from '../lib/stacks.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';

const NAME = 'published';

/**
 * @param objects the export; its Services have the published ports as their own
 * @param apply puts objects into the run's namespace
 */
export async function publish(
  { name, env = {} }: ProjectOptions,
  layout: Layout,
  objects: readonly Manifest[],
  apply: (manifests: readonly Manifest[]) => Promise<string>,
  run: DockerOptions,
): Promise<void> {
  const wanted = new Set(Object.values(env).map(Number));
  const services = objects.flatMap(({ kind, spec }): Manifest[] =>
    kind !== 'Service'
      ? []
      : ((spec.ports ?? []) as Manifest[])
          .filter(({ port }) => wanted.has(port as number))
          .map(({ port, targetPort }) => ({
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: `${NAME}-${port}` },
            spec: {
              type: 'NodePort',
              selector: spec.selector,
              ports: [{ port, targetPort }],
              // As a port of compose: who answers is a matter of the process behind it, and sees who asks.
              publishNotReadyAddresses: true,
              externalTrafficPolicy: 'Local',
            },
          })),
  );
  if (services.length === 0) return;
  await apply(services);
  const made = JSON.parse(await kubectl(layout, ['get', 'services', '--output=json'], run)) as { items: Manifest[] };
  const [network, address] = await networkOf(layout.node);
  const relays = made.items
    .filter(({ spec }) => spec.type === 'NodePort')
    .map(({ spec }) => `${spec.ports[0].port}=${address}:${spec.ports[0].nodePort}`);
  const labels = {
    'com.docker.compose.project': name,
    'com.docker.compose.service': 'ports',
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.config-hash': 'ports',
    'com.docker.compose.container-number': '1',
  };
  const defaults = { ...parse(readFileSync(join(ROOT, '.env'))), ...process.env };
  await docker(
    [
      'run',
      '--detach',
      '--init',
      '--name',
      `${name}-ports-1`,
      '--network',
      network,
      '--cap-drop=ALL',
      '--read-only',
      ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
      `--volume=${join(import.meta.dirname, 'relay.mjs')}:/relay.mjs:ro`,
      ...[...wanted].map((port) => `--publish=127.0.0.1:${port}:${port}`),
      defaults['SIDECAR_BASE']!,
      'node',
      '/relay.mjs',
      ...relays,
    ],
    run,
  );
}

/** A network of the engine that the node is in, and its address there. */
async function networkOf(node: string): Promise<[string, string]> {
  const text = await docker(['inspect', '--format', '{{json .NetworkSettings.Networks}}', node]);
  const [first] = Object.entries(JSON.parse(text) as Record<string, { IPAddress: string }>);
  return [first![0], first![1].IPAddress];
}
