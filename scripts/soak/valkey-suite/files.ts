/** Which of Valkey's test files are run, and in front of what. */

/** Where the tests go: to a server itself, or to an ambassador with this number of servers. */
export const SETUPS = {
  direct: { servers: 0, base: 12_000 },
  one: { servers: 1, base: 13_000 },
  three: { servers: 3, base: 14_000 },
} as const;
export type Setup = keyof typeof SETUPS;

const TYPES = 'hash incr list list-2 list-3 set stream stream-cgroups string zset';
const OTHERS = `bitfield bitops dump expire functions geo hyperloglog info-command introspection-2 keyspace lazyfree
  multi other protocol pubsub pubsubshard quit scan scripting sort`;

const words = (text: string): string[] => text.trim().split(/\s+/);

export const FILES: readonly string[] = [
  ...words(TYPES).map((name) => `unit/type/${name}`),
  ...words(OTHERS).map((name) => `unit/${name}`),
];

/** What a file said. */
export interface FileResult {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** It came to its end. */
  readonly whole: boolean;
  /** Of tests that did not pass. */
  readonly output: readonly string[];
}
