/** The groups of a compose project: services that share namespaces, or a volume for a helper's sake. */
import { serviceFacts } from '../compose/facts.ts';
import type { Project, Service } from '../compose/project.ts';
import { entries, get, isTrue, items, text, texts } from '../yaml/tree.ts';
import type { Evidence, Group, Member, Note, Role, Warning } from './model/answer.ts';
import { connected, joinsOf, type ExternalJoin, type Join } from './compose-joins.ts';
import { volumeLinks, type VolumeLink } from './compose-volumes.ts';
import { composeWarnings, dependsOn, localhostNotes, socketWarning } from './compose-warnings.ts';
import { basename, type Facts } from './model/facts.ts';
import { membersOf } from './pod-members.ts';
import { APP_NAME } from './roles/hints.ts';
import { judge } from './roles/score.ts';

/** How much it says that a container joins another's namespace. */
const JOINS = 0.3;

/** @returns the project's groups, and what is worth a note outside of them */
export function composeGroups(project: Project, minConfidence: number): { groups: Group[]; notes: Note[] } {
  const services = [...project.services.values()];
  const ended = new Set(services.flatMap((service) => waitsForEnd(service)));
  const facts = new Map(
    services.map((service) => [service.name, serviceFacts(service, project.folder, ended.has(service.name))]),
  );
  const { joins, external } = joinsOf(project);
  const pods = connected(
    project.services.keys(),
    joins.map(({ from, to }) => [from, to] as const),
  );
  const links = withinOnePod(
    volumeLinks([...facts.values()], minConfidence, (waiter, name) =>
      waitsForEnd(project.services.get(waiter)!).includes(name),
    ),
    pods,
  );
  const pairs = [
    ...joins.map(({ from, to }) => [from, to] as const),
    ...links.map(({ helper, app }) => [helper, app] as const),
  ];
  const groups = connected(project.services.keys(), pairs).map((names) => {
    const own = joins.filter(({ from }) => names.includes(from));
    const shared = links.filter(({ helper }) => names.includes(helper));
    const members = names.map((name) => facts.get(name)!);
    return groupOf(project, members, own, [...new Set(shared.map(({ volume }) => volume))], minConfidence);
  });
  const grouped = new Set(groups.flatMap((group) => group.containers.map(({ name }) => name)));
  const alone = external.filter(({ service }) => !grouped.has(service));
  const notes = localhostNotes([...facts.values()].filter(({ name }) => !grouped.has(name)));
  notes.push(
    ...project.remote.map(({ path, at }): Note => ({
      code: 'remote-include',
      level: 'note',
      ...at,
      message: `includes ${path}, which docker compose fetches: its services are not looked at`,
    })),
    ...services.flatMap((service) => hookNotes(service)),
    ...services
      .filter(({ name, tree }) => !grouped.has(name) && isTrue(get(tree, 'use_api_socket')))
      .flatMap(({ name }) => socketWarning(project, facts.get(name)!)),
  );
  return {
    groups: [
      ...groups.map((group) => withExternal(group, external)),
      ...alone.map((join) => aloneGroup(project, facts.get(join.service)!, join, minConfidence)),
    ],
    notes,
  };
}

const HOOKS = [
  ['pre_start', 'before', 'starts, containers of its own end'],
  ['post_start', 'after', 'started, commands run in its container'],
  ['pre_stop', 'before', 'stops, commands run in its container'],
] as const;

/** What compose runs around a service, in no service of the file (Compose Specification, "pre_start" and further). */
function hookNotes({ name, tree }: Service): Note[] {
  return HOOKS.flatMap(([key, when, what]): Note[] => {
    const steps = items(get(tree, key));
    const [first] = steps;
    if (first === undefined) return [];
    const code = key.replace('_', '-');
    const message = `${when} ${name} ${what}: ${key} has ${steps.length} of them`;
    const privileged = steps.filter((step) => isTrue(get(step, 'privileged')));
    return [
      { code, level: 'note', ...get(tree, key)!.at, message },
      ...privileged.map(({ at }): Note => ({
        code: 'privileged',
        level: 'warning',
        ...at,
        message: `${key} of ${name} is privileged: it can do on the host what root can`,
      })),
    ];
  });
}

/**
 * Links that do not make one group of several pods: a service that fills the volumes of three pods is
 * nobody's sidecar, and two pods that share a volume stay two.
 */
function withinOnePod(links: readonly VolumeLink[], pods: readonly (readonly string[])[]): VolumeLink[] {
  const podOf = (name: string): number => pods.findIndex((names) => names.includes(name));
  return links.filter(({ helper, app }) => {
    const own = podOf(helper);
    if (own !== -1) return podOf(app) === own;
    const reached = new Set(links.filter((link) => link.helper === helper).map((link) => podOf(link.app)));
    reached.delete(-1);
    return reached.size < 2 && (reached.size === 0 || podOf(app) !== -1);
  });
}

/** Services whose end this one waits for. */
export function waitsForEnd({ tree }: Service): string[] {
  return entries(get(tree, 'depends_on')).flatMap(([name, requested]) =>
    text(get(requested, 'condition')) === 'service_completed_successfully' ? [name] : [],
  );
}

function groupOf(
  project: Project,
  members: readonly Facts[],
  joins: readonly Join[],
  volumes: readonly string[],
  minConfidence: number,
): Group {
  const owner = ownerOf(joins);
  const network = joins.some(({ namespace }) => namespace === 'network');
  const gateway = members.some((facts) => facts.name === owner && (isPause(facts) || isGateway(facts, members)));
  const further = (facts: Facts): Evidence | undefined => {
    // Everybody joins a gateway or a pause, the application too.
    if (gateway) return undefined;
    const join = joins.find(({ from, namespace }) => from === facts.name && namespace !== 'volumes');
    return join && { ...join.at, text: `joins the ${join.namespace} namespace of ${join.to}`, weight: JOINS };
  };
  const judged = membersOf(members, { workload: '', sharesNetwork: network, minConfidence, further });
  const settled = joins.some(({ namespace }) => namespace !== 'volumes')
    ? settle(judged, members, joins, owner)
    : judged;
  const containers = withoutEntryPoints(settled, project, joins);
  const app = containers.find((member) => member.class === 'app');
  return {
    source: project.source,
    workload: { kind: 'Compose', name: app?.name ?? owner ?? members[0]!.name },
    ...(owner !== undefined && { owner }),
    shares: {
      network,
      pid: joins.some(({ namespace }) => namespace === 'pid'),
      ipc: joins.some(({ namespace }) => namespace === 'ipc'),
      volumes: volumes.length > 0 ? volumes : inheritedVolumes(members, joins),
    },
    containers,
    warnings: composeWarnings(project, members, containers, joins, owner),
  };
}

/** A proxy of this number of services is an entry point, and no sidecar. */
const MANY = 3;

/** Proxies that many services stand behind are peers: those that join it, and those that it says it needs. */
function withoutEntryPoints(members: readonly Member[], project: Project, joins: readonly Join[]): Member[] {
  return members.map((member) => {
    if (member.class !== 'sidecar' || !ENTRY.has(member.role)) return member;
    const { tree } = project.services.get(member.name)!;
    const behind = new Set([
      ...joins.flatMap(({ from, to, namespace }) => (to === member.name && namespace === 'network' ? [from] : [])),
      ...dependsOn(project, member.name),
      ...texts(get(tree, 'links')).map((link) => link.split(':')[0]!),
    ]);
    return behind.size < MANY ? member : { ...member, class: 'peer' };
  });
}

const ENTRY = new Set<Role>(['proxy', 'tls', 'auth', 'cache']);

/** The service that most joins lead to, directly or through others. */
function ownerOf(joins: readonly Join[]): string | undefined {
  const namespaces = joins.filter(({ namespace }) => namespace !== 'volumes');
  const joiners = new Set(namespaces.map(({ from }) => from));
  const counts = new Map<string, number>();
  for (const { to, namespace } of namespaces)
    counts.set(to, (counts.get(to) ?? 0) + (joiners.has(to) ? 0 : 10) + (namespace === 'network' ? 2 : 1));
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

const GATEWAY = new Set(['vpn', 'proxy', 'tls', 'auth', 'mesh-proxy']);
const DATABASE =
  /^(postgres|postgis|mysql|mariadb|mongo|mongodb|redis|valkey|mssql|cassandra|elasticsearch|opensearch|rabbitmq|timescaledb|pgvector|couchdb|neo4j)/;
const NOTHING = /(^|\s)(sleep\s+(infinity|inf|\d{5,})|tail\s+-[fF]\s+\/dev\/null|pause|cat|tini\s+--\s+sleep.*)$/;

/** What joining says beyond what each container says of itself. */
function settle(
  judged: readonly Member[],
  members: readonly Facts[],
  joins: readonly Join[],
  owner: string | undefined,
): Member[] {
  const joiners = new Set(joins.filter(({ namespace }) => namespace !== 'volumes').map(({ from }) => from));
  const factsOf = (name: string) => members.find((facts) => facts.name === name)!;
  const own = judged.find(({ name }) => name === owner);
  const withPause = judged.map((member) =>
    member.name === owner && isPause(factsOf(member.name))
      ? { ...member, class: 'pause' as const, role: 'pause' as const, confidence: 0.9 }
      : member,
  );
  const pause = withPause.some((member) => member.class === 'pause');
  const gateway = own !== undefined && own.class !== 'app' && GATEWAY.has(own.role);
  if (gateway || pause) return relabel(withPause, members, pause);
  const helpers = judged.filter((member) => member.class !== 'app');
  if (helpers.length > 0 || own === undefined) return withPause;
  // Nobody says what he is: who joins helps, unless he is plainly the application.
  const database = DATABASE.test(basename(factsOf(own.name).image?.text ?? ''));
  return judged.map((member) => {
    if (!joiners.has(member.name)) return database ? { ...member, class: 'peer' as const } : member;
    if (database || (APP_NAME.test(member.name) && !APP_NAME.test(own.name))) return member;
    const join = joins.find(({ from }) => from === member.name)!;
    const evidence = [{ ...join.at, text: `joins the ${join.namespace} namespace of ${join.to}`, weight: JOINS }];
    return { ...member, class: 'sidecar' as const, role: 'unknown' as const, confidence: 0.5, evidence };
  });
}

/** Under a gateway or a pause, everything that does not plainly help is the application. */
function relabel(judged: readonly Member[], members: readonly Facts[], pause: boolean): Member[] {
  const apps = judged.filter((member) => member.class === 'app');
  if (apps.length > 0) return [...judged];
  const helpers = judged.filter((member) => member.class === 'sidecar').toSorted((a, b) => a.confidence - b.confidence);
  const least = pause ? helpers[0] : (helpers.find((member) => !GATEWAY.has(member.role)) ?? helpers[0]);
  return judged.map((member) =>
    member === least && members.length > 1 ? { ...member, class: 'app', role: 'app', evidence: [] } : member,
  );
}

/** A way into a private network, which others join. */
function isGateway(facts: Facts, members: readonly Facts[]): boolean {
  const { role, confidence } = judge(
    facts,
    members.filter((other) => other !== facts),
    false,
  );
  return role === 'vpn' && confidence >= 0.6;
}

/** Whether a container only holds namespaces that others join. */
export function isPause(facts: Facts): boolean {
  if (facts.labels.get('dev.sidecar-stacks.role')?.text === 'pod') return true;
  const image = basename(facts.image?.text ?? '');
  if (/^(pause(-\w+)?|sandbox-pause)$/.test(image)) return true;
  return (
    facts.build === undefined &&
    facts.command !== undefined &&
    NOTHING.test(facts.command.text.trim()) &&
    /^(alpine|busybox|debian|ubuntu|scratch|distroless)/.test(image)
  );
}

function inheritedVolumes(members: readonly Facts[], joins: readonly Join[]): string[] {
  const sources = joins.filter(({ namespace }) => namespace === 'volumes').map(({ to }) => to);
  const inherited = members
    .filter(({ name }) => sources.includes(name))
    .flatMap(({ mounts }) => mounts.map(({ source, target }) => source ?? target));
  const counts = new Map<string, number>();
  for (const { mounts } of members)
    for (const source of new Set(mounts.map((mount) => mount.source)))
      if (source !== undefined && !/\.sock$|^\/etc\//.test(source)) counts.set(source, (counts.get(source) ?? 0) + 1);
  return [...new Set([...inherited, ...[...counts].filter(([, count]) => count > 1).map(([source]) => source)])];
}

function externalWarning({ service, container, at }: ExternalJoin): Warning {
  return {
    code: 'joins-external-container',
    level: 'warning',
    ...at,
    message: `${service} joins the container ${container}, which these files do not start: when it is replaced, ${service} keeps the dead namespace, and compose does not know the order`,
  };
}

function withExternal(group: Group, external: readonly ExternalJoin[]): Group {
  const own = external.filter(({ service }) => group.containers.some(({ name }) => name === service));
  return own.length === 0 ? group : { ...group, warnings: [...group.warnings, ...own.map(externalWarning)] };
}

/** A service that joins a container of elsewhere: half a group, of which the other half is not seen. */
function aloneGroup(project: Project, facts: Facts, join: ExternalJoin, minConfidence: number): Group {
  const [member] = membersOf([facts], { workload: facts.name, sharesNetwork: true, minConfidence });
  const mode = texts(get(project.services.get(facts.name)!.tree, 'network_mode'))[0] ?? '';
  return {
    source: project.source,
    workload: { kind: 'Compose', name: facts.name },
    shares: { network: mode.startsWith('container:'), pid: false, ipc: false, volumes: [] },
    containers: [member!],
    warnings: [externalWarning(join)],
  };
}
