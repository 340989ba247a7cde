/**
 * What holds after something happened to one container, as a table: the obligations see it in containers, and the
 * workshop's simulator has to come to the same.
 */

/** `crash` and `hang` happen inside; the others are commands of compose. */
export type Happening = 'restart' | 'crash' | 'recreate' | 'hang';

export interface Expected {
  /** Parts wired to a pod (compose.yaml), or to the app itself (variants/naive.yaml). */
  readonly wiring: 'pod' | 'naive';
  readonly happening: Happening;
  /** To whom. */
  readonly to: 'reports' | 'tls' | 'probe';
  /** It comes back as the same container. */
  readonly sameContainer: boolean;
  /** How often the engine says that it restarted it by its policy. */
  readonly restarts: 0 | 1;
  /** Who runs in a network that is no longer the one of its application. */
  readonly stranded: readonly string[];
  /** A visitor is served afterwards. */
  readonly served: boolean;
}

const WHOLE = { wiring: 'pod', stranded: [], served: true } as const;

export const EXPECTED: readonly Expected[] = [
  ...(['reports', 'tls', 'probe'] as const).flatMap((to): Expected[] => [
    { ...WHOLE, to, happening: 'restart', sameContainer: true, restarts: 0 },
    { ...WHOLE, to, happening: 'crash', sameContainer: true, restarts: 1 },
    { ...WHOLE, to, happening: 'recreate', sameContainer: false, restarts: 0 },
  ]),
  ...(['reports', 'tls'] as const).map((to): Expected => ({
    ...WHOLE,
    to,
    happening: 'hang',
    sameContainer: true,
    restarts: 1,
  })),
  {
    wiring: 'naive',
    happening: 'crash',
    to: 'reports',
    sameContainer: true,
    restarts: 1,
    stranded: ['tls'],
    served: false,
  },
];

/**
 * The row of the table.
 * @throws {Error} when there is none
 */
export function expected(wiring: Expected['wiring'], happening: Happening, to: string): Expected {
  const row = EXPECTED.find((each) => each.wiring === wiring && each.happening === happening && each.to === to);
  if (!row) throw new Error(`nothing is said of ${happening} of ${to} (${wiring})`);
  return row;
}
