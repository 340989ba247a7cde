/** Parameters and metrics of the shard mode, by twemproxy's names. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';
import type { Parameters } from '#kit/contract/parameters.ts';
import { HASHES } from '../ring/hash.ts';
import { MEMBER } from '../ring/members.ts';

export const shardParameters = {
  SERVERS: {
    type: 'list',
    pattern: MEMBER,
    accepts: 'a comma-separated list of host:port, host:port:weight or host:port:weight name, as in nutcracker',
    description: 'shard: the servers that the keys are spread over',
  },
  SERVERS_FILE: {
    type: 'string',
    description:
      'shard: in place of SERVERS, a file with one server a line; when lines are added or removed, keys move while the application goes on',
  },
  AMBASSADOR_STATE: {
    type: 'string',
    default: '/var/lib/ambassador/servers.json',
    description:
      'shard: with SERVERS_FILE, where it is written down which servers keys are on; has to outlive a restart',
  },
  SERVER_USER: {
    type: 'string',
    pattern: /^[^\s]{1,128}$/,
    accepts: 'a user name',
    description: 'shard: user of the servers’ access lists; the default user where it is not set',
  },
  SERVER_PASSWORD: { type: 'string', secret: true, description: 'shard: password of SERVER_USER' },
  SERVER_TLS_CA: {
    type: 'path',
    description: 'shard: PEM of the authority that the certificates of the servers must be of; without it, no TLS',
  },
  HASH: {
    type: 'enum',
    values: Object.keys(HASHES),
    default: 'fnv1a_64',
    description: 'shard: how a key becomes a number',
  },
  DISTRIBUTION: {
    type: 'enum',
    values: ['ketama', 'modula'],
    default: 'ketama',
    description: 'shard: how a number becomes a server: consistently, or by its remainder',
  },
  HASH_TAG: {
    type: 'string',
    default: '{}',
    pattern: /^..$/,
    accepts: 'two characters',
    description: 'shard: of a key that holds both, what is between them decides alone',
  },
  TIMEOUT: {
    type: 'duration',
    unit: 'ms',
    default: '400ms',
    min: 10,
    max: 3_600_000,
    description: 'shard: how long a server may take to accept a connection, and to reply',
  },
  SLOW_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '10s',
    min: 10,
    max: 3_600_000,
    description:
      'shard: how long a server may take for scripts, SORT, KEYS and FLUSHALL; other commands for that server wait for as long',
  },
  SERVER_CONNECTIONS: {
    type: 'integer',
    default: '1',
    min: 1,
    max: 64,
    description: 'shard: connections to each server that all clients share, for each version of the protocol',
  },
  SERVER_FAILURE_LIMIT: {
    type: 'integer',
    default: '2',
    min: 1,
    max: 1000,
    description: 'shard: failures in a row after which a server counts as down',
  },
  SERVER_RETRY_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '30s',
    min: 100,
    max: 86_400_000,
    description: 'shard: with ON_FAILURE=eject, how long a server stays out at least',
  },
  ON_FAILURE: {
    type: 'enum',
    values: ['error', 'eject'],
    default: 'error',
    description:
      'shard: what becomes of the keys of a server that is down: errors, or another server, which does not have them: what was written before is hidden until it is back',
  },
  ADMIN_COMMANDS: {
    type: 'enum',
    values: ['refuse', 'relay'],
    default: 'refuse',
    description:
      'shard: commands that show or change the servers themselves (CONFIG, DEBUG, SLOWLOG, LATENCY, SAVE …): an error, or sent to every server',
  },
  AMBASSADOR_MAX_COMMAND: {
    type: 'size',
    unit: 'bytes',
    default: '32MiB',
    min: 1024,
    max: 512 * 1024 * 1024,
    description: 'shard: largest command of a client',
  },
  AMBASSADOR_MAX_OUTPUT: {
    type: 'size',
    unit: 'bytes',
    default: '32MiB',
    min: 1024,
    max: 1024 * 1024 * 1024,
    description: 'shard: most bytes that are kept for a client that does not read them; then it is closed',
  },
} as const satisfies Parameters;

export const shardMetrics = {
  commands: { type: 'counter', help: 'shard: commands of the application', bad: 'nothing by itself' },
  fragments: {
    type: 'counter',
    help: 'shard: parts of commands whose keys are on several servers',
    bad: 'many for each command: keys that are used together lie on several servers',
  },
  server_ejects: {
    type: 'counter',
    help: 'shard: times that a server was taken out of the ring',
    bad: 'any: the server did not answer',
    labels: ['server'],
  },
  keys_moved: {
    type: 'counter',
    help: 'shard: keys that were moved because a server was added or removed',
    bad: 'a rise while nobody changes the servers',
  },
  server_up: { type: 'gauge', help: 'shard: 1 while a server can be used', bad: '0', labels: ['server'] },
} as const satisfies MetricDeclarations;
