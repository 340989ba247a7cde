/**
 * Where the keys of each command lie, and what becomes of commands that no single server can answer.
 * After the key specifications that servers publish (https://valkey.io/commands/).
 */
import type { Command } from '../resp/request-reader.ts';

/** How a command reaches its servers. */
export type Route =
  /** To the server of its keys, which must be one; commands without keys to any. */
  | 'keys'
  /** Each key to its server, and the replies put together. */
  | 'split'
  /** To each server, and the replies put together. */
  | 'all'
  /** To any server. */
  | 'any'
  /** Like `keys`, on a connection of its own: it waits, or changes the connection. */
  | 'own'
  /** Answered here. */
  | 'local'
  /** Refused: it makes no sense for one of many servers. */
  | 'refused';

export interface Rule {
  readonly route: Route;
  /** Places of the keys among the arguments, 0 being the command's name. */
  readonly keys: (command: Command) => readonly number[] | undefined;
}

const none = (): readonly number[] => [];

/** Keys from `first` on, each `step`; `last` counts from the end where negative. */
const range =
  (first: number, last: number, step = 1) =>
  (command: Command): readonly number[] => {
    const end = last < 0 ? command.length + last : last;
    const places: number[] = [];
    for (let place = first; place <= end && place < command.length; place += step) places.push(place);
    return places;
  };

const ONE = range(1, 1);
const one = (): Rule['keys'] => ONE;

/** A count at `at`, and so many keys behind it; more keys before. */
const counted =
  (at: number, before: readonly number[] = []) =>
  (command: Command): readonly number[] | undefined => {
    const text = command.length > at ? command.text(at) : '';
    if (!/^\d{1,7}$/.test(text)) return undefined;
    const count = Number(text);
    if (at + count >= command.length) return undefined;
    return [...before, ...Array.from({ length: count }, (_, index) => at + 1 + index)];
  };

/** Half of what follows a word: XREAD … STREAMS key key id id. */
const streams = (command: Command): readonly number[] | undefined => {
  for (let place = 1; place < command.length; place++) {
    if (command.text(place).toUpperCase() !== 'STREAMS') continue;
    const count = (command.length - place - 1) / 2;
    if (!Number.isInteger(count)) return undefined;
    return Array.from({ length: count }, (_, index) => place + 1 + index);
  }
  return undefined;
};

/** SORT key … [STORE key] */
const sort = (command: Command): readonly number[] => {
  for (let place = 2; place + 1 < command.length; place++)
    if (command.text(place).toUpperCase() === 'STORE') return [1, place + 1];
  return [1];
};

/** GEORADIUS key … [STORE key] [STOREDIST key] */
const geo = (command: Command): readonly number[] => {
  const places = [1];
  for (let place = 5; place + 1 < command.length; place++)
    if (/^STORE(DIST)?$/i.test(command.text(place))) places.push(place + 1);
  return places;
};

const rules = new Map<string, Rule>();

function add(route: Route, keys: Rule['keys'], names: string): void {
  for (const name of names.split(/\s+/)) rules.set(name, { route, keys });
}

add(
  'keys',
  one(),
  `APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS DECR DECRBY DUMP EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST GEOHASH GEOPOS
   GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HEXPIRE HEXPIREAT
   HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT
   HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL HVALS INCR INCRBY INCRBYFLOAT LINDEX LINSERT
   LLEN LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PFADD PSETEX PTTL
   RESTORE RPOP RPUSH RPUSHX SADD SCARD SET SETBIT SETEX SETNX SETRANGE SISMEMBER SMEMBERS SMISMEMBER SORT_RO SPOP
   SRANDMEMBER SREM SSCAN STRLEN SUBSTR TTL TYPE XACK XADD XAUTOCLAIM XCLAIM XDEL XLEN XPENDING XRANGE XREVRANGE
   XSETID XTRIM ZADD ZCARD ZCOUNT ZINCRBY ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX
   ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX
   ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE`,
);
add('keys', range(1, 2), 'COPY RENAME RENAMENX SMOVE RPOPLPUSH LMOVE LCS GEOSEARCHSTORE ZRANGESTORE');
add('keys', range(1, -1), 'PFCOUNT PFMERGE SDIFF SDIFFSTORE SINTER SINTERSTORE SUNION SUNIONSTORE');
add('keys', range(1, -1, 2), 'MSETNX');
add('keys', range(2, -1), 'BITOP');
add('keys', range(2, 2), 'OBJECT XGROUP XINFO MEMORY');
add('keys', counted(1), 'SINTERCARD ZDIFF ZINTER ZINTERCARD ZUNION LMPOP ZMPOP');
add('keys', counted(2, [1]), 'ZDIFFSTORE ZINTERSTORE ZUNIONSTORE');
add('keys', counted(2), 'EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO');
add('keys', sort, 'SORT');
add('keys', geo, 'GEORADIUS GEORADIUSBYMEMBER');
add('keys', streams, 'XREAD XREADGROUP');
add('own', range(1, -2), 'BLPOP BRPOP BZPOPMAX BZPOPMIN');
add('own', range(1, 2), 'BLMOVE BRPOPLPUSH');
add('own', counted(2), 'BLMPOP BZMPOP');
add('split', range(1, -1), 'DEL EXISTS MGET TOUCH UNLINK');
add('split', range(1, -1, 2), 'MSET');
add('all', none, 'DBSIZE FLUSHALL FLUSHDB KEYS SCRIPT FUNCTION');
add('any', none, 'COMMAND INFO LOLWUT RANDOMKEY TIME');
add('local', none, 'AUTH CLIENT DISCARD ECHO EXEC HELLO MULTI PING QUIT RESET SCAN SELECT UNWATCH');
add('local', range(1, -1), 'WATCH');
add('local', none, 'PSUBSCRIBE PUBLISH PUBSUB PUNSUBSCRIBE SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE');

const UNKNOWN: Rule = { route: 'refused', keys: none };

/** Arguments that make an ordinary command wait. */
export const blocks = (name: string, command: Command): boolean => {
  if (name !== 'XREAD' && name !== 'XREADGROUP') return false;
  for (let place = 1; place < command.length; place++) {
    const word = command.text(place).toUpperCase();
    if (word === 'STREAMS') return false;
    if (word === 'BLOCK') return true;
  }
  return false;
};

/** @param name in capitals */
export const ruleOf = (name: string): Rule => rules.get(name) ?? UNKNOWN;

/** The names that are known, for tests and documentation. */
export const knownCommands = (): readonly string[] => [...rules.keys()].toSorted();
