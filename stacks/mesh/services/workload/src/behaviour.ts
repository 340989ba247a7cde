/** How the server behaves, and what it has seen: changed and read over the container's loopback interface. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Behaviour {
  /** Answered instead of 200. */
  readonly status?: number;
  /** Number of answers with `status`; then as usual. */
  readonly times?: number;
  /** Milliseconds before an answer. */
  readonly delayMs?: number;
  /** Of HTTP/1.1: half of an answer is sent, and nothing more. */
  readonly halfAnswers?: boolean;
  /** Connections on which the server speaks first are reset once the client has spoken. */
  readonly resets?: boolean;
}

let behaviour: Behaviour = {};
let left = 0;
const seen = new Map<string, number>();
const MOST_KEYS = 10_000;

export function behave(next: Behaviour): void {
  behaviour = next;
  left = next.times ?? Infinity;
}

/** What it was told last. */
export const told = (): Behaviour => behaviour;

/** Count what came with a key. */
export function count(key: string): void {
  if (seen.has(key) || seen.size < MOST_KEYS) seen.set(key, (seen.get(key) ?? 0) + 1);
}

/** Count a request under the key that it brings in `x-key`, and wait as long as an answer is to take. */
export async function take(key: string | undefined): Promise<number> {
  if (key !== undefined) count(key);
  const status = behaviour.status !== undefined && left-- > 0 ? behaviour.status : 200;
  if (behaviour.delayMs !== undefined) await sleep(behaviour.delayMs);
  return status;
}

/** How many requests came with a key. */
export const countOf = (key: string): number => seen.get(key) ?? 0;
