/** The servers behind the ambassador, looked at themselves. */
import { RespClient } from '#kit/testing/resp-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import { Ring, type Member, type RingOptions } from '../../../sidecars/ambassador/src/ring/ring.ts';

export const VALKEYS = ['valkey-a', 'valkey-b', 'valkey-c'] as const;
export const MEMBERS: readonly Member[] = ['a', 'b', 'c'].map((name) => ({ name, weight: 1 }));
export const PLACING: RingOptions = { hash: 'fnv1a_64', distribution: 'ketama', hashTag: '{}' };

/** Ask one of them. @returns what valkey-cli prints */
export async function valkey(project: Driver, server: string, ...command: readonly string[]): Promise<string> {
  return (await project.exec(server, ['valkey-cli', ...command])).trim();
}

/** The keys that each has. */
export async function keysOfEach(project: Driver, pattern: string): Promise<string[][]> {
  const texts = await Promise.all(VALKEYS.map((server) => valkey(project, server, 'KEYS', pattern)));
  return texts.map((text) => text.split('\n').filter((line) => line !== ''));
}

/** The key of a server, by its place: so that what is done to it concerns that one alone. */
export function keyOf(server: number, prefix: string): string {
  const ring = new Ring(MEMBERS, PLACING);
  for (let index = 0; ; index++) {
    const key = `${prefix}:{${index}-${index * 7919}}`;
    const bytes = Buffer.from(key);
    if (ring.owner(bytes, 0, bytes.length) === server) return key;
  }
}

/** A client of an ambassador that answers, with all of its servers. */
export async function clientOf(port: number): Promise<RespClient> {
  return await eventually('the ambassador answers', async () => {
    const client = await RespClient.to(port);
    const size = await client.ask('DBSIZE').catch(() => undefined);
    if (typeof size === 'number') return client;
    client.close();
    return undefined;
  });
}
