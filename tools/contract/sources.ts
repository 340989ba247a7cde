/** The Dockerfiles under a path, as they are and as they were at a git ref. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

const NAME = /^(Dockerfile|Containerfile)(\.[\w-]+)?$|\.([Dd]ockerfile|[Cc]ontainerfile)$/;
const SKIPPED = new Set(['node_modules', '.git', 'vendor', 'dist', 'target', '.venv']);
const MAX_DEPTH = 20;
const MAX_BYTES = 1024 * 1024;
const GIT_MS = 30_000;

/** Dockerfiles at or under a path, absolute and sorted; a file is taken whatever its name. */
export function dockerfilesAt(path: string, depth = 0): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  if (depth > MAX_DEPTH) return [];
  return readdirSync(path, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : dockerfilesAt(inner, depth + 1);
      return entry.isFile() && NAME.test(entry.name) && !entry.name.endsWith('.dockerignore') ? [inner] : [];
    });
}

export const isDockerfile = (path: string): boolean => NAME.test(basename(path));

/** @throws {Error} for a file that is too large to be a Dockerfile */
export function readText(path: string): string {
  if (statSync(path).size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
  return readFileSync(path, 'utf8');
}

/** A ref or a repository that git does not know. */
export class NoHistory extends Error {}

/** Files as they were at a ref. */
export class History {
  readonly #root: string;
  readonly #ref: string;

  /** @throws {NoHistory} when the folder is in no repository, or the ref does not exist */
  constructor(folder: string, ref: string) {
    if (ref.startsWith('-')) throw new NoHistory(`${ref} is no ref`);
    this.#root = git(folder, ['rev-parse', '--show-toplevel'], `${folder} is in no git repository`).trim();
    this.#ref = git(folder, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], `git knows no ref ${ref}`).trim();
  }

  /** A file's content at the ref; undefined when it was not there. */
  read(path: string): string | undefined {
    try {
      return git(this.#root, ['show', `${this.#ref}:${relative(this.#root, path)}`], '');
    } catch {
      return undefined;
    }
  }

  /** Dockerfiles that were under a path at the ref, absolute. */
  under(path: string): string[] {
    const inner = relative(this.#root, resolve(path));
    const listed = git(
      this.#root,
      ['ls-tree', '-r', '--name-only', '-z', this.#ref, '--', inner === '' ? '.' : inner],
      'git lists nothing',
    );
    return listed
      .split('\0')
      .filter((name) => name !== '' && isDockerfile(name))
      .map((name) => join(this.#root, name));
  }
}

function git(folder: string, args: readonly string[], otherwise: string): string {
  try {
    return execFileSync('git', args, {
      cwd: statSync(folder).isFile() ? dirname(folder) : folder,
      encoding: 'utf8',
      timeout: GIT_MS,
      maxBuffer: 16 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    throw new NoHistory((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'git is not here' : otherwise);
  }
}
