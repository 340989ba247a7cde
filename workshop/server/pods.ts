/** Boxes and arrows: who shares what with whom, and who talks to whom. */
import { isOurs, joined, portLines, projectOf, roleOf, serviceOf, variable, type Container } from './containers.ts';
import type {
  Arrow,
  ContainerDocument,
  FaultKind,
  FaultOffer,
  PodDocument,
  ProjectDocument,
  Stranded,
} from './document.ts';

export const KINDS = ['net', 'pid', 'ipc'] as const;
export type Kind = (typeof KINDS)[number];

/** Inodes of a container's namespaces; empty where they cannot be read. */
export type Namespaces = Readonly<Partial<Record<Kind, string>>>;

export interface Facts {
  readonly containers: readonly Container[];
  /** By container id. */
  readonly namespaces: ReadonlyMap<string, Namespaces>;
  /** Faults that are on, by container id. */
  readonly faults: ReadonlyMap<string, { readonly kind: FaultKind; readonly until: string }>;
  readonly offers: (container: Container) => readonly FaultOffer[];
}

/** Which projects there are, which of them are shown: ours, and those that were asked for. */
export function chooseProjects(
  containers: readonly Container[],
  wanted: ReadonlySet<string>,
): { shown: string[]; others: string[] } {
  const all = [...Map.groupBy(containers, projectOf)].filter(([name]) => name !== '');
  const isShown = ([name, members]: [string, Container[]]): boolean => wanted.has(name) || members.some(isOurs);
  const names = (entries: [string, Container[]][]): string[] => entries.map(([name]) => name).toSorted();
  return { shown: names(all.filter(isShown)), others: names(all.filter((each) => !isShown(each))) };
}

/** One project as boxes and arrows. */
export function projectDocument(name: string, facts: Facts): ProjectDocument {
  const own = facts.containers.filter((each) => projectOf(each) === name);
  return { name, pods: podsOf(own, facts), arrows: arrowsOf(own) };
}

function podsOf(containers: readonly Container[], facts: Facts): PodDocument[] {
  const volumes = sharedVolumes(containers);
  return groups(containers, facts.namespaces).map((members) => {
    const services = new Set(members.map(serviceOf));
    return {
      id: members[0]!.Id.slice(0, 12),
      shared: members.length < 2 ? [] : KINDS.filter((kind) => shareAll(members, kind, facts.namespaces)),
      containers: members.map((each) => containerDocument(each, facts)),
      volumes: volumes.filter(({ mounted }) => mounted.some((service) => services.has(service))),
    };
  });
}

/** Whether it has processes: one that waits to be restarted counts as running for the engine, and has none. */
const lives = ({ State }: Container): boolean => State.Running && State.Status !== 'restarting';

/** Containers that share a namespace of any kind are one group; the owner of what is shared comes first. */
function groups(containers: readonly Container[], namespaces: Facts['namespaces']): Container[][] {
  const leader = new Map(containers.map(({ Id }) => [Id, Id]));
  const find = (id: string): string => (leader.get(id) === id ? id : find(leader.get(id)!));
  const first = new Map<string, string>();
  const unite = (key: string, id: string): void => {
    const other = first.get(key);
    if (other === undefined) first.set(key, id);
    else leader.set(find(id), find(other));
  };
  for (const container of containers)
    for (const kind of KINDS) {
      const inode = namespaces.get(container.Id)?.[kind];
      // Where inodes cannot be read, what the container was told to join stands for them.
      if (inode !== undefined) unite(inode, container.Id);
      else if (!lives(container) || namespaces.size === 0) {
        const owner = joined(container, kind) ?? container.Id;
        if (leader.has(owner)) leader.set(find(container.Id), find(owner));
        else unite(owner, container.Id);
      }
    }
  const rank = (each: Container): string =>
    `${joined(each, 'net') === undefined ? 0 : 1}${['pod', 'sidecar', 'app'].indexOf(roleOf(each)) + 1 || 4}${serviceOf(each)}`;
  const byRank = (a: Container, b: Container): number => (rank(a) < rank(b) ? -1 : 1);
  return [...Map.groupBy(containers, ({ Id }) => find(Id)).values()]
    .map((members) => members.toSorted(byRank))
    .toSorted((a, b) => alive(b) - alive(a) || byRank(a[0]!, b[0]!));
}

/** How many of them run. */
const alive = (members: readonly Container[]): number => members.filter(lives).length;

function shareAll(members: readonly Container[], kind: Kind, namespaces: Facts['namespaces']): boolean {
  const alive = members.filter(lives);
  const inodes = new Set(alive.map(({ Id }) => namespaces.get(Id)?.[kind] ?? Id));
  return alive.length > 1 && inodes.size === 1;
}

function sharedVolumes(containers: readonly Container[]): { name: string; mounted: string[] }[] {
  const mounts = containers.flatMap((each) =>
    each.Mounts.filter(({ Type, Name }) => Type === 'volume' && Name !== undefined).map(({ Name }) => ({
      name: Name!,
      service: serviceOf(each),
    })),
  );
  return [...Map.groupBy(mounts, ({ name }) => name)]
    .map(([name, all]) => ({ name, mounted: [...new Set(all.map(({ service }) => service))].toSorted() }))
    .filter(({ mounted }) => mounted.length > 1);
}

function containerDocument(container: Container, facts: Facts): ContainerDocument {
  const { State, RestartCount } = container;
  return {
    id: container.Id,
    service: serviceOf(container),
    role: roleOf(container),
    state: State.Paused ? 'paused' : State.Status,
    exitCode: State.Running ? null : State.ExitCode,
    health: State.Health?.Status ?? null,
    restarts: RestartCount,
    ports: portLines(container),
    stranded: strandedOf(container, facts),
    faults: facts.offers(container),
    fault: facts.faults.get(container.Id) ?? null,
  };
}

/** Told to join a network that its owner no longer has: the owner has come back with another one, or not at all. */
function strandedOf(container: Container, { containers, namespaces }: Facts): Stranded | null {
  const ownerId = joined(container, 'net');
  if (ownerId === undefined || !container.State.Running) return null;
  const owner = containers.find(({ Id }) => Id === ownerId);
  if (owner === undefined) return { owner: null };
  if (!owner.State.Running) return { owner: serviceOf(owner), left: null, now: null };
  const [mine, its] = [namespaces.get(container.Id)?.net, namespaces.get(ownerId)?.net];
  if (mine === undefined || its === undefined || mine === its) return null;
  return { owner: serviceOf(owner), left: mine, now: its };
}

/** Variables that say where a sidecar of ours, or anybody's, finds whom it talks to. */
function arrowsOf(containers: readonly Container[]): Arrow[] {
  const running = containers.filter(({ State }) => State.Running);
  return running.flatMap((from) => {
    const inside = variable(from, 'PROXY_PORT');
    const owner = joined(from, 'net');
    const app = running.find(
      (each) => each !== from && roleOf(each) === 'app' && owner !== undefined && samePod(each, from),
    );
    const proxied: Arrow[] =
      inside === undefined || app === undefined
        ? []
        : [{ from: serviceOf(from), to: serviceOf(app), by: `PROXY_PORT=${inside}` }];
    const named = (from.Config.Env ?? []).flatMap((line): Arrow[] => {
      const [, name = '', host = ''] = /^([A-Z][A-Z0-9_]*)=\w+:\/\/(?:[^@/]*@)?([\w.-]+)/.exec(line) ?? [];
      const to = running.find((each) => answersTo(each, host));
      return to === undefined || to === from ? [] : [{ from: serviceOf(from), to: serviceOf(to), by: name }];
    });
    return [...proxied, ...named];
  });
}

const samePod = (one: Container, other: Container): boolean => {
  const [a, b] = [one, other].map((each) => joined(each, 'net') ?? each.Id);
  return a === b;
};

function answersTo(container: Container, host: string): boolean {
  if (host === '') return false;
  return (
    serviceOf(container) === host ||
    Object.values(container.NetworkSettings.Networks).some(
      ({ Aliases, DNSNames }) => (Aliases ?? []).includes(host) || (DNSNames ?? []).includes(host),
    )
  );
}
