/** Whether the application listens, as the kernel knows: no connection is made, so nothing of it is seen by the application. */
import { readFile } from 'node:fs/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Columns of proc_net_tcp(5). */
const LOCAL = 1;
const STATE = 3;
const LISTEN = '0A';

/** Ports of this network namespace that are listened on. */
export async function listeningPorts(tables: readonly string[] = TABLES): Promise<Set<number>> {
  const texts = await Promise.all(tables.map((table) => readFile(table, 'utf8').catch(() => '')));
  const lines = texts.flatMap((text) => text.split('\n').slice(1));
  const columns = lines.map((line) => line.trim().split(/\s+/));
  const open = columns.filter((each) => each[STATE] === LISTEN);
  return new Set(open.map((each) => Number.parseInt(each[LOCAL]!.slice(each[LOCAL]!.lastIndexOf(':') + 1), 16)));
}
