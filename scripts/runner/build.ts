/** Builds the images of the chosen stacks, each once, and only when what goes into it has changed. */
import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComposeSpecification } from 'docker-compose';
import { docker, EngineError } from '../lib/engine.ts';
import { Project } from '../lib/compose.ts';
import { lastLines } from '../lib/run.ts';
import { ROOT, type Stack } from '../lib/stacks.ts';
import { RunFailure } from './failure.ts';

const LOG_LINES = 20;
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

/**
 * Build what is missing or out of date.
 * @returns the names of the images that were built
 * @throws {RunFailure} with the last lines of the build that failed
 */
export async function buildImages(stacks: readonly Stack[], signal: AbortSignal): Promise<string[]> {
  const bases = new Map<string, string>();
  const parts = new Map<string, Part>();
  for (const part of (await Promise.all(stacks.map((stack) => partsOf(stack, bases)))).flat())
    parts.set(part.image, part);
  const stamps = readStamps();
  const ids = await imageIds([...parts.keys()]);
  const stale = [...parts.values()].filter(({ image, inputs }) => {
    const stamp = stamps[image];
    return ids.get(image) === undefined || stamp?.inputs !== inputs || stamp.id !== ids.get(image);
  });
  if (stale.length === 0) return [];

  for (const [stack, services] of Map.groupBy(stale, (part) => part.stack)) {
    await build(
      stack,
      services.map((part) => part.service),
      signal,
    );
  }
  const built = await imageIds(stale.map((part) => part.image));
  // Read again: another runner may have built other images meanwhile.
  const fresh = readStamps();
  for (const { image, inputs } of stale) fresh[image] = { inputs, id: built.get(image) ?? '' };
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  writeFileSync(STAMPS, JSON.stringify(fresh, null, 2));
  return stale.map((part) => part.image);
}

async function build(stack: Stack, services: readonly string[], signal: AbortSignal): Promise<void> {
  const project = new Project({ name: `sidecar-stacks-${stack.name}`, dir: stack.dir });
  let progress = '';
  try {
    await project.compose(['build', ...services], { signal, onStdout: (text) => (progress += text) });
  } catch (error) {
    if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
    const failed = /failed to solve: (.*)/.exec(error.stderr.join('\n'))?.[1];
    throw new RunFailure({
      reason: 'build',
      message: `Building the images of stack ${stack.name} (${services.join(', ')}) failed: ${failed ?? error.stderr.at(-1) ?? 'no reason given'}`,
      log: lastLines(progress, LOG_LINES).filter((line) => !/^-+$/.test(line)),
    });
  }
}

async function partsOf(stack: Stack, bases: Map<string, string>): Promise<Part[]> {
  const project = new Project({ name: `sidecar-stacks-${stack.name}`, dir: stack.dir });
  let config: ComposeSpecification;
  try {
    config = JSON.parse(
      await project.compose(['config', '--format', 'json'], { timeoutMs: 30_000 }),
    ) as ComposeSpecification;
  } catch (error) {
    if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
    throw new RunFailure({
      reason: 'compose',
      message: `stacks/${stack.name}/compose.yaml is not valid: ${error.stderr.join(' ')}`,
    });
  }
  const parts: Part[] = [];
  for (const [service, { image, build: recipe }] of Object.entries(config.services ?? {})) {
    if (!image || !recipe || typeof recipe === 'string' || !recipe.context) continue;
    const args = Object.values(recipe.args ?? {}).filter((value) => typeof value === 'string');
    await addImageIds(args, bases);
    const hash = createHash('sha256').update(JSON.stringify([recipe, args.map((arg) => bases.get(arg))]));
    digestFolder(recipe.context, hash);
    parts.push({ image, service, stack, inputs: hash.digest('hex') });
  }
  return parts;
}

/** Build arguments that name local images count with the image's id: a new base is a new input. */
async function addImageIds(names: readonly string[], known: Map<string, string>): Promise<void> {
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const ids = await imageIds(unknown);
  for (const name of unknown) known.set(name, ids.get(name) ?? '');
}

/** Ids of local images; those that are not there are left out. */
async function imageIds(names: readonly string[]): Promise<Map<string, string>> {
  const lines = await Promise.all(
    names.map((name) =>
      docker(['image', 'inspect', '--format', '{{.Id}}', name], { timeoutMs: 30_000 }).catch(ignoreMissing),
    ),
  );
  return new Map(names.flatMap((name, index) => (lines[index] === '' ? [] : [[name, lines[index]!] as const])));
}

function ignoreMissing(error: unknown): string {
  if (error instanceof EngineError && error.reason === 'failed') return '';
  throw error;
}

function digestFolder(dir: string, hash: Hash): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules' || entry.name === 'src') continue;
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
