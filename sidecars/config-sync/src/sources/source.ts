/** Where documents come from. */
import type { Document, Identity } from '../documents/document.ts';

export type SourceErrorReason =
  | 'refused'
  | 'timeout'
  | 'tls'
  | 'network'
  | 'unauthorized'
  | 'forbidden'
  | 'status'
  | 'malformed'
  | 'corrupt'
  | 'too-large'
  | 'silent'
  /** Our own mistake, found by an answer that nobody thought of. */
  | 'internal';

/** The source did not do its part. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly reason: SourceErrorReason;
  constructor(reason: SourceErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** What went wrong with a source, in its words; what is none of them is a mistake of ours, which ends nothing. */
export const sourceErrorOf = (error: unknown): SourceError =>
  error instanceof SourceError
    ? error
    : new SourceError('internal', `the answer could not be worked on: ${String(error)}`, { cause: error });

/** What a look at a document found. */
export type Reading =
  | {
      readonly kind: 'document';
      readonly document: Document;
      /** The source's count of changes at this one, where it counts. */
      readonly revision: number | undefined;
      /** A watch that begins after this revision misses nothing. */
      readonly resume: number | undefined;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent'; readonly resume: number | undefined }
  /** It is larger than what is taken, and was not read. */
  | { readonly kind: 'too-large'; readonly id: Identity; readonly bytes: number | undefined }
  /** There is something of that name, of which no document can be made; the reason is fit for users. */
  | { readonly kind: 'unusable'; readonly id: Identity; readonly reason: string };

/** Something in a watched document changed. */
export interface Change {
  readonly key: string;
  readonly version: string;
  readonly revision: number;
}

export interface WatchOptions {
  readonly keys: readonly string[];
  /** Tell of what came after this revision; of what comes from now on when undefined. */
  readonly since: number | undefined;
  readonly onOpen: () => void;
  readonly onChange: (change: Change) => void;
  /** The source cannot go on from where we were: everything is to be read anew. */
  readonly onReset: () => void;
  readonly signal: AbortSignal;
}

export interface ReportEntry {
  readonly key: string;
  readonly version: string;
  readonly state: 'applied' | 'rejected' | 'rolled-back';
  readonly reason?: string;
}

export interface Source {
  /**
   * Look at a document.
   * @param known answered with 'unchanged' while it is the latest
   * @throws {SourceError}, and the signal's reason
   */
  read(key: string, known: Identity | undefined, signal: AbortSignal): Promise<Reading>;
  /**
   * Hear of changes until the stream ends, which it only does by throwing.
   * @throws {SourceError}, and the signal's reason
   */
  watch(options: WatchOptions): Promise<never>;
  /** Over how long reports are to be spread, in milliseconds: of many that took a change at once, not all report at once. */
  readonly reportSpread?: (() => number) | undefined;
  /**
   * Say what became of a version, where the source wants to know.
   * @returns false when it never will take this report
   * @throws {SourceError} when it may be tried again
   */
  readonly report?: ((entry: ReportEntry, signal: AbortSignal) => Promise<boolean>) | undefined;
}
