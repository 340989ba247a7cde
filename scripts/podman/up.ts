/** Bring a stack up under podman: a container for podman, the images, then each pod of the export as kube play has it. */
import { eventually } from '#kit/testing/eventually.ts';
import { membersOf, type Pod } from '../../tools/export/pods.ts';
import { objectName } from '../../tools/export/units.ts';
import { carryImages } from '../lib/carry.ts';
import type { ProjectOptions } from '../lib/compose.ts';
import { docker } from '../lib/engine.ts';
import { exportedStack, networksOf, placed } from '../lib/exported.ts';
import { programImage } from '../lib/program-image.ts';
import { PodmanProject, podman } from './driver.ts';
import { writeLayout } from '../lib/layout-file.ts';
import type { Layout, PlacedService } from './layout.ts';
import { playOf, type Play } from './manifests.ts';

export interface UpOptions {
  /** Deadline of the whole, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const NETWORK = 'stack';

/**
 * Bring up. The layout is written as soon as something can be looked into.
 * @throws {EngineError} when the engine, or podman in it, fails; {Error} for an export that is refused
 */
export async function upOnPodman(options: ProjectOptions, { timeoutMs, signal, say }: UpOptions): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const run = { signal: deadline, timeoutMs };
  const { pods, objects, images } = exportedStack(options, 'plain');
  const engine = await startEngine(options, run, say);
  await carryImages(images, engine, ['podman', 'load', '--quiet'], deadline);
  const plays = new Map(pods.map((pod) => [pod.name, playOf(pod.name, objects)]));
  const layout = layoutOf(engine, pods, plays);
  const project = new PodmanProject(options, layout);
  // Before anything plays, so that a failure can be looked into.
  writeLayout(options.name, layout);
  await podman(engine, ['network', 'create', NETWORK], run);
  // Each as soon as those that it waits for in compose are well: kube play does not try again.
  const ready = new Map<string, Promise<void>>();
  for (const pod of pods) {
    const before = pod.after.flatMap((name) => ready.get(name) ?? []);
    ready.set(
      pod.name,
      Promise.all(before).then(async () => {
        await play(engine, plays.get(pod.name)!, run);
        await (pod.ends ? ended(project, pod) : healthy(project, pod, timeoutMs));
      }),
    );
  }
  await Promise.all(ready.values());
}

type Run = { readonly signal: AbortSignal; readonly timeoutMs: number };

/** The container that podman runs in, with the labels by which a run's remains are found. */
async function startEngine({ name, env = {} }: ProjectOptions, run: Run, say: (text: string) => void): Promise<string> {
  const image = await programImage('podman', 'scripts/podman/image', say);
  const labels = {
    'com.docker.compose.project': name,
    'com.docker.compose.service': 'podman',
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.config-hash': 'podman',
    'com.docker.compose.container-number': '1',
  };
  const engine = `${name}-podman-1`;
  await docker(
    [
      'run',
      '--detach',
      '--init',
      '--privileged',
      '--name',
      engine,
      ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
      // overlay needs a file system that is no overlay itself.
      '--volume=/var/lib/containers',
      ...Object.values(env).map((port) => `--publish=127.0.0.1:${port}:${port}`),
      image,
    ],
    run,
  );
  await eventually(
    'podman can be asked',
    () =>
      docker(['exec', engine, 'test', '-e', '/run/ready']).then(
        () => true,
        () => false,
      ),
    {
      within: 30_000,
      signal: run.signal,
    },
  );
  return engine;
}

async function play(
  engine: string,
  { pod, text: manifest, aliases, published, volumes }: Play,
  run: Run,
): Promise<void> {
  const group = String(pod['spec'].securityContext?.fsGroup ?? '');
  const made = volumes.flatMap(({ name, kind }) => [name, kind]);
  if (made.length > 0) await docker(['exec', engine, 'volumes', pod['metadata'].name, group, ...made], run);
  const network = `${NETWORK}${aliases.length === 0 ? '' : `:${aliases.map((alias) => `alias=${alias}`).join(',')}`}`;
  const ports = published.map(({ port, target, protocol }) => `--publish=${port}:${target}/${protocol.toLowerCase()}`);
  await podman(engine, ['kube', 'play', '--quiet', `--network=${network}`, ...ports, '-'], { ...run, input: manifest });
}

/** Wait for a pod that ends. */
async function ended(project: PodmanProject, pod: Pod): Promise<void> {
  for (const { name } of pod.apps)
    await eventually(
      `${name} has ended`,
      async () => {
        const { State } = await project.inspect(name);
        return State.Status === 'exited' && State.ExitCode === 0;
      },
      { within: 120_000, every: 200 },
    );
}

async function healthy(project: PodmanProject, pod: Pod, within: number): Promise<void> {
  await Promise.all(
    membersOf(pod)
      .filter(({ name }) => !pod.ending.has(name))
      .map(({ name }) => project.healthy(name, within)),
  );
}

function layoutOf(engine: string, pods: readonly Pod[], plays: ReadonlyMap<string, Play>): Layout {
  const services: Record<string, PlacedService> = {};
  const all: Record<string, Layout['pods'][string]> = {};
  for (const pod of pods) {
    const { pod: manifest } = plays.get(pod.name)!;
    const infra = `${pod.name}-infra`;
    const app = `${pod.name}-${objectName(pod.apps[0]!.name)}`;
    for (const { service, role, spec, healthy } of placed(pod, manifest)) {
      const container = spec === undefined ? infra : `${pod.name}-${spec['name']}`;
      const inside = spec === undefined ? app : container;
      services[service] = { pod: pod.name, container, inside, role, healthy, spec };
    }
    all[pod.name] = { volumes: manifest['spec'].volumes ?? [], networks: networksOf(pod), infra };
  }
  return { on: 'podman', engine, network: NETWORK, services, pods: all };
}
