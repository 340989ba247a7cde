/** One process in detail, as far as this user is allowed to look. */
import { readdirSync, readlinkSync } from 'node:fs';
import { readBounded } from './bounded.ts';
import { parseLimits, type Limit } from './limits.ts';
import { printable } from './printable.ts';
import { DENIED, why } from './reader.ts';
import { parseInetSockets, parseUnixSockets, type Socket } from './sockets.ts';

export interface Namespace {
  readonly name: string;
  /** The namespace's inode: what is the same is shared. */
  readonly inode: number;
  /** Is it ours, too? */
  readonly shared: boolean;
}

/** Null is what may not be read. */
export interface Details {
  readonly limits: readonly Limit[] | null;
  readonly namespaces: readonly Namespace[] | null;
  readonly sockets: readonly Socket[] | null;
}

/** Most bytes of one table of sockets. */
const TABLE = 4 * 1024 * 1024;
const MOST_FILES = 10_000;
const MOST_SOCKETS = 500;

/**
 * Look at one process.
 * @param pid its id; what is gone meanwhile is empty
 */
export function readDetails(pid: number, proc = '/proc'): Details {
  const directory = `${proc}/${pid}`;
  return {
    limits: allowed(() => parseLimits(readBounded(`${directory}/limits`, TABLE)!.toString('latin1'))),
    namespaces: allowed(() => readNamespaces(directory, proc)),
    sockets: allowed(() => readSockets(directory)),
  };
}

/** What `read` gives: nothing of a process that is gone, null where the kernel says no. */
function allowed<T>(read: () => T[]): T[] | null {
  try {
    return read();
  } catch (error) {
    return why(error) === DENIED ? null : [];
  }
}

function readNamespaces(directory: string, proc: string): Namespace[] {
  return readdirSync(`${directory}/ns`)
    .filter((name) => !name.endsWith('_for_children'))
    .map((name) => {
      const inode = inodeOf(`${directory}/ns/${name}`);
      return { name, inode, shared: inode === inodeOf(`${proc}/self/ns/${name}`) };
    });
}

/** `net:[4026531840]` → 4026531840. */
const inodeOf = (link: string): number => Number(/\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? 0);

function readSockets(directory: string): Socket[] {
  const inodes = new Set<number>();
  for (const file of readdirSync(`${directory}/fd`).slice(0, MOST_FILES)) {
    const inode = socketInode(`${directory}/fd/${file}`);
    if (inode !== undefined) inodes.add(inode);
  }
  if (inodes.size === 0) return [];
  const table = (name: string): string => {
    try {
      return readBounded(`${directory}/net/${name}`, TABLE)?.toString('latin1') ?? '';
    } catch {
      // A kernel without IPv6 has no such table.
      return '';
    }
  };
  return [
    ...(['tcp', 'tcp6', 'udp', 'udp6'] as const).flatMap((protocol) => parseInetSockets(table(protocol), protocol)),
    ...parseUnixSockets(table('unix')).map((socket) => ({ ...socket, local: printable(socket.local) })),
  ]
    .filter(({ inode }) => inodes.has(inode))
    .slice(0, MOST_SOCKETS);
}

/** The inode of the socket behind a file descriptor; undefined for another file, or one just closed. */
function socketInode(link: string): number | undefined {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
    return inode === undefined ? undefined : Number(inode);
  } catch (error) {
    if (why(error) === DENIED) throw error;
    return undefined;
  }
}
