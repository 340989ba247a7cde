/** What the ambassador keeps on disk: which servers hold the keys. */
import { MAX_SERVERS, MEMBER, type ShardMember } from '../ring/members.ts';

export interface State {
  /** Every key is on one of these... */
  readonly servers: readonly ShardMember[];
  /** ... or has moved to one of these. */
  readonly adding: readonly ShardMember[];
}

/** Read it. @throws {Error} for what this program did not write */
export function readState(text: string): State {
  const { servers, adding } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const all = [...membersOf(servers), ...membersOf(adding)];
  if (!(servers as unknown[]).length || all.length > MAX_SERVERS) throw new Error(`${all.length} servers`);
  if (new Set(all.map(({ name }) => name)).size < all.length) throw new Error('two servers have one name');
  return { servers: servers as State['servers'], adding: adding as State['adding'] };
}

function membersOf(value: unknown): readonly ShardMember[] {
  if (!Array.isArray(value)) throw new Error('no list of servers');
  const wrong: unknown = value.find((each) => !isMember(each));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong).slice(0, 80)} is no server`);
  return value as ShardMember[];
}

function isMember(value: unknown): boolean {
  const { host, port, weight, name } = (value ?? {}) as Record<string, unknown>;
  return (
    [port, weight].every((each) => Number.isInteger(each)) &&
    typeof name === 'string' &&
    MEMBER.test(`${host as string}:${port as number}:${weight as number} ${name}`)
  );
}
