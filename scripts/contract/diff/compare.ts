/** Contracts of now beside those of a git ref. */
import type { Change } from './change.ts';
import { compareContracts } from './changes.ts';
import type { History } from './history.ts';
import type { Sidecar } from '../sidecars.ts';
import { demanded, raised, reaches, type Raise } from './version.ts';

/** How one sidecar's contract changed. */
export interface Comparison {
  readonly name: string;
  /** Its folder in the project; null for a sidecar that is gone. */
  readonly path: string | null;
  /** Version at the ref; null for a sidecar that had no contract there. */
  readonly from: string | null;
  /** Declared version; null for a sidecar that is gone. */
  readonly to: string | null;
  readonly changes: readonly Change[];
  readonly demanded: Raise;
  /** The lowest version that will do. */
  readonly least: string | null;
  /** Is the declared version raised enough? */
  readonly enough: boolean;
}

/**
 * Compare sidecars with a ref.
 * @param all also name the sidecars that the ref had and that are gone
 * @throws {HistoryError} when the ref holds something that is no contract
 */
export async function diffContracts(
  sidecars: readonly Sidecar[],
  history: History,
  all: boolean,
): Promise<Comparison[]> {
  const comparisons = await Promise.all(sidecars.map((sidecar) => diffContract(sidecar, history)));
  const gone = all ? (await history.names()).filter((name) => !sidecars.some((sidecar) => sidecar.name === name)) : [];
  for (const name of gone) {
    const from = (await history.contract(name))?.version ?? null;
    // No version is left to be raised, so this can only be said.
    comparisons.push({
      name,
      path: null,
      from,
      to: null,
      changes: [{ impact: 'breaking', subject: `sidecar ${name}`, what: 'is gone' }],
      demanded: 'none',
      least: null,
      enough: true,
    });
  }
  return comparisons;
}

async function diffContract({ name, path, document }: Sidecar, history: History): Promise<Comparison> {
  const before = await history.contract(name);
  if (!before)
    return { name, path, from: null, to: document.version, changes: [], demanded: 'none', least: null, enough: true };
  const changes = compareContracts(before, document);
  const raise = demanded(changes, before.version);
  const least = raised(before.version, raise);
  return {
    name,
    path,
    from: before.version,
    to: document.version,
    changes,
    demanded: raise,
    least,
    enough: reaches(document.version, least),
  };
}
