/** The container that a person means. */
import { suggestion } from '#kit/text/suggestion.ts';
import { docker, type DockerOptions } from '../command/docker.ts';

/** What is known of a container before it is looked into. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** Compose's service; empty for a container of no project. */
  readonly service: string;
  /** `running`, `exited` … */
  readonly state: string;
}

/** Nothing, or more than one, is meant; the message says what there is. */
export class NotFound extends Error {}

/** Every container, running or not. @throws {CommandError} */
export async function listContainers(options: DockerOptions): Promise<Container[]> {
  const format = '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "com.docker.compose.service"}}';
  const text = await docker(['ps', '--all', '--no-trunc', '--format', format], options);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', name = '', state = '', service = ''] = line.split('\t');
      return { id, name, state, service };
    });
}

/** How many containers a message lists. */
const LISTED = 10;

/**
 * Find a container by its name, its id, the beginning of its id, its compose service, or a part of
 * its name, whichever first means exactly one.
 * @param wanted what was typed
 * @param all every container of the engine
 * @throws {NotFound}
 */
export function findContainer(wanted: string, all: readonly Container[]): Container {
  const ways: ((container: Container) => boolean)[] = [
    ({ name, id }) => name === wanted || id === wanted,
    ({ id }) => /^[0-9a-f]+$/.test(wanted) && id.startsWith(wanted),
    ({ service }) => wanted !== '' && service === wanted,
    ({ name }) => wanted !== '' && name.includes(wanted),
  ];
  for (const way of ways) {
    const matching = all.filter(way);
    const running = matching.filter(({ state }) => state === 'running');
    if (running.length === 1) return running[0]!;
    if (running.length > 1)
      throw new NotFound(
        `${JSON.stringify(wanted)} may be any of these; give its whole name or its id.${names(running)}`,
      );
    if (matching.length > 0) throw new NotFound(`${matching[0]!.name} does not run (${matching[0]!.state}).`);
  }
  const running = all.filter(({ state }) => state === 'running');
  if (running.length === 0) throw new NotFound(`There is no container ${JSON.stringify(wanted)}; none is running.`);
  const meant = suggestion(
    wanted,
    running.flatMap(({ name, service }) => (service === '' ? [name] : [name, service])),
  );
  throw new NotFound(`There is no container ${JSON.stringify(wanted)}${meant}\nRunning are:${names(running)}`);
}

/** A line each, the first ones of many. */
function names(containers: readonly Container[]): string {
  const sorted = containers.map(({ name }) => `\n  ${name}`).toSorted();
  const more = sorted.length - LISTED;
  return sorted.slice(0, LISTED).join('') + (more > 0 ? `\n  and ${more} more` : '');
}
