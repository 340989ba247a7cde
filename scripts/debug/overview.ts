/** A running stack as one page of text, at most 80 columns where names allow. */
import { serviceOf } from '../lib/compose.ts';
import { KINDS, type Facts, type Socket } from './facts.ts';
import { adminPort, ROLE_LABEL, type Container, type Pod, type RunningStack } from './pods.ts';

/**
 * The picture of a stack.
 * @param facts of each pod, by its owner's id
 * @param now milliseconds since the epoch
 * @returns lines
 */
export function overview(
  stack: string,
  running: RunningStack,
  facts: ReadonlyMap<string, Facts>,
  now = Date.now(),
): string[] {
  const { project, pods, ended } = running;
  return [
    `${stack} · project ${project}`,
    ...pods.flatMap((pod) => podLines(pod, facts.get(pod.owner.Id)!, now)),
    ...(ended.length === 0 ? [] : ['', 'Ended']),
    ...ended.map(
      (each) =>
        `  ${serviceOf(each)}  ${role(each)}, exit code ${each.State.ExitCode}, ${since(each.State.FinishedAt, now)} ago`,
    ),
  ];
}

function podLines(pod: Pod, facts: Facts, now: number): string[] {
  const { owner, members } = pod;
  const address = Object.values(owner.NetworkSettings.Networks)
    .map(({ IPAddress }) => IPAddress)
    .find((each) => each !== '');
  const ports = Object.entries(owner.NetworkSettings.Ports).flatMap(([port, published]) =>
    (published ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} → ${port.replace('/tcp', '')}`),
  );
  return [
    '',
    [`Pod of ${serviceOf(owner)}`, address, ...ports].filter((each) => each !== undefined).join(' · '),
    ...table([
      ['SERVICE', 'ROLE', 'STATE', 'UP', 'RESTARTS'],
      ...members.map((each) => [
        serviceOf(each),
        role(each),
        state(each),
        since(each.State.StartedAt, now),
        String(each.RestartCount),
      ]),
    ]),
    '',
    'Namespaces (the same number is the same namespace)',
    ...table([
      ['SERVICE', ...KINDS.map((kind) => kind.toUpperCase())],
      ...members.map((each) => [
        serviceOf(each),
        ...KINDS.map((kind) => facts.namespaces.get(each.State.Pid)?.[kind] ?? '-'),
      ]),
    ]),
    '',
    'Listening',
    ...table(listening(pod, facts)),
    ...adminLines(members, facts),
  ];
}

function listening(pod: Pod, facts: Facts): string[][] {
  const own = facts.sockets.filter(
    ({ state: now, protocol }) => now === 'LISTEN' || (protocol === 'udp' && now === 'UNCONN'),
  );
  const rows = own.map((socket) => [socket.protocol, socket.local, ownerOf(socket, pod, facts), processOf(socket)]);
  const connected = facts.sockets.filter(({ state: now }) => now === 'ESTAB').length;
  return [...unique(rows), [`and ${connected} connected (--sockets)`]];
}

function adminLines(members: readonly Container[], facts: Facts): string[] {
  const rows = members.flatMap((each) => {
    const port = adminPort(each);
    if (port === undefined) return [];
    const said = (path: string, yes: string, no: string): string =>
      facts.admin.get(`${port} ${path}`)?.status === 200 ? yes : no;
    const words = [
      said('healthz', 'alive', 'does not answer'),
      said('startupz', 'started', 'not started'),
      said('readyz', 'ready', 'not ready'),
    ];
    return [
      [serviceOf(each), `:${port}`, words.join(', ')],
      ...reasons(facts.admin.get(`${port} readyz`)?.body).map((why) => ['', '', why]),
    ];
  });
  return rows.length === 0 ? [] : ['', 'Admin ports', ...table(rows)];
}

/** What /readyz says is missing. */
function reasons(body: string | undefined): string[] {
  try {
    const { checks } = JSON.parse(body ?? '') as { checks: Record<string, { ready: boolean; reason?: string }> };
    return Object.entries(checks).flatMap(([name, { ready, reason }]) => (ready ? [] : [`${name}: ${reason}`]));
  } catch {
    // It did not answer, or not as our sidecars do.
    return [];
  }
}

/**
 * Every socket of a pod.
 * @returns lines
 */
export function socketLines(pod: Pod, facts: Facts): string[] {
  const open = facts.sockets.filter(({ state: now }) => now !== 'TIME-WAIT');
  const rows = open
    .toSorted((a, b) => (a.state + a.local < b.state + b.local ? -1 : 1))
    .map((socket) => [socket.protocol, socket.state, socket.local, socket.peer, ownerOf(socket, pod, facts)]);
  return [
    `Pod of ${serviceOf(pod.owner)}`,
    ...table([['', 'STATE', 'LOCAL', 'PEER', 'SERVICE'], ...rows]),
    `  and ${facts.sockets.length - open.length} that are closed and waited for (TIME-WAIT)`,
  ];
}

/** Where the engine answers DNS in every container. */
const ENGINE_DNS = '127.0.0.11:';

/** The service that a socket belongs to, by the control group of its process. */
function ownerOf({ process, local }: Socket, { members }: Pod, { groups }: Facts): string {
  if (local.startsWith(ENGINE_DNS)) return 'the engine';
  const group = process && groups.get(process.pid);
  const found = group === undefined ? undefined : members.find(({ Id }) => group.includes(Id));
  return found ? serviceOf(found) : '-';
}

const processOf = ({ process }: Socket): string => (process ? `${process.name} (${process.pid})` : '');
const role = ({ Config }: Container): string => Config.Labels[ROLE_LABEL] ?? '-';

function state({ State }: Container): string {
  return State.Health ? `${State.Status}, ${State.Health.Status}` : State.Status;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** How long ago, in the largest unit that has at least two of it. */
export function since(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  const unit = UNITS.find(([, length]) => seconds >= 2 * length);
  return unit ? `${Math.floor(seconds / unit[1])} ${unit[0]}` : `${seconds} s`;
}

const unique = (rows: readonly string[][]): string[][] => [
  ...new Map(rows.map((row) => [row.join(' '), row])).values(),
];

/** Rows in columns as wide as what is in them. */
export function table(rows: readonly (readonly string[])[]): string[] {
  // A row of one cell is a remark, and widens nothing.
  const cells = rows.filter((row) => row.length > 1);
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, at) => (row.length > 1 ? cell.padEnd(widths[at] ?? 0) : cell)).join('  ')}`.trimEnd(),
  );
}
