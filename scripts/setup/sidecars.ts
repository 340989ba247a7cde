/** The images of the sidecars, for users who put one into their own compose project. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { Project } from '../lib/compose.ts';
import { buildImages } from '../lib/images.ts';
import { findStack, ROOT } from '../lib/stacks.ts';

const OPTIONS = { timeoutMs: 600_000 };

/**
 * Build them, and what their examples stand beside: valkey for the adapter's, the config server for config-sync's. A
 * second or two when nothing has changed. Needs bundles and base images.
 * @returns the names of the sidecars
 * @throws {EngineError} with the last lines of a build that failed
 */
export async function buildSidecars(signal?: AbortSignal): Promise<string[]> {
  const names = globSync('sidecars/*/Dockerfile', { cwd: ROOT }).map((file) => file.split(/[\\/]/)[1]!);
  await buildImages(new Project({ name: 'sidecar-stacks-catalogue', dir: ROOT }), [...names, 'valkey'], {
    ...OPTIONS,
    signal,
  });
  const { dir } = findStack('config', join(ROOT, 'stacks'));
  await buildImages(new Project({ name: 'sidecar-stacks-config', dir }), ['config-server'], { ...OPTIONS, signal });
  return names.toSorted();
}
