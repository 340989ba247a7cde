/** What is risky about a group of a compose project. */
import type { Project } from '../compose/project.ts';
import { entries, get, isTrue, text, texts } from '../yaml/tree.ts';
import type { Member, Note, Warning } from './model/answer.ts';
import type { Join } from './compose-joins.ts';
import { ENGINE_SOCKET, localTargets, type Facts } from './model/facts.ts';
import { LOG_PATH } from './roles/hints.ts';

export function composeWarnings(
  project: Project,
  facts: readonly Facts[],
  members: readonly Member[],
  joins: readonly Join[],
  owner: string | undefined,
): Warning[] {
  const namespaces = joins.filter(({ namespace }) => namespace !== 'volumes');
  const warnings: Warning[] = [];
  const paused = members.some((member) => member.class === 'pause');
  const replaceable = new Map(namespaces.map((join) => [join.to, join]));
  for (const [name, join] of paused && owner !== undefined ? [] : replaceable) {
    // The host's network outlives every container.
    if (join.namespace === 'network' && text(get(project.services.get(name)?.tree, 'network_mode')) === 'host')
      continue;
    warnings.push({
      code: 'owner-can-be-replaced',
      level: 'warning',
      ...join.at,
      message: `when ${name} is recreated, or crashes and restarts, ${join.from} is stranded in the dead ${join.namespace} namespace (docker/compose#6626); let a service that does nothing own the namespace`,
    });
  }
  const pauses = new Set(members.filter((member) => member.class === 'pause').map(({ name }) => name));
  const pairs = new Map(namespaces.map((join) => [`${join.from} ${join.to}`, join]));
  for (const join of pairs.values()) {
    // Compose starts who is joined first; a pause has no health to wait for.
    if (pauses.has(join.to) && !join.byContainer) continue;
    if (dependsOn(project, join.from).includes(join.to)) continue;
    warnings.push({
      code: 'missing-depends-on',
      level: join.byContainer ? 'warning' : 'note',
      ...join.at,
      message: join.byContainer
        ? `${join.from} joins ${join.to} by its container's name, and nothing says that ${join.to} starts first: add depends_on`
        : `${join.from} starts after ${join.to}, which it joins, but does not wait until it is healthy: add depends_on with a condition`,
    });
  }
  warnings.push(...facts.flatMap((each) => privileges(project, each)));
  warnings.push(...facts.flatMap((each) => localhost(each, facts, members, joins)));
  warnings.push(...logVolumes(facts, members));
  return warnings;
}

/** Services that one says it starts after. */
export function dependsOn(project: Project, name: string): string[] {
  const requested = get(project.services.get(name)?.tree, 'depends_on');
  return requested?.kind === 'map' ? entries(requested).map(([key]) => key) : texts(requested);
}

function privileges(project: Project, facts: Facts): Warning[] {
  const tree = project.services.get(facts.name)!.tree;
  const warnings: Warning[] = [];
  if (facts.privileged)
    warnings.push({
      code: 'privileged',
      level: 'warning',
      ...facts.privileged,
      message: `${facts.name} is privileged: it can do on the host what root can; name the capabilities that it needs`,
    });
  warnings.push(...socketWarning(project, facts));
  if (text(get(tree, 'network_mode')) === 'host')
    warnings.push({
      code: 'host-network',
      level: 'warning',
      ...get(tree, 'network_mode')!.at,
      message: `${facts.name} is in the host's network, not in the group's`,
    });
  if (text(get(tree, 'pid')) === 'host')
    warnings.push({
      code: 'host-pid',
      level: 'warning',
      ...get(tree, 'pid')!.at,
      message: `${facts.name} sees every process of the host`,
    });
  return warnings;
}

/** Who may speak to the engine, by a mount or by `use_api_socket`. */
export function socketWarning(project: Project, facts: Facts): Warning[] {
  const asked = get(project.services.get(facts.name)!.tree, 'use_api_socket');
  const socket = facts.mounts.find(({ source }) => source !== undefined && ENGINE_SOCKET.test(source));
  const at = socket?.at ?? (isTrue(asked) ? asked!.at : undefined);
  if (!at) return [];
  return [
    {
      code: 'docker-socket',
      level: 'warning',
      ...at,
      message: `${facts.name} has the engine's socket, and with it the host`,
    },
  ];
}

/** A container whose network nobody else shares is told to speak to somebody on localhost. */
function localhost(facts: Facts, all: readonly Facts[], members: readonly Member[], joins: readonly Join[]): Warning[] {
  const member = members.find(({ name }) => name === facts.name);
  if (!member || member.class === 'app' || member.class === 'peer') return [];
  if (joins.some(({ from, to, namespace }) => namespace === 'network' && (from === facts.name || to === facts.name)))
    return [];
  const ports = new Set(all.filter((other) => other !== facts).flatMap((other) => other.ports));
  const target = localTargets(facts).find(
    ({ port, said }) =>
      port !== undefined && !facts.ports.includes(port) && (ports.has(port) || UPSTREAM.test(said.text)),
  );
  return target ? [localhostWarning(facts, target.port, target.said.at)] : [];
}

const UPSTREAM = /(upstream|target|backend|proxy[-_]?pass|scrape[-_]?uri|reload-url|forward|addr)/i;

const localhostWarning = (
  facts: Facts,
  port: number | undefined,
  at: Warning | { file: string; line: number },
): Warning => ({
  code: 'localhost-without-shared-network',
  level: 'warning',
  file: at.file,
  line: at.line,
  message: `${facts.name} is told to reach localhost:${port}, but shares its network with nobody: that port is its own; name the service, or join its network`,
});

/** The same mistake of services that share nothing at all, as notes: there is no group to hang it on. */
export function localhostNotes(services: readonly Facts[]): Note[] {
  return services.flatMap((facts) => {
    const words = localTargets({ ...facts, env: new Map(), configuration: [] });
    const target = words.find(
      ({ port, said }) =>
        port !== undefined &&
        !facts.ports.includes(port) &&
        /(^|-)(-upstream|-target|-backend|-forward|-scrape-uri|nginx\.scrape-uri|redis\.addr)\b/.test(said.text),
    );
    return target
      ? [{ ...localhostWarning(facts, target.port, target.said.at), code: 'localhost-without-shared-network' }]
      : [];
  });
}

/** A shipper reads a log that lies in no volume that anybody else writes. */
export function logVolumes(facts: readonly Facts[], members: readonly Member[]): Warning[] {
  return members.flatMap((member) => {
    if (member.role !== 'log-shipper' || member.class === 'app') return [];
    const own = facts.find(({ name }) => name === member.name)!;
    const said = own.words.find(({ text: word }) => FILE.test(word));
    const path = said && FILE.exec(said.text)![1]!;
    if (!said || path === undefined || !LOG_PATH.test(path)) return [];
    const mount = own.mounts.find(({ target }) => path === target || path.startsWith(`${target.replace(/\/$/, '')}/`));
    if (mount?.kind === 'bind') return [];
    const shared =
      mount && facts.some((other) => other !== own && other.mounts.some(({ source }) => source === mount.source));
    if (shared) return [];
    return [
      {
        code: 'log-volume-not-shared',
        level: 'warning',
        ...said.at,
        message: `${member.name} reads ${path}, which lies in no volume that another container of the group writes`,
      } as const,
    ];
  });
}
const FILE = /(?:^|\s)(\/[\w./*-]+)/;
