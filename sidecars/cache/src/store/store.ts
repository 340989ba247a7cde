/** Where responses are kept. */
import type { FieldsView } from '../policy/fields.ts';
import type { EvictionReason, MemoryStore } from './memory.ts';
import type { Stored } from './stored.ts';

export class Store {
  readonly memory: MemoryStore;

  constructor(memory: MemoryStore) {
    this.memory = memory;
  }

  /** What answers a request. */
  find(key: string, request: Pick<FieldsView, 'get'>): Stored | undefined | Promise<Stored | undefined> {
    return this.memory.select(key, request);
  }

  put(stored: Stored): void {
    this.memory.put(stored);
  }

  remove(stored: Stored, reason: EvictionReason): void {
    this.memory.remove(stored, reason);
  }

  /** From now on it is stale, whatever its freshness. */
  soften(stored: Stored, now: number): void {
    stored.head = { ...stored.head, staleSince: now };
  }
}
