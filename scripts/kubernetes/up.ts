/** Bring a stack up on a cluster: its images, a namespace, what its pods mount, then each pod as the export has it. */
import type { Pod } from '../../tools/export/pods.ts';
import { carryImages } from '../lib/carry.ts';
import type { ProjectOptions } from '../lib/compose.ts';
import { docker } from '../lib/engine.ts';
import { exportedStack, networksOf, placed, type Manifest } from '../lib/exported.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { layoutFile, readLayout, writeLayout } from '../lib/layout-file.ts';
import { findCluster, type Cluster } from './context.ts';
import { KubernetesProject } from './driver.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';
import { addNames, removeNames } from './names.ts';
import { Node } from './node.ts';
import { publish } from './publish.ts';

export interface UpOptions {
  /** Deadline of the whole, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** A context of kubectl that is not the current one. */
  readonly context?: string | undefined;
}

/** Where the node keeps volumes that are made here. */
const VOLUMES = '/var/lib/sidecar-stacks';

/**
 * Bring up.
 * @throws {EngineError} when the engine or the cluster fails; {Error} for an export that is refused, or no cluster
 */
export async function upOnKubernetes(
  options: ProjectOptions,
  { timeoutMs, signal, say, context }: UpOptions,
): Promise<void> {
  const run = { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), timeoutMs };
  const { pods, objects, images } = exportedStack(options, 'native');
  const cluster = await findCluster(context);
  say(`images to ${cluster.node}`);
  await carryImages(await missing(cluster, images), cluster.node, IMPORT, run.signal);
  const layout = layoutOf(options.name, cluster, pods, objects, await volumesOf(cluster, options.name, objects));
  // Before anything is made, so that a failure can be looked into, and removed.
  writeLayout(options.name, layout);
  const apply = (manifests: readonly Manifest[]): Promise<string> =>
    manifests.length === 0
      ? Promise.resolve('')
      : kubectl(layout, ['apply', '--server-side', '--filename=-'], {
          ...run,
          input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
        });
  await apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: options.name, labels: { [STACK_LABEL]: 'run' } } },
  ]);
  await makeVolumes(layout, objects, apply);
  await apply(objects.filter(({ kind }) => kind !== 'Pod'));
  await addNames(cluster, options.name, pods);
  await publish(options, layout, objects, apply, run);
  const project = new KubernetesProject(options, layout);
  // Each as soon as those that it waits for in compose are well: what fails because nobody answers yet is restarted
  // by the kubelet, but later and later.
  const ready = new Map<string, Promise<void>>();
  for (const pod of pods) {
    const before = pod.after.flatMap((name) => ready.get(name) ?? []);
    ready.set(
      pod.name,
      Promise.all(before).then(async () => {
        await apply([layout.pods[pod.name]!.manifest]);
        await project.settled(pod.name, pod.ends, timeoutMs);
      }),
    );
  }
  await Promise.all(ready.values());
}

/** Remove a run, whatever of it is there. */
export async function downOnKubernetes(run: string): Promise<void> {
  const layout = readLayout<Layout>(layoutFile(run));
  if (layout?.on !== 'kubernetes') return;
  const options = { timeoutMs: 120_000 };
  // Nothing of it has to end well.
  await kubectl(layout, ['delete', 'pods', '--all', '--grace-period=0', '--force', '--ignore-not-found'], options);
  await kubectl({ ...layout, namespace: undefined }, ['delete', 'namespace', run, '--ignore-not-found'], options);
  await removeNames(layout, run);
  if (layout.volumes.length > 0) {
    const flags = ['--ignore-not-found', '--wait=false'];
    await kubectl({ ...layout, namespace: undefined }, ['delete', 'pv', ...layout.volumes, ...flags], options);
    await new Node(layout.node).run(['rm', '-rf', ...layout.volumes.map((name) => `${VOLUMES}/${name}`)]);
  }
}

const IMPORT = ['ctr', '--namespace', 'k8s.io', 'images', 'import', '--digests', '-'];

/** Images that the node does not have, in the engine's present state. */
async function missing({ node }: Cluster, images: readonly string[]): Promise<string[]> {
  const there = await new Node(node).run(['ctr', '--namespace', 'k8s.io', 'images', 'ls', '--quiet']);
  const ids = await docker(['image', 'inspect', '--format', '{{.Id}}', ...images]);
  const known = new Set(there.split('\n'));
  // An image that is there is known by its digest, too.
  return images.filter((_, index) => !known.has(ids.split('\n')[index]!));
}

const claimsOf = (objects: readonly Manifest[]): Manifest[] =>
  objects.filter(({ kind }) => kind === 'PersistentVolumeClaim');

/** Names of the volumes to make: for each claim one, where the cluster has no default storage class. */
async function volumesOf(cluster: Cluster, run: string, objects: readonly Manifest[]): Promise<string[]> {
  const classes = await kubectl({ ...cluster, namespace: undefined }, ['get', 'storageclass', '--output=name']);
  return classes === '' ? claimsOf(objects).map(({ metadata }) => `${run}-${metadata.name}`) : [];
}

/** A directory of the node for each claim. Unlike a path of the host, a local volume is given to a pod's group. */
async function makeVolumes(
  { volumes, node, namespace }: Layout,
  objects: readonly Manifest[],
  apply: (manifests: readonly Manifest[]) => Promise<string>,
): Promise<void> {
  if (volumes.length === 0) return;
  const paths = volumes.map((name) => `${VOLUMES}/${name}`);
  await new Node(node).run(['mkdir', '-p', '-m', '0777', ...paths]);
  const claims = claimsOf(objects);
  await apply(
    volumes.map((name, index) => {
      const { metadata, spec } = claims[index]!;
      return {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name, labels: { [STACK_LABEL]: 'run' } },
        spec: {
          capacity: { storage: spec.resources.requests.storage },
          accessModes: spec.accessModes,
          local: { path: paths[index] },
          claimRef: { namespace, name: metadata.name },
          nodeAffinity: {
            required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'Exists' }] }] },
          },
        },
      };
    }),
  );
}

function layoutOf(
  namespace: string,
  cluster: Cluster,
  pods: readonly Pod[],
  objects: readonly Manifest[],
  volumes: readonly string[],
): Layout {
  const services: Record<string, Layout['services'][string]> = {};
  const all: Record<string, Layout['pods'][string]> = {};
  for (const pod of pods) {
    const manifest = objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === pod.name);
    if (!manifest) throw new Error(`the export has no pod ${pod.name}`);
    for (const member of placed(pod, manifest)) services[member.service] = member;
    all[pod.name] = { manifest, networks: networksOf(pod) };
  }
  return { on: 'kubernetes', ...cluster, namespace, services, pods: all, volumes };
}
