import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lastLines, run } from '../../lib/run.ts';
import { ROOT } from '../../lib/stacks.ts';
import { SetupError } from '../lib/setup-error.ts';

/** What an image takes from npm, in an `npm.json` in its folder; it is put into the folder's `dist`. */
interface Wanted {
  /** Packages of this project's own node_modules, copied with all that they depend on. */
  copied?: string[];
  /** Tarballs to fetch: `name@version`, and the integrity that the registry gave for it. */
  tarballs?: Record<string, string>;
}

interface Lock {
  packages: Record<string, { version?: string; dependencies?: Record<string, string> }>;
}

/** Where an image's folder may be. */
const FOLDERS = ['legacy-apps/*/npm.json', 'servers/*/npm.json', 'stacks/*/services/*/npm.json'];
/** Tells which packages are in `dist/node_modules`; being outside of it, it is an input of the build. */
const STAMP = 'npm.txt';
/** Milliseconds for npm to fetch a tarball. */
const FETCH_MS = 120_000;

/**
 * Puts packages of npm beside the Dockerfiles that want them, because npm inside a build may lack
 * the machine's certificates. Does nothing for what is there already.
 * @returns what was put there, relative to the repository
 * @throws {SetupError} for a package that is not installed, cannot be fetched or is not what it was
 */
export async function providePackages(root: string = ROOT, signal?: AbortSignal): Promise<string[]> {
  const files = globSync(FOLDERS, { cwd: root }).toSorted();
  if (files.length === 0) return [];
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const made = await Promise.all(
    files.map(async (file) => {
      const { copied = [], tarballs = {} } = JSON.parse(await readFile(join(root, file), 'utf8')) as Wanted;
      const dist = join(dirname(file), 'dist');
      await mkdir(join(root, dist), { recursive: true });
      return [
        ...(copied.length === 0 ? [] : await copy(root, dist, closure(lock, copied))),
        ...(await Promise.all(Object.entries(tarballs).map((each) => fetchTarball(root, dist, each, signal)))).flat(),
      ];
    }),
  );
  return made.flat();
}

/**
 * Places of packages and of all that they depend on, as a lock file of npm's version 3 names them.
 * @throws {SetupError} for one that it does not hold
 */
export function closure({ packages }: Lock, names: readonly string[]): { place: string; version: string }[] {
  const found = new Map<string, string>();
  const visit = (name: string, from: string): void => {
    const place = resolve(name, from);
    if (found.has(place)) return;
    const { version = '', dependencies = {} } = packages[place]!;
    found.set(place, version);
    for (const dependency of Object.keys(dependencies)) visit(dependency, place);
  };
  // As Node looks for it: beside the importing package, then further out.
  const resolve = (name: string, from: string): string => {
    const place = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
    if (packages[place]) return place;
    if (from === '') throw new SetupError('failed', `package-lock.json holds no ${name}, which an image wants.`);
    return resolve(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
  };
  for (const name of names) visit(name, '');
  return [...found].map(([place, version]) => ({ place, version })).toSorted((a, b) => (a.place < b.place ? -1 : 1));
}

async function copy(root: string, dist: string, packages: ReturnType<typeof closure>): Promise<string[]> {
  const stamp = packages.map(({ place, version }) => `${place}@${version}\n`).join('');
  const target = join(root, dist, 'node_modules');
  const current = await readFile(join(root, dist, STAMP), 'utf8').catch(() => undefined);
  if (current === stamp && existsSync(target)) return [];
  const fresh = join(root, dist, `copying.${process.pid}`);
  for (const { place } of packages) {
    const nested = join(root, place, 'node_modules');
    await cp(join(root, place), join(fresh, place), { recursive: true, filter: (source) => source !== nested });
  }
  await rm(target, { recursive: true, force: true });
  await rename(join(fresh, 'node_modules'), target);
  await rm(fresh, { recursive: true });
  await writeFile(join(root, dist, STAMP), stamp);
  return [join(dist, 'node_modules')];
}

async function fetchTarball(
  root: string,
  dist: string,
  [spec, integrity]: [string, string],
  signal?: AbortSignal,
): Promise<string[]> {
  const name = `${spec.replace(/^@/, '').replaceAll(/[/@]/g, '-')}.tgz`;
  const target = join(root, dist, name);
  const right = async (path: string): Promise<boolean> =>
    `sha512-${createHash('sha512')
      .update(await readFile(path))
      .digest('base64')}` === integrity;
  if (existsSync(target) && (await right(target))) return [];
  const fresh = join(root, dist, `fetching.${process.pid}.${name}`);
  await mkdir(fresh, { recursive: true });
  try {
    const { exitCode, stdout, stderr } = await run('npm', ['pack', '--silent', spec], {
      cwd: fresh,
      timeoutMs: FETCH_MS,
      signal,
    });
    signal?.throwIfAborted();
    if (exitCode !== 0) throw new SetupError('failed', `npm could not fetch ${spec}:`, lastLines(stderr, 5));
    const fetched = join(fresh, stdout.trim());
    if (!(await right(fetched))) throw new SetupError('failed', `npm fetched another ${spec} than was asked for.`);
    await rename(fetched, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return [join(dist, name)];
}
