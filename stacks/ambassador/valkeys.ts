/** The servers behind the ambassador, looked at themselves. */
import type { Driver } from '../../scripts/lib/driver.ts';

export const VALKEYS = ['valkey-a', 'valkey-b', 'valkey-c'] as const;

/** Ask one of them. @returns what valkey-cli prints */
export async function valkey(project: Driver, server: string, ...command: readonly string[]): Promise<string> {
  return (await project.exec(server, ['valkey-cli', ...command])).trim();
}

/** How many keys each has. */
export async function keysOfEach(project: Driver): Promise<number[]> {
  return await Promise.all(VALKEYS.map(async (server) => Number(await valkey(project, server, 'DBSIZE'))));
}
