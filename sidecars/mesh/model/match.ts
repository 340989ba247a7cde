/** How a text is compared; one of the kinds is set. Kinds and their meaning are those of xDS' StringMatcher. */
export type StringMatch =
  | { readonly exact: string; readonly ignoreCase?: boolean }
  | { readonly prefix: string; readonly ignoreCase?: boolean }
  | { readonly suffix: string; readonly ignoreCase?: boolean }
  | { readonly contains: string; readonly ignoreCase?: boolean }
  /** The whole text, as a JavaScript expression with the flag `v`. */
  | { readonly regex: string };

export interface QueryMatch {
  readonly name: string;
  /** Absent: whether there is one at all. */
  readonly value?: StringMatch;
}

export interface HeaderMatch {
  readonly name: string;
  /** Absent: whether there is one at all. */
  readonly value?: StringMatch;
  /** As a whole number: from (inclusive) and to (exclusive). */
  readonly range?: { readonly from: number; readonly to: number };
  readonly invert?: boolean;
}
