/**
 * How each command reaches its servers. A command shares a connection with those of other clients only if it is
 * named here for that; a name that is in no list is refused. The places of the keys are those that Valkey publishes.
 */
import type { Command } from '../../resp/request-reader.ts';
import { finderOf, noKeys, type KeyFinder } from './key-places.ts';
import { VALKEY_8 } from './valkey-8.ts';

export type Route =
  /** To the server of its keys, which must be one; without a key to any. On a connection that clients share. */
  | 'keys'
  /** Like `keys`, on a connection that has no other command at that time: it may take long. */
  | 'slow'
  /** Each key to its server, and the replies put together. */
  | 'split'
  /** To each server, and the replies put together. */
  | 'all'
  /** To any server: all would say the same. */
  | 'any'
  /** Like `keys`, on a connection of the client's own: it waits. */
  | 'own'
  /** Answered here, or by several steps. */
  | 'local'
  /** With `ADMIN_COMMANDS=relay` like `slow` where it has keys, else like `all`; otherwise refused. */
  | 'admin'
  /** An error: it has no meaning for several servers, or changes a connection or a server for all. */
  | 'refused';

export interface Rule {
  readonly route: Route;
  /** Places of the keys among the arguments, 0 being the command's name. */
  readonly keys: KeyFinder;
  /** Rules of its subcommands, by their names in capitals. */
  readonly subcommands?: ReadonlyMap<string, Rule>;
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const ROUTES: Readonly<Record<Exclude<Route, 'refused'>, string>> = {
  keys: `
    APPEND BITCOUNT BITFIELD BITFIELD_RO BITOP BITPOS COPY DECR DECRBY DUMP EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST
    GEOHASH GEOPOS GEORADIUS GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GEOSEARCHSTORE GET GETBIT
    GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HEXPIRE HEXPIREAT HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY
    HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX
    HSETNX HSTRLEN HTTL HVALS INCR INCRBY INCRBYFLOAT LCS LINDEX LINSERT LLEN LMOVE LMPOP LPOP LPOS LPUSH LPUSHX LRANGE
    LREM LSET LTRIM MEMORY|USAGE MSETNX OBJECT|ENCODING OBJECT|FREQ OBJECT|IDLETIME OBJECT|REFCOUNT PERSIST PEXPIRE
    PEXPIREAT PEXPIRETIME PFADD PFCOUNT PFMERGE PSETEX PTTL RENAME RENAMENX RESTORE RPOP RPOPLPUSH RPUSH RPUSHX SADD
    SCARD SDIFF SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTER SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER
    SMOVE SPOP SRANDMEMBER SREM SSCAN STRLEN SUBSTR SUNION SUNIONSTORE TTL TYPE XACK XADD XAUTOCLAIM XCLAIM XDEL
    XGROUP|CREATE XGROUP|CREATECONSUMER XGROUP|DELCONSUMER XGROUP|DESTROY XGROUP|SETID XINFO|CONSUMERS XINFO|GROUPS
    XINFO|STREAM XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XSETID XTRIM ZADD ZCARD ZCOUNT ZDIFF ZDIFFSTORE
    ZINCRBY ZINTER ZINTERCARD ZINTERSTORE ZLEXCOUNT ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX
    ZRANGEBYSCORE ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX
    ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION ZUNIONSTORE`,
  slow: 'EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO SORT SORT_RO',
  split: 'DEL EXISTS MGET MSET TOUCH UNLINK',
  all: `
    DBSIZE FLUSHALL FLUSHDB FUNCTION|DELETE FUNCTION|FLUSH FUNCTION|KILL FUNCTION|LOAD FUNCTION|RESTORE INFO KEYS
    RANDOMKEY SCRIPT|EXISTS SCRIPT|FLUSH SCRIPT|KILL SCRIPT|LOAD`,
  any: `
    COMMAND COMMAND|COUNT COMMAND|DOCS COMMAND|GETKEYS COMMAND|GETKEYSANDFLAGS COMMAND|INFO COMMAND|LIST
    FUNCTION|DUMP FUNCTION|LIST LOLWUT PING SCRIPT|SHOW TIME`,
  own: 'BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN',
  local: `
    AUTH CLIENT DISCARD ECHO EXEC HELLO MULTI PSUBSCRIBE PUBLISH PUBSUB PUNSUBSCRIBE QUIT RESET SCAN SELECT
    SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE UNWATCH WATCH`,
  admin: `
    BGREWRITEAOF BGSAVE COMMANDLOG|GET COMMANDLOG|LEN COMMANDLOG|RESET CONFIG|GET CONFIG|RESETSTAT
    CONFIG|REWRITE CONFIG|SET DEBUG FUNCTION|STATS LATENCY|DOCTOR LATENCY|GRAPH LATENCY|HISTOGRAM LATENCY|HISTORY
    LATENCY|LATEST LATENCY|RESET MEMORY|DOCTOR MEMORY|MALLOC-STATS MEMORY|PURGE MEMORY|STATS PFDEBUG PFSELFTEST SAVE
    SLOWLOG|GET SLOWLOG|LEN SLOWLOG|RESET`,
};

/** What DEBUG may be asked for: nothing that ends a server, or writes keys where they do not belong. */
const DEBUG = new Set(
  words(`
    CHANGE-REPL-ID DICT-RESIZING DIGEST HELP HTSTATS JMAP LISTPACK LOADAOF LOG OBJECT PROTOCOL QUICKLIST
    QUICKLIST-PACKED-THRESHOLD RELOAD SDSLEN SET-ACTIVE-EXPIRE SET-DISABLE-DENY-SCRIPTS SLEEP STRINGMATCH-LEN STRUCTSIZE
    DIGEST-VALUE HTSTATS-KEY`),
);

/** Commands of later versions, whose keys lie as here. */
const LATER: Readonly<Record<string, string>> = {
  '1': `HEXPIRE HEXPIREAT HEXPIRETIME HGETDEL HGETEX HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HSETEX HTTL`,
};

/** Names of subcommands are `OBJECT|ENCODING`. */
const named = (lists: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(Object.entries(lists).flatMap(([list, text]) => words(text).map((name) => [name, list] as const)));

const routes = named(ROUTES);
const places = new Map([...named(LATER), ...named(VALKEY_8)]);
// HELP is a text that is the same on every server, whatever else the command does.
for (const name of places.keys()) if (name.endsWith('|HELP')) routes.set(name, 'any');
const finders = new Map<string, KeyFinder>();

/** XREAD and XREADGROUP: options first, whose values may be any words; then STREAMS, and keys and ids behind it. */
const streams: KeyFinder = (command) => {
  const at = streamsAt(command);
  const count = (command.length - at - 1) / 2;
  if (at === -1 || !Number.isInteger(count)) return [];
  return Array.from({ length: count }, (_, index) => at + 1 + index);
};

/** SORT key … [STORE key] */
const sort: KeyFinder = (command) => {
  const found = [1];
  eachSortOption(command, (option, place) => option === 'STORE' && found.push(place));
  return found;
};

/** DEBUG OBJECT key, DEBUG DIGEST-VALUE key … */
const debug: KeyFinder = (command) => {
  const word = command.length > 1 ? command.text(1).toUpperCase() : '';
  if (!DEBUG_OF_KEYS.has(word)) return [];
  return Array.from({ length: word === 'DIGEST-VALUE' ? command.length - 2 : 1 }, (_, index) => 2 + index);
};
const DEBUG_OF_KEYS = new Set(['DIGEST-VALUE', 'HTSTATS-KEY', 'LISTPACK', 'OBJECT', 'QUICKLIST', 'SDSLEN']);

const SPECIAL: Readonly<Record<string, KeyFinder>> = { DEBUG: debug, SORT: sort, XREAD: streams, XREADGROUP: streams };

const finder = (name: string): KeyFinder => {
  const notation = places.get(name) ?? '-';
  const known = SPECIAL[name] ?? finders.get(notation) ?? finderOf(notation);
  finders.set(notation, known);
  return known;
};

const REFUSED: Rule = { route: 'refused', keys: noKeys };
const rules = new Map<string, Rule>();
for (const [name, list] of routes) {
  const rule: Rule = { route: list as Route, keys: finder(name) };
  const [container, subcommand] = name.split('|') as [string, string?];
  if (subcommand === undefined) {
    rules.set(name, rule);
    continue;
  }
  const known = rules.get(container) ?? REFUSED;
  rules.set(container, { ...known, subcommands: new Map([...(known.subcommands ?? []), [subcommand, rule]]) });
}

/** Of a command. @param name in capitals */
export function ruleOf(name: string, command: Command): Rule {
  const rule = rules.get(name) ?? REFUSED;
  if (name === 'DEBUG' && (command.length < 2 || !DEBUG.has(command.text(1).toUpperCase()))) return REFUSED;
  if (rule.subcommands === undefined || command.length < 2) return rule;
  return rule.subcommands.get(command.text(1).toUpperCase()) ?? (rule.route === 'local' ? rule : REFUSED);
}

/** Whether a name has subcommands that are answered, besides HELP. */
export const isContainer = (name: string): boolean => (rules.get(name)?.subcommands?.size ?? 0) > 1;

/** The route of a name, or of `NAME|SUBCOMMAND`. */
export const routeOf = (name: string): Route => (routes.get(name) ?? 'refused') as Route;

/** Every command and subcommand of Valkey 8. */
export const allCommands = (): readonly string[] => [...named(VALKEY_8).keys()].toSorted();

/** Where the STREAMS of an XREAD or XREADGROUP is; -1 when there is none. */
function streamsAt(command: Command): number {
  for (let place = 1; place < command.length; place++) {
    const word = command.text(place).toUpperCase();
    if (word === 'STREAMS') return place;
    place += valuesOf(word);
  }
  return -1;
}

/** How many values an option of XREAD and XREADGROUP has. */
const valuesOf = (option: string): number =>
  option === 'GROUP' ? 2 : option === 'COUNT' || option === 'BLOCK' ? 1 : 0;

/** Arguments that make an ordinary command wait. */
export function blocks(name: string, command: Command): boolean {
  if (name !== 'XREAD' && name !== 'XREADGROUP') return false;
  const end = streamsAt(command);
  for (let place = 1; place < end; place++) {
    const word = command.text(place).toUpperCase();
    if (word === 'BLOCK') return true;
    place += valuesOf(word);
  }
  return false;
}

/** Places of the patterns of SORT and SORT_RO that name other keys: of BY, and of each GET. */
export function patternsOf(name: string, command: Command): readonly number[] {
  if (name !== 'SORT' && name !== 'SORT_RO') return [];
  const found: number[] = [];
  eachSortOption(command, (option, place) => {
    // Without an asterisk BY does not sort, and GET has no value.
    if (option !== 'STORE' && command.text(place).includes('*')) found.push(place);
  });
  return found;
}

function eachSortOption(command: Command, each: (option: 'BY' | 'GET' | 'STORE', place: number) => void): void {
  for (let place = 2; place + 1 < command.length; place++) {
    const word = command.text(place).toUpperCase();
    if (word === 'LIMIT') place += 2;
    else if (word === 'BY' || word === 'GET' || word === 'STORE') each(word, ++place);
  }
}
