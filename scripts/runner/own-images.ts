/**
 * Images of a stack's own builds that its compose.yaml gives no name. Compose would build them anew for
 * every run, under the run's name, and leave them behind. Here they are built once under a name of
 * the stack's, take the name that compose looks for while a run lasts, and lose it again.
 */
import { docker } from '../lib/engine.ts';
import type { ComposeSpecification } from 'docker-compose';
import type { Stack } from '../lib/stacks.ts';

const OPTIONS = { timeoutMs: 30_000 };

/** The lasting name of a service's image that has none. */
export const ownImage = (stack: Stack, service: string): string =>
  `sidecar-stacks/${stack.name}-${service}:${process.env['IMAGE_TAG'] || 'dev'}`;

/** An image's name with the tag that goes without saying. */
export const withTag = (image: string): string => (/:[^/]+$/.test(image) ? image : `${image}:latest`);

/** Services that build an image without a name for it. */
export const nameless = (config: ComposeSpecification): string[] =>
  Object.entries(config.services ?? {}).flatMap(([service, { image, build }]) => (build && !image ? [service] : []));

/** The name that compose looks for. */
const nameInRun = (project: string, service: string): string => `${project}-${service}:latest`;

/** Give the images of these services the names that compose looks for in a run. */
export async function tagForRun(stack: Stack, project: string, services: readonly string[]): Promise<void> {
  for (const service of services) await docker(['tag', ownImage(stack, service), nameInRun(project, service)], OPTIONS);
}

/** Take the names back; the images stay under their own. */
export async function untagForRun(project: string, services: readonly string[]): Promise<void> {
  if (services.length === 0) return;
  await docker(['image', 'rm', '--no-prune', ...services.map((service) => nameInRun(project, service))], OPTIONS);
}
