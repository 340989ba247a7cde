/** What the ambassador keeps on disk: which servers hold the keys. */
import { added, MAX_SERVERS, MEMBER, type ShardMember } from '../ring/members.ts';

export interface State {
  /** Every key is on one of these... */
  readonly servers: readonly ShardMember[];
  /** ... or, while keys move, where it belongs with these. */
  readonly target?: readonly ShardMember[];
}

/** Read it, also as versions before 0.6.0 wrote it. @throws {Error} for what this program did not write */
export function readState(text: string): State {
  const { servers, target, adding } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const now = membersOf(servers);
  // Until 0.6.0 servers were added only.
  const next = Array.isArray(adding) && adding.length > 0 ? [...now, ...(adding as unknown[])] : target;
  if (next === undefined) return { servers: now };
  const then = membersOf(next);
  added(now, then);
  return { servers: now, target: then };
}

function membersOf(value: unknown): readonly ShardMember[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SERVERS) throw new Error('no list of servers');
  const wrong: unknown = value.find((each) => !isMember(each));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong).slice(0, 80)} is no server`);
  const members = value as ShardMember[];
  if (new Set(members.map(({ name }) => name)).size < members.length) throw new Error('two servers have one name');
  return members;
}

function isMember(value: unknown): boolean {
  const { host, port, weight, name } = (value ?? {}) as Record<string, unknown>;
  return (
    [port, weight].every((each) => Number.isInteger(each)) &&
    typeof name === 'string' &&
    MEMBER.test(`${host as string}:${port as number}:${weight as number} ${name}`)
  );
}
