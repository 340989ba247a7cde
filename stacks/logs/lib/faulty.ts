/** The store that fails on demand, as the scenario tells it. */
import type { Fault, StoredDocument, TestStore } from '#kit/testing/bulk-store.ts';

export type { Fault } from '#kit/testing/bulk-store.ts';

export interface Faulty {
  /** What goes wrong from now on. */
  fail(faults: readonly Fault[]): Promise<void>;
  /** Forget all documents. */
  clear(): Promise<void>;
  counts(): Promise<TestStore['counts']>;
  /**
   * In the order in which they were accepted.
   * @param after number of first entries to leave out
   */
  documents(after?: number): Promise<StoredDocument[]>;
}

export function openFaulty(port: (name: string) => number): Faulty {
  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port('FAULTY')}${path}`, {
      ...init,
      signal: AbortSignal.timeout(30_000),
    });
    return response.text();
  };
  return {
    fail: async (faults) => void (await ask('/faults', { method: 'PUT', body: JSON.stringify(faults) })),
    clear: async () => void (await ask('/documents', { method: 'DELETE' })),
    counts: async () => JSON.parse(await ask('/counts')) as TestStore['counts'],
    documents: async (after = 0) => {
      const lines = (await ask(`/documents?after=${after}`)).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StoredDocument);
    },
  };
}
