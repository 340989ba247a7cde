/** Where the application listens, as the kernel knows: no connection is made, so nothing of it is seen by the application. */
import { readFile } from 'node:fs/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Columns of proc_net_tcp(5). */
const LOCAL = 1;
const STATE = 3;
const LISTEN = '0A';
/** The addresses' words as the table has them, in the order of a little-endian machine. */
const IPV4_LOOPBACK: readonly string[] = ['0100007F', '0000000000000000FFFF00000100007F'];
const IPV6_LOOPBACK = '00000000000000000000000001000000';

/**
 * Ports of this network namespace that are listened on.
 * @returns for each the address of loopback to reach it by, where it listens nowhere else; undefined for all others
 */
export async function listeningPorts(
  tables: readonly string[] = TABLES,
): Promise<ReadonlyMap<number, '127.0.0.1' | '::1' | undefined>> {
  const texts = await Promise.all(tables.map((table) => readFile(table, 'utf8').catch(() => '')));
  const found = new Map<number, '127.0.0.1' | '::1' | undefined>();
  for (const line of texts.flatMap((text) => text.split('\n').slice(1))) {
    const columns = line.trim().split(/\s+/);
    if (columns[STATE] !== LISTEN) continue;
    const [address, hex] = columns[LOCAL]!.split(':');
    const port = Number.parseInt(hex!, 16);
    const loopback = loopbackOf(address!);
    if (!found.has(port)) found.set(port, loopback);
    else if (loopback === undefined) found.set(port, undefined);
  }
  return found;
}

/** @param address in the table's words */
function loopbackOf(address: string): '127.0.0.1' | '::1' | undefined {
  if (address === IPV6_LOOPBACK) return '::1';
  return IPV4_LOOPBACK.includes(address) ? '127.0.0.1' : undefined;
}
