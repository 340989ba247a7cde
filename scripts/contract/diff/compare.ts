/** Contracts of now beside those of a git ref. */
import semver from 'semver';
import type { Sidecar } from '../sidecars.ts';
import type { Change } from './change.ts';
import { compareContracts } from './changes.ts';
import { HistoryError, type History } from './history.ts';

export type Raise = 'major' | 'minor' | 'patch' | 'none';

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

/**
 * What the changes demand: a major version for a break (below 1.0.0 a minor one), a minor one for an
 * addition, a patch otherwise.
 * @param before the published version
 * @throws {HistoryError} when it is none of https://semver.org
 */
export function demanded(changes: readonly Change[], before: string): Raise {
  if (semver.valid(before) !== before) throw new HistoryError(`${JSON.stringify(before)} is no version such as 1.2.0`);
  const impacts = new Set(changes.map(({ impact }) => impact));
  if (impacts.has('breaking')) return semver.major(before) === 0 ? 'minor' : 'major';
  if (impacts.has('addition')) return 'minor';
  return impacts.has('wording') ? 'patch' : 'none';
}

/** The lowest version that satisfies a demand; a pre-release is raised like the release that it announces. */
export function raised(before: string, raise: Raise): string {
  const release = semver.coerce(before)!.version;
  return raise === 'none' ? release : semver.inc(release, raise)!;
}

/** Is `version` at least `least`? A pre-release of it will do: it announces the same break. */
export const reaches = (version: string, least: string): boolean =>
  semver.valid(version) !== null && semver.gte(semver.coerce(version)!, least);
