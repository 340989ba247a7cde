/**
 * Did the program at the other end take a connection, or only its kernel? A process that is paused or
 * hangs goes on having connections made to it, up to its backlog. In one network namespace with it, as
 * in a pod, the kernel's table tells: a connection that nobody has accepted belongs to no file yet, and
 * has inode 0 there (proc_net_tcp(5)).
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Columns of a line. */
const LOCAL = 1;
const REMOTE = 2;
const INODE = 9;
/** Between two looks, in milliseconds. */
const LOOK = 50;

/**
 * Wait until a connection was accepted.
 * @param socket connected
 * @param within milliseconds
 * @returns false when it was not; undefined where it cannot be told: another machine, another system
 */
export async function isAccepted(socket: Socket, within: number): Promise<boolean | undefined> {
  const { localPort, remotePort } = socket;
  if (localPort === undefined || remotePort === undefined) return undefined;
  for (const deadline = performance.now() + within; ; await pause(LOOK)) {
    const inode = await inodeOf(remotePort, localPort);
    if (inode !== 0) return inode === undefined ? undefined : true;
    if (performance.now() >= deadline) return false;
  }
}

/** The inode of the socket with these ports, seen from its own side; undefined when it is not here. */
async function inodeOf(local: number, remote: number): Promise<number | undefined> {
  const ends = (address: string | undefined, port: number): boolean =>
    address?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`) === true;
  for (const table of TABLES) {
    const text = await readFile(table, 'latin1').catch(() => '');
    for (const line of text.split('\n')) {
      const columns = line.trim().split(/\s+/);
      if (ends(columns[LOCAL], local) && ends(columns[REMOTE], remote)) return Number(columns[INODE]);
    }
  }
  return undefined;
}
