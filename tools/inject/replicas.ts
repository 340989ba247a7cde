/** Replicas of a service that becomes a pod: each is a whole pod, and all have the service's name in DNS. */
import { Refusal } from '../bundled/refusal.ts';
import { interpolate } from '../compose/interpolate.ts';
import { mountFields } from '../compose/mounts.ts';
import type { Project, Service } from '../compose/project.ts';
import { entries, get, items, text, toValue, type MapTree, type Tree } from '../yaml/tree.ts';

type Entry = Record<string, unknown>;

const MOST = 100;

/** One pod of a service. */
export interface Replica extends Service {
  /** What others find it by in DNS: the service's name. */
  readonly alias: string;
  /** The whole service, where the user's files have none of this name. */
  readonly copy: Entry | undefined;
}

/**
 * The pods of a service: the first keeps its name, the others are called NAME-2, NAME-3 and so on.
 * @param wanted how many; undefined for what the service says
 * @throws {Refusal} where the number is none, or a copy would not be the same
 */
export function replicasOf(project: Project, service: Service, wanted?: number): Replica[] {
  const count = wanted ?? countOf(project, service);
  const first = { ...service, alias: service.name, copy: undefined };
  if (count <= 1) return [first];
  if (text(get(service.tree, 'container_name')) !== undefined)
    throw new Refusal(
      'replicas',
      `service ${service.name} has ${count} replicas and a container_name, which is one's alone: take it away`,
    );
  requireOneFolder(project, service);
  const rest = Array.from({ length: count - 1 }, (_, index): Replica => {
    const ports = items(get(service.tree, 'ports')).filter((item) => canRepeat(project, item));
    const name = `${service.name}-${index + 2}`;
    if (project.services.has(name))
      throw new Refusal(
        'replicas',
        `there is a service ${name} already, which replica ${index + 2} of ${service.name} would be called`,
      );
    const kept = entries(service.tree).filter(([key]) => key !== 'ports' && !key.startsWith('x-'));
    const list: Tree = { kind: 'seq', items: ports, at: service.at };
    const tree: MapTree = {
      ...service.tree,
      entries: new Map([...kept, ...(ports.length > 0 ? [['ports', list] as const] : [])]),
    };
    return {
      name,
      tree,
      at: service.at,
      alias: service.name,
      copy: { ...(toValue(tree) as Entry), ...oneOf(service) },
    };
  });
  return [first, ...rest];
}

/** How many replicas a service has. @throws {Refusal} for what is no number */
export function countOf(project: Project, { name, tree }: Service): number {
  const said = text(get(tree, 'deploy', 'replicas')) ?? text(get(tree, 'scale'));
  if (said === undefined) return 1;
  const value = interpolate(said, project.environment, 'nothing');
  if (!/^\d+$/.test(value) || Number(value) > MOST)
    throw new Refusal('replicas', `service ${name} has "${value}" replicas; accepted is a number up to ${MOST}`);
  return Number(value);
}

/** The setting that makes one container of a service that has several. */
export function oneOf({ tree }: Service): Entry {
  const deploy = get(tree, 'deploy');
  if (get(deploy, 'replicas') !== undefined) return { deploy: { ...(toValue(deploy) as Entry), replicas: 1 } };
  return get(tree, 'scale') === undefined ? {} : { scale: 1 };
}

/** Whether a second container can publish it too: the engine chooses the port, or chooses one of a range. */
function canRepeat({ environment }: Project, item: Tree): boolean {
  const fields = item.kind === 'map' ? [text(get(item, 'published')) ?? '', ''] : mountFields(text(item) ?? '');
  const host = interpolate(fields.at(-2) ?? '', environment, 'nothing');
  const target = interpolate(fields.at(-1) ?? '', environment, 'nothing').split('/')[0]!;
  return host === '' || (host.includes('-') && !target.includes('-'));
}

/** A copy stands in the written file, so its relative paths begin at the project's folder. */
function requireOneFolder(project: Project, { name, tree }: Service): void {
  const walk = (at: Tree): boolean =>
    project.folderOf(at.at) === project.folder &&
    (at.kind === 'scalar' || (at.kind === 'seq' ? at.items : [...at.entries.values()]).every(walk));
  if (!walk(tree))
    throw new Refusal(
      'replicas',
      `service ${name} has replicas, and a part of it is in another folder, from which its paths begin: write it in the project's own file`,
    );
}
