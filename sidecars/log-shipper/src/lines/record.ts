/** What the inputs hand to delivery, and what delivery promises about it. */

/** One document on its way to the store. */
export interface LogRecord {
  /** The store's _id: the same line has the same id, for ever. Letters, digits, `-` and `_` only. */
  readonly id: string;
  /** Order is kept within a source. */
  readonly source: string;
  /** Overrides the configured data stream or index pattern. */
  readonly index?: string | undefined;
  /** The document as one line of JSON, no newline inside. */
  readonly body: string;
  /** Length of the body in UTF-8. */
  readonly bytes: number;
}

/** How a record ended: in the store by this delivery, there already, or in the dead letters. */
export type Outcome = 'stored' | 'duplicate' | 'dead';

export interface Settled {
  /** The very object that was offered. */
  readonly record: LogRecord;
  readonly outcome: Outcome;
}

export interface Delivery {
  /**
   * Take records in. Resolves when they were taken: late, while the bounded queue is full. Records of
   * one source are delivered in the order offered.
   */
  offer(records: readonly LogRecord[]): Promise<void>;
  /**
   * Called once for each batch of records that the store acknowledged or that went to the dead
   * letters, in each source's order: the registry may move past them.
   */
  onSettled(listener: (settled: readonly Settled[]) => void): void;
  /** Deliver what was taken in, until the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
  readonly pending: { readonly records: number; readonly bytes: number };
}
