/**
 * Images of a project's services, built by `docker build`. `docker compose build` gives an image the
 * labels com.docker.compose.project and com.docker.compose.service, which every container of that image
 * then inherits, also one that somebody starts by hand.
 */
import { resolve } from 'node:path';
import type { ComposeSpecification } from 'docker-compose';
import type { Project } from './compose.ts';
import { docker, type DockerOptions } from './engine.ts';
import { IMAGE_LABEL } from './labels.ts';

type Service = NonNullable<ComposeSpecification['services']>[string];
type Recipe = Exclude<Service['build'], string | undefined>;

/** What `docker build` is told below; a key that is not among these would be lost in silence. */
const KNOWN = new Set(['context', 'dockerfile', 'args', 'target', 'labels']);

/**
 * Arguments of `docker build` for a recipe as `docker compose config` prints it.
 * @param image the name that it gets
 * @throws {Error} for a recipe with a key that is not translated here
 */
export function buildArguments(image: string, recipe: Recipe): string[] {
  const unknown = Object.keys(recipe).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`build of ${image}: ${unknown.join(', ')} is not supported`);
  const { context = '.', dockerfile, args, target, labels } = recipe;
  const pairs = (flag: string, values: object | undefined): string[] =>
    Object.entries(values ?? {}).flatMap(([name, value]) => [flag, value === null ? name : `${name}=${value}`]);
  return [
    'build',
    '--tag',
    image,
    ...(dockerfile === undefined ? [] : ['--file', resolve(context, dockerfile)]),
    ...(target === undefined ? [] : ['--target', target]),
    ...(image.startsWith('sidecar-stacks/') ? ['--label', `${IMAGE_LABEL}=${nameOf(image)}`] : []),
    ...pairs('--build-arg', args as object | undefined),
    ...pairs('--label', labels as object | undefined),
    context,
  ];
}

/**
 * Build a project's images, each once, side by side.
 * @param services those whose images are built; all that have a recipe when absent
 * @param nameFor the name of a service's image that has none; compose's own when absent
 * @throws {EngineError} with the last lines of a build that failed, after the others have ended
 */
export async function buildImages(
  project: Project,
  services?: readonly string[],
  options: DockerOptions = {},
  nameFor: (service: string) => string = (service) => `${project.name}-${service}`,
): Promise<void> {
  const text = await project.compose(['config', '--format', 'json'], { ...options, timeoutMs: 30_000 });
  const config = JSON.parse(text) as ComposeSpecification;
  const recipes = new Map<string, Recipe>();
  for (const [name, { image, build }] of Object.entries(config.services ?? {})) {
    if (typeof build !== 'object' || (services && !services.includes(name))) continue;
    recipes.set(image ?? nameFor(name), build);
  }
  const builds = [...recipes].map(([image, recipe]) => docker(buildArguments(image, recipe), options));
  const failed = (await Promise.allSettled(builds)).find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}

/** `sidecar-stacks/tls:dev` → `tls`: what an image's label says, by which it is found again. */
const nameOf = (image: string): string => image.replace(/^sidecar-stacks\//, '').replace(/:.*$/, '');
