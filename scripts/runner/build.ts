/** Builds the images of the chosen stacks, each once, and only when what goes into it has changed. */
import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ComposeSpecification } from 'docker-compose';
import { docker, EngineError } from '../lib/engine.ts';
import { Project } from '../lib/compose.ts';
import { buildImages as buildServices } from '../lib/images.ts';
import { ownImage, withTag } from './own-images.ts';
import { stackFaults } from '../lib/stack-rules.ts';
import { ROOT, type Stack } from '../lib/stacks.ts';
import { provideWheels } from '../lib/wheels.ts';
import { RunFailure } from './failure.ts';

const STAMPS = join(ROOT, '.cache', 'builds.json');

interface Part {
  readonly image: string;
  readonly service: string;
  readonly stack: Stack;
  /** Digest of the build's inputs. */
  readonly inputs: string;
}

/** For each image: the inputs that it was built from and the id that came of it. */
type Stamps = Record<string, { readonly inputs: string; readonly id: string }>;

/** A stack with its compose file as compose resolves it. */
export interface Resolved {
  readonly stack: Stack;
  readonly config: ComposeSpecification;
}

/**
 * Resolve the stacks' compose files; needs no engine.
 * @throws {RunFailure} for one that is not valid
 */
export function resolveStacks(stacks: readonly Stack[]): Promise<Resolved[]> {
  return Promise.all(stacks.map(resolve));
}

/**
 * Build what is missing or out of date.
 * @returns the names of the images that were built
 * @throws {RunFailure} with the last lines of the build that failed
 */
export async function buildImages(stacks: readonly Resolved[], signal: AbortSignal): Promise<string[]> {
  await fetchWheels(stacks);
  const ids = await imageIds();
  const parts = new Map<string, Part>();
  for (const part of stacks.flatMap((resolved) => partsOf(resolved, ids))) parts.set(part.image, part);
  const stamps = readStamps();
  const stale = [...parts.values()].filter(({ image, inputs }) => {
    const stamp = stamps[image];
    return !ids.has(image) || stamp?.inputs !== inputs || stamp.id !== ids.get(image);
  });
  if (stale.length === 0) return [];

  for (const [stack, mine] of Map.groupBy(stale, (part) => part.stack)) {
    const services = mine.map((part) => part.service);
    await build(stack, services, signal);
  }
  const built = await imageIds();
  // Read again: another runner may have built other images meanwhile.
  const fresh = readStamps();
  for (const { image, inputs } of stale) fresh[image] = { inputs, id: built.get(image) ?? '' };
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  writeFileSync(STAMPS, JSON.stringify(fresh, null, 2));
  return stale.map((part) => part.image);
}

/** Programs that images take from PyPI are beside their Dockerfiles before anything is built. */
async function fetchWheels(stacks: readonly Resolved[]): Promise<void> {
  const contexts = new Set(
    stacks.flatMap(({ config }) =>
      Object.values(config.services ?? {}).flatMap(({ build: recipe }) =>
        typeof recipe === 'object' && recipe.context !== undefined ? [recipe.context] : [],
      ),
    ),
  );
  for (const context of contexts) {
    if (!existsSync(join(context, 'requirements.txt'))) continue;
    const message = await provideWheels(relative(ROOT, context));
    if (message !== undefined) throw new RunFailure({ reason: 'build', message });
  }
}

async function build(stack: Stack, services: readonly string[], signal: AbortSignal): Promise<void> {
  const project = new Project({ name: `sidecar-stacks-${stack.name}`, dir: stack.dir });
  try {
    await buildServices(project, services, { signal }, (service) => ownImage(stack, service));
  } catch (error) {
    if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
    const failed = /failed to solve: (.*)/.exec(error.stderr.join('\n'))?.[1];
    throw new RunFailure({
      reason: 'build',
      message: `Building the images of stack ${stack.name} (${services.join(', ')}) failed: ${failed ?? error.stderr.at(-1) ?? 'no reason given'}`,
      log: error.stderr.filter((line) => !/^-+$/.test(line)),
    });
  }
}

async function resolve(stack: Stack): Promise<Resolved> {
  const resolved = await resolveByCompose(stack);
  const faults = stackFaults(stack);
  if (faults.length === 0) return resolved;
  throw new RunFailure({
    reason: 'stack',
    message: [`Stack ${stack.name} is not complete:`, ...faults.map((fault) => `- ${fault}`)].join('\n'),
  });
}

async function resolveByCompose(stack: Stack): Promise<Resolved> {
  const project = new Project({ name: `sidecar-stacks-${stack.name}`, dir: stack.dir });
  try {
    const text = await project.compose(['config', '--format', 'json'], { timeoutMs: 30_000 });
    return { stack, config: JSON.parse(text) as ComposeSpecification };
  } catch (error) {
    if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
    throw new RunFailure({
      reason: 'compose',
      message: `stacks/${stack.name}/compose.yaml is not valid: ${error.stderr.join(' ')}`,
    });
  }
}

function partsOf({ stack, config }: Resolved, ids: ReadonlyMap<string, string>): Part[] {
  return Object.entries(config.services ?? {}).flatMap(([service, { image, build: recipe }]) => {
    if (!recipe || typeof recipe === 'string' || !recipe.context) return [];
    // Build arguments that name our images count with the image's id: a new base is a new input.
    const bases = Object.values(recipe.args ?? {}).map((value) => ids.get(String(value)) ?? null);
    const hash = createHash('sha256').update(JSON.stringify([recipe, bases]));
    digestFolder(recipe.context, hash);
    return [{ image: image ? withTag(image) : ownImage(stack, service), service, stack, inputs: hash.digest('hex') }];
  });
}

/** Ids of the local images, by name with tag. */
async function imageIds(): Promise<Map<string, string>> {
  const lines = await docker(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'], {
    timeoutMs: 30_000,
  });
  return new Map(lines.split('\n').map((line) => line.split(' ', 2) as [string, string]));
}

/** What no image takes in: sources are bundled, and texts are for readers. */
const NOT_AN_INPUT = /^(node_modules|src)$|\.(map|md)$/;

function digestFolder(dir: string, hash: Hash): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (NOT_AN_INPUT.test(entry.name)) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) digestFolder(path, hash);
    else if (entry.isFile()) hash.update(`\0${path}\0`).update(readFileSync(path));
  }
}

function readStamps(): Stamps {
  if (!existsSync(STAMPS)) return {};
  try {
    return JSON.parse(readFileSync(STAMPS, 'utf8')) as Stamps;
  } catch {
    return {};
  }
}
