/** For tests: the program as a process, and a store that counts. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

const top = temporaryDirectory('log-shipper');
export const logs = join(top, 'logs');
export const state = join(top, 'state');

export const store = new TestStore();
const server = await serve(
  (incoming, response) => void store.answer(incoming, response).catch(() => response.destroy()),
);

/** No logs, no state, an empty store. */
export function clear(): void {
  rmSync(logs, { recursive: true, force: true });
  rmSync(state, { recursive: true, force: true });
  mkdirSync(logs);
  store.clear();
}

/**
 * Start it; requests are small, looks are frequent.
 * @param flags of node
 */
export async function program(env: Record<string, string> = {}, flags: readonly string[] = []): Promise<Program> {
  return await startProgram([...flags, join(import.meta.dirname, 'main.ts')], {
    FILE_PATHS: join(logs, '*.log*'),
    FILE_SCAN_INTERVAL: '100ms',
    FILE_POLL_INTERVAL: '20ms',
    STORE_URL: server.url,
    BULK_MAX_RECORDS: '200',
    BULK_DELAY: '10ms',
    STATE_DIR: state,
    SPOOL_DIR: join(state, 'spool'),
    DEAD_LETTER_DIR: join(state, 'dead'),
    ...env,
  });
}

/** Lines of JSON with numbers. */
export const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `{"level":"info","seq":${from + at},"msg":"${'x'.repeat(100)}"}\n`).join('');
/** The numbers that the store holds, in the order of arrival. */
export const sequence = (): number[] => store.documents.map(({ body }) => (JSON.parse(body) as { seq: number }).seq);
