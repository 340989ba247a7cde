/** Images of servers, also of those that no stack has. */
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { programImage } from '../lib/program-image.ts';
import { ROOT } from '../lib/stacks.ts';

/**
 * Build them, which takes a fraction of a second where a stack has done so. Needs bundles and base images.
 * @param say gets a line when it takes longer
 * @returns the images' names
 * @throws {EngineError} with the last lines of a build that failed
 */
export async function buildServers(say: (line: string) => void): Promise<string[]> {
  const images: string[] = [];
  for (const dockerfile of globSync('servers/*/Dockerfile', { cwd: ROOT }).toSorted()) {
    const folder = dirname(dockerfile);
    images.push(await programImage(basename(folder), folder, say));
  }
  return images;
}
