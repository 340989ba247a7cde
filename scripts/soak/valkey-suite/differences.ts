/** Tests of Valkey that do not pass through the ambassador, with the reason; the README of the ambassador lists these. */

export interface Difference {
  readonly reason: string;
  /** It is so with three servers alone. */
  readonly servers?: 'three';
  /** `FILE: a part of the test's name`; `FILE:` alone for all tests of a file. */
  readonly tests: readonly string[];
}

export const DIFFERENCES: readonly Difference[] = [
  {
    reason:
      'replication: SYNC and REPLICAOF are refused, and a test that needs them leaves its MULTI open for the next',
    tests: [
      'multi: propagat',
      'multi: REPLICAOF',
      'multi: stale replica state change',
      'multi: OOM',
      'multi: use-memory command should fail',
      'multi: Blocking commands ignores the timeout',
      'multi: MULTI with ',
      'multi: Flushall while watching several keys',
      'list: propagate as pop',
      'list: unblocked execution order',
      'zset: propagate as pop',
      'set: propagate as DEL or UNLINK',
      'string: propagate',
      'string: SET EXAT / PXAT Expiration time is expired',
      'dump: will propagate it as DEL or UNLINK',
      'expire: replica',
      'expire: replication stream',
      'expire: not propagate',
      'expire: should not be wrapped in MULTI',
      'scripting: rewriting client->argv from Lua',
      "scripting: shouldn't be propagated",
    ],
  },
  {
    reason:
      'states of a connection that clients share cannot be one client’s: CLIENT NO-TOUCH, IMPORT-SOURCE, TRACKING',
    tests: ['introspection-2: no-touch mode', 'expire: mport', 'other: RESET clears client state'],
  },
  {
    reason:
      'ACL and MONITOR are refused: the ambassador’s user is one, and its connections carry all clients’ commands',
    tests: [
      'scripting: Script ACL check',
      'other: RESET clears MONITOR state',
      'other: RESET clears authenticated state',
    ],
  },
  {
    reason: 'one database: SELECT says so; HELLO is answered without an availability zone',
    tests: ['other: SELECT an out of range DB', 'protocol: HELLO and availability-zone'],
  },
  { reason: 'UNSUBSCRIBE in a transaction', tests: ['pubsub: unsubscribe inside multi'] },
  {
    reason: 'PUBLISH in a transaction belongs to another server than its keys',
    servers: 'three',
    tests: ['pubsub: publish to self inside'],
  },
  {
    reason: 'SORT with BY or GET, STORE and WATCH name keys of several servers, without a hash tag',
    servers: 'three',
    tests: ['sort:', 'multi: WATCH', 'multi: watched', 'multi: stale keys'],
  },
  {
    reason: 'statistics by command, by error and of memory are each server’s own: INFO leaves them out, MEMORY differs',
    servers: 'three',
    tests: [
      'info-command:',
      'introspection-2: stats for ',
      'list: commandstats',
      'list: on plain nodes',
      'lazyfree:',
      'scripting: error reporting',
      'scripting: redis.error_reply API',
      'stream-cgroups: NOGROUP',
      'other: MALLOC-STATS',
    ],
  },
  {
    reason: 'a script is known to the server that ran it, and a busy server is not the one that the next command asks',
    servers: 'three',
    tests: [
      'scripting: SCRIPT EXISTS',
      'scripting: trim string as expected',
      'multi: script timeout',
      'multi: exec with ',
    ],
  },
];
