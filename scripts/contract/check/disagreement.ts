/** One difference between a declaration and what follows from it. */
export interface Disagreement {
  /** File, file:line or image. */
  readonly where: string;
  /** What the declaration says. */
  readonly declared: string;
  /** What stands there instead. */
  readonly there: string;
  /** The command or the line that makes them agree. */
  readonly repair: string;
  /** True when there was nothing to compare with. */
  readonly absent?: true;
}

/** A disagreement as one line. */
export const lineOf = ({ where, declared, there, repair }: Disagreement): string =>
  `${where}: declared: ${declared}; there: ${there}; repair: ${repair}`;
