/** What the Dockerfile of a service that is built here says of its image. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Service } from '../compose/project.ts';
import { readDockerfile, type DockerfileFacts } from '../contract/dockerfile.ts';
import { get, text } from '../yaml/tree.ts';

/** By service: every part of an export asks. */
const known = new WeakMap<Service, DockerfileFacts | undefined>();

/**
 * Facts of a service's image.
 * @param base paths of places are relative to it
 * @returns undefined where the image is not built here, or its Dockerfile cannot be read
 */
export function builtOf(service: Service, base: string): DockerfileFacts | undefined {
  if (!known.has(service)) known.set(service, read(service, base));
  return known.get(service);
}

function read({ tree }: Service, base: string): DockerfileFacts | undefined {
  const build = get(tree, 'build');
  const context = get(build, 'context') ?? build;
  const folder = text(context);
  if (folder === undefined) return undefined;
  const file = join(
    resolve(dirname(resolve(base, context!.at.file)), folder),
    text(get(build, 'dockerfile')) ?? 'Dockerfile',
  );
  try {
    return readDockerfile(readFileSync(file, 'utf8'), file, text(get(build, 'target')));
  } catch {
    // It is elsewhere, or generated: what the compose file says is all that is known.
    return undefined;
  }
}
