/** Images of the programs here, as opposed to those of stacks: built when they are first needed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { thisClone } from './clone.ts';
import { docker } from './engine.ts';
import { ROOT } from './stacks.ts';

/** Packages are fetched for it. */
const BUILD_MS = 600_000;

/**
 * Build an image on one of the base images, which takes a fraction of a second when nothing has changed.
 * @param name below sidecar-stacks
 * @param folder of its Dockerfile, below the root
 * @param say gets a line when it takes longer
 * @param target a stage of its Dockerfile, the last one without; `tag` its whole name, by IMAGE_TAG without
 * @returns its whole name
 */
export async function programImage(
  name: string,
  folder: string,
  say: (line: string) => void,
  { target, tag }: { readonly target?: string; readonly tag?: string } = {},
): Promise<string> {
  await thisClone();
  const defaults = { ...parse(readFileSync(join(ROOT, '.env'))), ...process.env };
  const image = tag ?? `sidecar-stacks/${name}:${defaults['IMAGE_TAG']}`;
  if ((await docker(['images', '--quiet', image])) === '') say(`Building ${image}, once`);
  const bases = ['DEBIAN_BASE', 'SIDECAR_BASE'].flatMap((base) => ['--build-arg', `${base}=${defaults[base]}`]);
  const args = ['--quiet', '--tag', image, ...(target === undefined ? [] : ['--target', target]), ...bases];
  await docker(['build', ...args, join(ROOT, folder)], { timeoutMs: BUILD_MS });
  return image;
}
