/** A container of a service run once more beside its pod, as `docker compose run` does: a pod of its own. */
import { createHash } from 'node:crypto';
import { eventually } from '#kit/testing/eventually.ts';
import { EngineError } from '../lib/engine.ts';
import type { Manifest } from '../lib/exported.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';
import { Node } from './node.ts';

const SHORT = { timeoutMs: 30_000 };
const END_MS = 60_000;
const KEPT_LINES = 15;

/**
 * Run it to its end. It has the volumes that outlive a pod, and new ones in place of the others.
 * @returns its standard output
 * @throws {EngineError} when it does not end with 0, with its exit code and what it said
 */
export async function runOnce(
  layout: Layout,
  { service, pod, spec, args }: { service: string; pod: string; spec: Manifest; args: readonly string[] },
): Promise<string> {
  const made = podOf(layout.pods[pod]!.manifest, spec, args);
  const { name } = made['metadata'] as { name: string };
  const node = new Node(layout.node);
  await kubectl(layout, ['create', '--filename=-'], { ...SHORT, input: JSON.stringify(made) });
  try {
    const { metadata, status } = await eventually(
      `${name} has ended`,
      async () => {
        const found = JSON.parse(await kubectl(layout, ['get', 'pod', name, '--output=json'], SHORT)) as Manifest;
        return ['Succeeded', 'Failed'].includes(found['status'].phase as string) ? found : undefined;
      },
      { within: END_MS, every: 100 },
    );
    const folder = `${layout.namespace}_${name}_${metadata.uid}/${spec['name']}`;
    if (status.phase === 'Succeeded') return (await node.log(folder, 'stdout')).replace(/\n$/, '');
    const { exitCode } = status.containerStatuses[0].state.terminated as { exitCode: number };
    const said = (await node.log(folder, 'stderr')).trimEnd().split('\n').slice(-KEPT_LINES);
    throw new EngineError('failed', ['run', service], exitCode, said, `service ${service}`, 'kubectl');
  } finally {
    await kubectl(layout, ['delete', 'pod', name, '--wait=false'], SHORT).catch(() => {});
  }
}

/** A pod of one container alone, which is not probed and not started again. */
function podOf({ metadata, spec: pod }: Manifest, spec: Manifest, args: readonly string[]): Manifest {
  const { startupProbe: _s, readinessProbe: _r, livenessProbe: _l, restartPolicy: _p, ...container } = spec;
  const { containers: _c, initContainers: _i, volumes = [], ...shared } = pod as Manifest;
  const mounts = new Set(((spec['volumeMounts'] ?? []) as Manifest[]).map((each) => each['name']));
  const unique = createHash('sha1').update(`${process.pid} ${performance.now()}`).digest('hex').slice(0, 6);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${metadata.name}-run-${unique}` },
    spec: {
      ...shared,
      restartPolicy: 'Never',
      containers: [{ ...container, args }],
      volumes: (volumes as Manifest[]).filter((each) => mounts.has(each['name'])),
    },
  };
}
