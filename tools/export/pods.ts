/** Which services of a compose project make which pod, and in what order they start. */
import { serviceFacts } from '../compose/facts.ts';
import type { Project, Service } from '../compose/project.ts';
import { composeGroups, isPause, waitsForEnd } from '../identify/compose-groups.ts';
import { connected, joinsOf } from '../identify/compose-joins.ts';
import { entries, get, items, text, texts, type Place } from '../yaml/tree.ts';
import type { Findings } from './problems.ts';
import { objectName } from './units.ts';

/** Services that become one pod. */
export interface Pod {
  readonly name: string;
  /** Owns the namespaces, and disappears. */
  readonly pause: Service | undefined;
  /** Those that end and those that stay and start before the applications, in the order of `depends_on`. */
  readonly before: readonly Service[];
  readonly apps: readonly Service[];
  /** Of `before`: those that end. */
  readonly ending: ReadonlySet<string>;
  /** The service that its network, and what is published of it, belongs to. */
  readonly owner: Service;
  /** Names by which others reach it. */
  readonly aliases: readonly { readonly name: string; readonly at: Place }[];
  readonly sharesProcesses: Place | undefined;
  /** Its applications end: a Job. */
  readonly ends: boolean;
  /** Other pods that a service of it waits for. */
  readonly after: readonly string[];
}

/** Every service of a pod, in the order of the containers that they become. */
export const membersOf = (pod: Pod): readonly Service[] => [...pod.before, ...pod.apps];

/** Cut a project into pods. */
export function podsOf(project: Project, findings: Findings): Pod[] {
  const services = [...project.services.values()];
  const { joins, external } = joinsOf(project);
  for (const { service, container, at } of external)
    findings.refuse(
      'external-container',
      at,
      `service ${service} joins container ${container}, which is not of this project: add it as a service, and join it by service:NAME`,
    );
  const network = connected(
    project.services.keys(),
    joins.filter(({ namespace }) => namespace === 'network').map(({ from, to }) => [from, to] as const),
  );
  const networkOf = (name: string): readonly string[] => network.find((names) => names.includes(name)) ?? [name];
  for (const { from, to, namespace, at } of joins)
    if (namespace === 'ipc' && !networkOf(from).includes(to))
      findings.refuse(
        'ipc-across-pods',
        at,
        `service ${from} shares memory with ${to} of another pod: let it join the network of ${to}, too (network_mode: service:${to})`,
      );
    else if (namespace === 'pid' && !networkOf(from).includes(to))
      findings.warn(
        'pid-across-pods',
        at,
        `${from} sees the processes of ${to}: in one pod they share the network, too`,
      );
  const groups = connected(
    project.services.keys(),
    joins.filter(({ namespace }) => namespace !== 'volumes' && namespace !== 'ipc').map(({ from, to }) => [from, to]),
  );
  const home = new Map(services.map(({ name }) => [name, groups.find((names) => names.includes(name))?.[0] ?? name]));
  const awaited = new Set(services.flatMap((service) => waitsForEnd(service)));
  const endsOf = (service: Service): boolean => awaited.has(service.name) || roleOf(service) === 'init';
  moveOneShots(project, home, endsOf, groups.flat());
  const judged = new Map(
    composeGroups(project, 0.5).groups.flatMap(({ containers }) => containers.map((each) => [each.name, each.class])),
  );
  const pods = [...Map.groupBy(services, ({ name }) => home.get(name)!).values()].flatMap((members) => {
    const pause = members.find((each) => isPause(serviceFacts(each, project.folder, false)) && hasJoiner(each, joins));
    const rest = members.filter((each) => each !== pause);
    return rest.length === 0 ? [] : [draft(rest, pause, joins, endsOf, (name) => judged.get(name), findings)];
  });
  return named(pods, home, findings);
}

type Join = ReturnType<typeof joinsOf>['joins'][number];
type Draft = Omit<Pod, 'name' | 'after'>;

const hasJoiner = ({ name }: Service, joins: readonly Join[]): boolean =>
  joins.some(({ to, namespace }) => to === name && namespace !== 'volumes');

const roleOf = ({ tree }: Service): string | undefined => {
  const labels = get(tree, 'labels');
  return labels?.kind === 'seq'
    ? texts(labels)
        .find((line) => line.startsWith('dev.sidecar-stacks.role='))
        ?.split('=')[1]
    : text(get(labels, 'dev.sidecar-stacks.role'));
};

/** Services that one waits for, however. */
export function waitsFor({ tree }: Service): { name: string; at: Place }[] {
  const requested = get(tree, 'depends_on');
  return requested?.kind === 'seq'
    ? items(requested).flatMap((item) => (text(item) === undefined ? [] : [{ name: text(item)!, at: item.at }]))
    : entries(requested).map(([name, { at }]) => ({ name, at }));
}

/** One that ends and that a single pod waits for runs in that pod; one that several wait for stays alone, as a Job. */
function moveOneShots(
  project: Project,
  home: Map<string, string>,
  endsOf: (service: Service) => boolean,
  joined: readonly string[],
): void {
  const services = [...project.services.values()];
  const alone = services.filter((each) => endsOf(each) && !joined.includes(each.name));
  for (let moved = true; moved;) {
    moved = false;
    for (const { name } of alone) {
      if (home.get(name) !== name) continue;
      const waiting = services.filter((each) => each.name !== name && waitsForEnd(each).includes(name));
      const [only, ...others] = new Set(waiting.map((each) => home.get(each.name)!));
      if (only === undefined || others.length > 0 || only === name) continue;
      // What needs its future pod to run before it would wait for ever.
      const needs = waitsFor(project.services.get(name)!).map((each) => each.name);
      if (needs.some((each) => home.get(each) === only && !endsOf(project.services.get(each)!))) continue;
      for (const [member, at] of home) if (at === name) home.set(member, only);
      moved = true;
    }
  }
}

function draft(
  members: readonly Service[],
  pause: Service | undefined,
  joins: readonly Join[],
  endsOf: (service: Service) => boolean,
  judged: (name: string) => string | undefined,
  findings: Findings,
): Draft {
  const lasting = members.filter((each) => !endsOf(each));
  const needed = new Set(lasting.flatMap((each) => waitsFor(each).map(({ name }) => name)));
  const helps = (each: Service): boolean => {
    const role = roleOf(each) ?? judged(each.name);
    return role === 'sidecar' || role === 'native-sidecar' || needed.has(each.name);
  };
  let apps = lasting.filter((each) => !helps(each));
  // A pod of helpers alone: those that nobody waits for are what it is for.
  if (apps.length === 0) apps = lasting.filter((each) => !needed.has(each.name));
  if (apps.length === 0) apps = lasting.length > 0 ? lasting.slice(-1) : members.slice(-1);
  const before = ordered(members.filter((each) => !apps.includes(each)));
  for (const each of before)
    for (const { name, at } of waitsFor(each))
      if (apps.some((app) => app.name === name))
        findings.warn(
          'sidecar-after-app',
          at,
          `${each.name} waits for ${name}, and starts before it in Kubernetes: it has to try until ${name} answers`,
        );
  const owner = pause ?? members.find((each) => hasJoiner(each, joins)) ?? apps[0]!;
  const lastsAlone = (each: Service): boolean => {
    const restart = text(get(each.tree, 'restart')) ?? '';
    return !endsOf(each) && !/^(no|on-failure(:\d+)?|false)$/.test(restart);
  };
  const pid = joins.find(({ from, namespace }) => namespace === 'pid' && members.some(({ name }) => name === from));
  return {
    pause,
    before,
    apps,
    ending: new Set(before.filter(endsOf).map(({ name }) => name)),
    owner,
    aliases: aliasesOf(owner),
    sharesProcesses: pid?.at,
    ends: !apps.some(lastsAlone),
  };
}

/** By depends_on, and otherwise as they stand in the file. */
function ordered(services: readonly Service[]): Service[] {
  const left = [...services];
  const done: Service[] = [];
  while (left.length > 0) {
    const next = left.findIndex((each) => {
      const needs = new Set(waitsFor(each).map(({ name }) => name));
      return !left.some((other) => other !== each && needs.has(other.name));
    });
    done.push(...left.splice(Math.max(next, 0), 1));
  }
  return done;
}

function aliasesOf({ name, tree, at }: Service): Pod['aliases'] {
  if (text(get(tree, 'network_mode')) === 'none') return [];
  const networks = entries(get(tree, 'networks')).flatMap(([, network]) =>
    items(get(network, 'aliases')).flatMap((item) =>
      text(item) === undefined ? [] : [{ name: text(item)!, at: item.at }],
    ),
  );
  const all = [{ name, at }, ...networks];
  return all.filter((each, index) => all.findIndex((other) => other.name === each.name) === index);
}

/** Names, and which pod waits for which. */
function named(drafts: readonly Draft[], home: ReadonlyMap<string, string>, findings: Findings): Pod[] {
  const taken = new Set<string>();
  const names = drafts.map(({ pause, apps }) => {
    const own = pause?.name.replace(/-?(pod|pause)$/, '');
    const requested = objectName(own === undefined || own === '' ? apps[0]!.name : own);
    let name = requested;
    for (let count = 2; taken.has(name); count++) name = `${requested}-${count}`;
    taken.add(name);
    return name;
  });
  const indexOf = (service: string): number =>
    drafts.findIndex((each) => home.get(each.apps[0]!.name) === home.get(service));
  return drafts.map((each, index) => {
    const members = [...(each.pause ? [each.pause] : []), ...each.before, ...each.apps];
    const after = new Set<string>();
    for (const member of members)
      for (const { name, at } of waitsFor(member)) {
        const other = indexOf(name);
        if (other === index || other === -1) continue;
        after.add(names[other]!);
        findings.warn(
          'order-of-pods',
          at,
          `${member.name} waits for ${name} of another pod, and Kubernetes starts pods in no order: ${member.name} has to try until it finds what it needs`,
        );
      }
    for (const { name, at } of each.ends ? [] : each.aliases)
      if (objectName(name) !== name)
        findings.warn(
          'service-name',
          at,
          `${name} cannot be a Service's name: others find it as ${objectName(name)}, so say that where they are told its name`,
        );
    return { ...each, name: names[index]!, after: [...after] };
  });
}
