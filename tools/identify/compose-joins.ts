/** Who joins whose namespaces in a compose project. */
import type { Project, Service } from '../compose/project.ts';
import { get, items, text, type Place } from '../yaml/tree.ts';

export type Namespace = 'network' | 'pid' | 'ipc';

export interface Join {
  readonly from: string;
  readonly to: string;
  readonly namespace: Namespace | 'volumes';
  /** By `container:`, for which compose adds no order of its own. */
  readonly byContainer: boolean;
  readonly at: Place;
}

export interface ExternalJoin {
  readonly service: string;
  readonly container: string;
  readonly at: Place;
}

const KEYS: readonly (readonly [string, Namespace])[] = [
  ['network_mode', 'network'],
  ['pid', 'pid'],
  ['ipc', 'ipc'],
];

/** Every join of the project, and those that lead out of it. */
export function joinsOf(project: Project): { joins: Join[]; external: ExternalJoin[] } {
  const containers = new Map(
    [...project.services.values()].flatMap(({ name, tree }) => {
      const container = text(get(tree, 'container_name'));
      return container === undefined ? [] : [[container, name] as const];
    }),
  );
  const joins: Join[] = [];
  const external: ExternalJoin[] = [];
  for (const service of project.services.values()) {
    for (const { mode, namespace, at } of modesOf(service)) {
      const [kind, name] = split(mode);
      if (kind === undefined || name === undefined) continue;
      const to = kind === 'service' ? name : containers.get(name);
      if (to !== undefined && project.services.has(to) && to !== service.name)
        joins.push({ from: service.name, to, namespace, byContainer: kind === 'container', at });
      else if (kind === 'container' && to === undefined) external.push({ service: service.name, container: name, at });
    }
  }
  return { joins, external };
}

function modesOf({ tree }: Service): { mode: string; namespace: Namespace | 'volumes'; at: Place }[] {
  const modes = KEYS.flatMap(([key, namespace]) => {
    const value = get(tree, key);
    const mode = text(value);
    return mode === undefined ? [] : [{ mode, namespace, at: value!.at }];
  });
  const volumes = items(get(tree, 'volumes_from')).flatMap((item) => {
    const line = text(item)?.replace(/:(ro|rw)$/, '');
    if (line === undefined) return [];
    return [
      { mode: line.startsWith('container:') ? line : `service:${line}`, namespace: 'volumes' as const, at: item.at },
    ];
  });
  return [...modes, ...volumes];
}

function split(mode: string): [string | undefined, string | undefined] {
  const match = /^(service|container):(.+)$/.exec(mode.trim());
  return [match?.[1], match?.[2]?.trim()];
}

/** Sets of names that are connected, each in the order of first appearance. */
export function connected(names: Iterable<string>, links: readonly (readonly [string, string])[]): string[][] {
  const parent = new Map<string, string>();
  const root = (name: string): string => {
    let at = name;
    while (parent.has(at)) at = parent.get(at)!;
    return at;
  };
  for (const [a, b] of links) {
    const [x, y] = [root(a), root(b)];
    if (x !== y) parent.set(x, y);
  }
  const linked = new Set(links.flat());
  return [
    ...Map.groupBy(
      [...names].filter((name) => linked.has(name)),
      root,
    ).values(),
  ];
}
