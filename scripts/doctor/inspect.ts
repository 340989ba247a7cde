import { statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { docker, EngineError } from '../lib/engine.ts';
import { run } from '../lib/run.ts';
import { missingImages } from '../setup/images/base-images.ts';
import { BASE_IMAGES } from '../setup/images/table.ts';
import { socketPath } from '../lib/endpoint.ts';
import { type EngineFacts, findProgram, observe, pathFolders } from '../setup/engine/facts.ts';
import { ROOT } from '../lib/stacks.ts';

/** What the engine tells of the machine that it runs on, which need not be this one. */
export interface EngineHost {
  /** Where it keeps its data. */
  folder: string;
  cgroups: string;
  memoryBytes: number;
  cpus: number;
}

/** Everything that `make doctor` reports on. */
export interface Inspection {
  facts: EngineFacts;
  engineHost: EngineHost | undefined;
  /** Bytes free where the engine keeps its data; undefined when that is on another machine. */
  freeBytes: number | undefined;
  registry: 'reachable' | 'unreachable' | 'not asked';
  /** Names of the base images that are missing; undefined when the engine cannot say. */
  missing: string[] | undefined;
  /** The host's own Node and npm, undefined when there is none. */
  hostNode: string | undefined;
  npm: string | undefined;
  /** Of this process, which is the pinned Node. */
  pinnedNode: string;
  machine: { cpus: number; memoryBytes: number };
}

/** Milliseconds that a registry has for answering. */
const REGISTRY_MS = 4_000;

/** Looks at everything, changes nothing; bounded to a few seconds. */
export async function inspect(): Promise<Inspection> {
  const facts = await observe();
  const up = facts.daemon.state === 'up';
  const [engineHost, registry, missing, hostNode, npm] = await Promise.all([
    up && facts.cli ? askHost() : undefined,
    up ? askRegistry(socketPath(facts.endpoint.host)) : ('not asked' as const),
    up && facts.cli ? missingImages().then((images) => images.map(({ name }) => name)) : undefined,
    hostNodeVersion(),
    versionOf('npm'),
  ]);
  return {
    facts,
    engineHost,
    freeBytes: await freeBytes(engineHost?.folder, facts),
    registry,
    missing,
    hostNode,
    npm,
    pinnedNode: process.version,
    machine: { cpus: availableParallelism(), memoryBytes: totalmem() },
  };
}

async function askHost(): Promise<EngineHost | undefined> {
  try {
    const info = JSON.parse(await docker(['info', '--format', '{{json .}}'], { timeoutMs: 10_000 })) as Record<
      string,
      unknown
    >;
    return {
      folder: String(info.DockerRootDir),
      cgroups: `v${String(info.CgroupVersion)}, driver ${String(info.CgroupDriver)}`,
      memoryBytes: Number(info.MemTotal),
      cpus: Number(info.NCPU),
    };
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Lets the engine itself ask its registry for an image, since its proxy and mirrors count, not ours. */
async function askRegistry(socket: string | undefined): Promise<Inspection['registry']> {
  if (socket === undefined) return 'not asked';
  const image = BASE_IMAGES[0]?.official ?? '';
  return await new Promise((resolve) => {
    const asked = request(
      { socketPath: socket, path: `/distribution/${image}/json`, headers: { host: 'docker' }, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? 'reachable' : 'unreachable');
      },
    );
    const timer = setTimeout(() => asked.destroy(), REGISTRY_MS);
    asked.on('close', () => {
      clearTimeout(timer);
      resolve('unreachable');
    });
    asked.on('error', () => resolve('unreachable'));
    asked.end();
  });
}

async function freeBytes(folder: string | undefined, facts: EngineFacts): Promise<number | undefined> {
  const local = facts.system.platform === 'linux' && socketPath(facts.endpoint.host) !== undefined;
  if (!local) return undefined;
  // Before there is an engine, what counts is where it will keep its data.
  for (let path = folder ?? '/var/lib/docker'; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (path === '/') return undefined;
    }
  }
}

/** The Node that the user has, past the pinned one that run.mjs puts first on PATH. */
async function hostNodeVersion(): Promise<string | undefined> {
  const bin = join(ROOT, 'node_modules', '.bin');
  const path = findProgram(
    'node',
    pathFolders().filter((folder) => folder !== bin),
  );
  return path === undefined ? undefined : await versionOf(path);
}

async function versionOf(program: string): Promise<string | undefined> {
  const { exitCode, stdout } = await run(program, ['--version'], { timeoutMs: 10_000 });
  return exitCode === 0 ? stdout.trim() : undefined;
}
