/** What the loop of one file reports, and to whom. */
import type { Logger } from '#kit/telemetry/log.ts';

export interface FileEvents {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /**
   * Tell the source what became of a version. Resolves when that is kept; it comes before the journal
   * says the same, so that a kill between them makes for a second report, not for none.
   */
  readonly report: (version: string, state: 'applied' | 'rejected' | 'rolled-back', reason?: string) => Promise<void>;
  readonly notifyFailed: () => void;
  readonly drifted: () => void;
  /** What a former run kept could not be used. */
  readonly damaged: (kind: 'journal' | 'copy') => void;
}
