/** Lists of servers, as nutcracker's configuration has them. */

export interface ShardMember {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** What decides which keys are its own. */
  readonly name: string;
}

/** Most servers that a cursor of SCAN has room for. */
export const MAX_SERVERS = 1024;
/** One server. */
export const MEMBER = /^[\w.-]+:\d{1,5}(:\d{1,6})?( [\w.:-]+)?$/;

/** @param text `host:port`, `host:port:weight`, or either with a blank and a name behind it */
export function memberOf(text: string): ShardMember {
  const [address = '', name] = text.split(' ');
  const [host = '', port = '', weight = '1'] = address.split(':');
  return {
    host,
    port: Number(port),
    weight: Number(weight),
    name: name ?? (port === '11211' ? host : `${host}:${port}`),
  };
}

/**
 * A file of servers: one a line; empty lines and what follows a # are nothing.
 * @throws {Error} for a line that is none, for a name that comes twice, and when there are none or too many
 */
export function membersIn(text: string): ShardMember[] {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  const wrong = lines.find((line) => !MEMBER.test(line));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong.slice(0, 80))} is no server: host:port:weight name`);
  const members = lines.map(memberOf);
  if (members.length === 0 || members.length > MAX_SERVERS) throw new Error(`${members.length} servers`);
  const names = members.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two servers have the name ${twice}`);
  return members;
}

/**
 * The servers of a list that another has not, by their names.
 * @throws {Error} when a server of both has another address or weight, or when all together are too many
 */
export function added(before: readonly ShardMember[], after: readonly ShardMember[]): ShardMember[] {
  for (const old of before) {
    const same = after.find(({ name }) => name === old.name);
    if (same !== undefined && (same.host !== old.host || same.port !== old.port || same.weight !== old.weight))
      throw new Error(`${old.name} has changed: while it runs, servers can be added and removed only`);
  }
  const fresh = after.filter(({ name }) => !before.some((old) => old.name === name));
  if (before.length + fresh.length > MAX_SERVERS) throw new Error(`${before.length + fresh.length} servers`);
  return fresh;
}
