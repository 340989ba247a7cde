/** What a bundled sidecar's image is built from. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder that a sidecar's image is built from: its Dockerfile, its bundle, and what else that copies.
 * @returns undefined when the bundle is not there
 */
export function buildFolder(name: string): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  // Of the package's one file in tools/dist, and of the source in tools/bundled.
  return ['sidecars', 'servers']
    .map((kind) => join(here, '..', '..', kind, name))
    .find((folder) => existsSync(join(folder, 'dist', `${name}.mjs`)));
}

/**
 * Copy what a build needs, and nothing else: what a Dockerfile copies is what it must find.
 * @param from a sidecar's folder
 * @param to where it is built; made if it is not there
 */
export function copyBuild(from: string, to: string): void {
  for (const path of ['Dockerfile', ...copiedBy(readFileSync(join(from, 'Dockerfile'), 'utf8'))])
    cpSync(join(from, path), join(to, path), { recursive: true });
}

/** Whether a copy holds what would be copied into it. */
export function sameBuild(from: string, to: string): boolean {
  const paths = ['Dockerfile', ...copiedBy(readFileSync(join(from, 'Dockerfile'), 'utf8'))];
  return paths.every((path) => isSame(join(from, path), join(to, path)));
}

function isSame(a: string, b: string): boolean {
  if (!existsSync(b)) return false;
  if (!statSync(a).isDirectory()) return statSync(b).isFile() && readFileSync(a).equals(readFileSync(b));
  return readdirSync(a).every((name) => isSame(join(a, name), join(b, name)));
}

/** The sources of a Dockerfile's COPY lines: `COPY a b /to/`, each on one line, as ours are. */
export const copiedBy = (dockerfile: string): string[] =>
  [...dockerfile.matchAll(/^COPY +(?!--)(.*) +\S+$/gm)].flatMap(([, sources]) => sources!.trim().split(/ +/));
