/** What the kernel knows of a pod: the tools image's `facts`, read. */

/** Kinds of namespaces that are told of. */
export const KINDS = ['net', 'pid', 'uts', 'ipc', 'mnt'] as const;
export type Kind = (typeof KINDS)[number];

export interface Socket {
  readonly protocol: string;
  readonly state: string;
  readonly local: string;
  readonly peer: string;
  /** Name and pid of a process that has it; absent where nobody has it any more. */
  readonly process?: { readonly name: string; readonly pid: number };
}

export interface Facts {
  /** Inodes, by pid and kind. */
  readonly namespaces: ReadonlyMap<number, Readonly<Partial<Record<Kind, string>>>>;
  /** The control group of each process, which names its container. */
  readonly groups: ReadonlyMap<number, string>;
  readonly sockets: readonly Socket[];
  /** What an admin port answered, as `PORT path`. */
  readonly admin: ReadonlyMap<string, { readonly status: number; readonly body: string }>;
}

/**
 * Read them; lines that are none are left out.
 * @param text what `facts` printed
 */
export function parseFacts(text: string): Facts {
  const namespaces = new Map<number, Partial<Record<Kind, string>>>();
  const groups = new Map<number, string>();
  const sockets: Socket[] = [];
  const admin = new Map<string, { status: number; body: string }>();
  for (const line of text.split('\n')) {
    const namespace = /^namespace (\d+) (\w+) \w+:\[(\d+)\]$/.exec(line);
    if (namespace) {
      const pid = Number(namespace[1]);
      namespaces.set(pid, { ...namespaces.get(pid), [namespace[2]!]: namespace[3]! });
    }
    const process = /^process (\d+) (.*)$/.exec(line);
    if (process) groups.set(Number(process[1]), process[2]!);
    if (line.startsWith('socket ')) {
      const socket = parseSocket(line.slice('socket '.length));
      if (socket) sockets.push(socket);
    }
    const answer = /^admin (\d+) (\w+) (.*) (\d{3})\s*$/.exec(line);
    if (answer) admin.set(`${answer[1]} ${answer[2]}`, { status: Number(answer[4]), body: answer[3]!.trim() });
  }
  return { namespaces, groups, sockets, admin };
}

/**
 * A line of `ss --no-header --tcp --udp --all --numeric --processes`.
 * @returns undefined when it is none
 */
export function parseSocket(line: string): Socket | undefined {
  const [protocol, state, , , local, peer, users = ''] = line.trim().split(/\s+/);
  if (!protocol || !state || !local?.includes(':') || !peer?.includes(':')) return undefined;
  const [, name, pid] = /^users:\(\("([^"]*)",pid=(\d+),/.exec(users) ?? [];
  return { protocol, state, local, peer, ...(name !== undefined && { process: { name, pid: Number(pid) } }) };
}
