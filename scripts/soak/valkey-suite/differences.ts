/** Tests of Valkey that do not pass through the ambassador, with the reason; the README of the ambassador lists these. */

export interface Difference {
  readonly reason: string;
  /** It is so with three servers alone. */
  readonly servers?: 'three';
  /** `FILE: a part of the test's name`. */
  readonly tests: readonly string[];
}

export const DIFFERENCES: readonly Difference[] = [];
