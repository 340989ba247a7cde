/** One change of a contract, and what it means for those who rely on it. */

export type Impact = 'breaking' | 'addition' | 'wording';

export interface Change {
  readonly impact: Impact;
  /** `parameter UPDATE_FREQUENCY`. */
  readonly subject: string;
  /** What happened to it. */
  readonly what: string;
  /** How the change could be made without breaking anybody. */
  readonly advice?: string;
}
