import { existsSync, globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What setup and the runner make inside the repository, and can make again. */
const MADE = ['.cache', 'artifacts', 'sidecars/*/dist', 'stacks/*/services/*/dist', 'servers/*/dist', 'workshop/dist'];

/** The folders that are there, relative to the repository's folder `root`. */
export function findFolders(root: string): string[] {
  return globSync(MADE, { cwd: root })
    .filter((path) => existsSync(join(root, path)))
    .sort();
}

export async function removeFolders(root: string, folders: readonly string[]): Promise<void> {
  await Promise.all(folders.map((path) => rm(join(root, path), { recursive: true, force: true })));
}
