/** Why a request was refused, for programs to branch on, and the status that goes with it. */

const STATUS = {
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  stale: 412,
  'too-large': 413,
  'condition-missing': 428,
  misdirected: 421,
  busy: 503,
} as const;

export type RefusalReason = keyof typeof STATUS;

/** A request that cannot be granted as it is. The message is for the client. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;
  /** The version that the document is at, null when it does not exist; only with `stale`. */
  readonly current: number | null | undefined;

  constructor(reason: RefusalReason, message: string, current?: number | null) {
    super(message);
    this.reason = reason;
    this.current = current;
  }

  get status(): number {
    return STATUS[this.reason];
  }
}
