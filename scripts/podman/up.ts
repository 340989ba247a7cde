/** Bring a stack up under podman: a container for podman, the images, then each pod of the export as kube play has it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '#kit/testing/eventually.ts';
import { exportProject } from '../../tools/export/export.ts';
import { membersOf, type Pod } from '../../tools/export/pods.ts';
import { composeFiles } from '../../tools/inject/files.ts';
import { get, text } from '../../tools/yaml/tree.ts';
import type { Service } from '../../tools/compose/project.ts';
import { objectName } from '../../tools/export/units.ts';
import type { ProjectOptions } from '../lib/compose.ts';
import { docker } from '../lib/engine.ts';
import { programImage } from '../lib/program-image.ts';
import { PodmanProject, podman } from './driver.ts';
import { layoutFile, writeLayout, type Layout, type PlacedService } from './layout.ts';
import { objectsOf, playOf, type Manifest, type Play } from './manifests.ts';

export interface UpOptions {
  /** Deadline of the whole, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const NETWORK = 'stack';

/**
 * Bring up.
 * @returns the file that tells a scenario where everything is; it is there as soon as something can be looked into
 * @throws {EngineError} when the engine, or podman in it, fails; {Error} for an export that is refused
 */
export async function upOnPodman(options: ProjectOptions, { timeoutMs, signal, say }: UpOptions): Promise<string> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const run = { signal: deadline, timeoutMs };
  const { pods, objects, images } = exported(options);
  const engine = await startEngine(options, run, say);
  await carry(images, engine, deadline);
  const plays = new Map(pods.map((pod) => [pod.name, playOf(pod.name, objects)]));
  const layout = layoutOf(engine, pods, plays);
  const project = new PodmanProject(options, layout);
  // Before anything plays, so that a failure can be looked into.
  writeLayout(layoutFile(options.name), layout);
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
  return layoutFile(options.name);
}

type Run = { readonly signal: AbortSignal; readonly timeoutMs: number };

function exported({ dir, env }: ProjectOptions): { pods: readonly Pod[]; objects: Manifest[]; images: string[] } {
  const environment = { ...process.env, ...env };
  const { files, findings, pods, images } = exportProject(composeFiles(dir, [], environment), {
    base: dir,
    environment,
    style: 'plain',
    bare: true,
  });
  const refused = findings.filter(({ level }) => level === 'refused').map(({ message }) => message);
  if (refused.length > 0) throw new Error(`the stack cannot be exported: ${refused.join('; ')}`);
  return { pods, objects: objectsOf(files), images: images.map(({ reference }) => reference) };
}

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

/** Images of this machine's engine into podman's store: both ends stream. */
async function carry(images: readonly string[], engine: string, signal: AbortSignal): Promise<void> {
  const save = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const load = spawn('docker', ['exec', '--interactive', engine, 'podman', 'load', '--quiet'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    signal,
  });
  save.stdout.pipe(load.stdin);
  // It says so itself, when it ends.
  load.stdin.on('error', () => {});
  const said: string[] = [];
  for (const each of [save, load])
    each.stderr.on('data', (data: Buffer) => void (said.length < 50 && said.push(String(data))));
  const [[saved], [loaded]] = (await Promise.all([once(save, 'close'), once(load, 'close')])) as [[number], [number]];
  if (saved !== 0 || loaded !== 0) throw new Error(`images were not carried over: ${said.join('').trim()}`);
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
  const placed: Record<string, Layout['pods'][string]> = {};
  for (const pod of pods) {
    const { spec } = plays.get(pod.name)!.pod as { spec: Manifest };
    const all = [...((spec['initContainers'] ?? []) as Manifest[]), ...(spec['containers'] as Manifest[])];
    for (const service of membersOf(pod)) {
      const own = all.find(({ name }) => name === objectName(service.name));
      // Kubernetes does what it did.
      if (!own) continue;
      const container = `${pod.name}-${own['name']}`;
      const probe = own['startupProbe'] ?? own['readinessProbe'];
      services[service.name] = {
        pod: pod.name,
        container,
        inside: container,
        role: roleOf(service),
        healthy: probe?.exec?.command,
        spec: own,
      };
    }
    const infra = `${pod.name}-infra`;
    const app = `${pod.name}-${objectName(pod.apps[0]!.name)}`;
    if (pod.pause)
      services[pod.pause.name] = {
        pod: pod.name,
        container: infra,
        inside: app,
        role: 'pod',
        healthy: undefined,
        spec: undefined,
      };
    placed[pod.name] = { volumes: spec['volumes'] ?? [], networks: networksOf(pod), infra };
  }
  return { engine, network: NETWORK, services, pods: placed };
}

const roleOf = ({ tree }: Service): string => text(get(tree, 'labels', 'dev.sidecar-stacks.role')) ?? '';

function networksOf({ owner: { tree } }: Pod): string[] {
  const networks = get(tree, 'networks');
  if (networks?.kind === 'map') return [...networks.entries.keys()];
  return networks?.kind === 'seq' ? networks.items.map((item) => text(item) ?? '') : ['default'];
}
