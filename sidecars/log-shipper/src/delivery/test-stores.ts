/** For tests: a delivery beside a store that answers as it is told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settled } from '../lines/record.ts';
import type { DeadLetter } from './dead-letters.ts';
import { startDelivery, type TestDelivery } from './test-delivery.ts';
import { listenTestStore } from '#kit/testing/bulk-store.ts';

type Store = Awaited<ReturnType<typeof listenTestStore>>;

/** Run a check against a store of its own. */
export async function withStore(
  check: (store: Store['store'], test: TestDelivery, url: string) => Promise<void>,
  env: Record<string, string> = {},
  options: Parameters<typeof listenTestStore>[0] = {},
): Promise<void> {
  const { store, url, close } = await listenTestStore(options);
  const started = startDelivery([url], env);
  try {
    await check(store, started, url);
  } finally {
    started.close();
    await close();
  }
}

/** Which records were told. */
export const ids = (settled: readonly Settled[]): string[] => settled.map(({ record }) => record.id);
/** How they ended. */
export const outcomes = (settled: readonly Settled[]): string[] => [...new Set(settled.map(({ outcome }) => outcome))];
/** What is in the dead letters. */
export const deadLetters = (dir: string): DeadLetter[] =>
  readFileSync(join(dir, 'dead/dead-letters.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as DeadLetter);
