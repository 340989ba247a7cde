/** How far a version must be raised for what changed. https://semver.org */
import type { Change } from './change.ts';

export type Raise = 'major' | 'minor' | 'patch' | 'none';

/**
 * What the changes demand: a major version for a break (below 1.0.0 a minor one), a minor one for an
 * addition, a patch otherwise.
 * @param before the published version
 */
export function demanded(changes: readonly Change[], before: string): Raise {
  const impacts = new Set(changes.map(({ impact }) => impact));
  if (impacts.has('breaking')) return numbersOf(before)[0] === 0 ? 'minor' : 'major';
  if (impacts.has('addition')) return 'minor';
  return impacts.has('wording') ? 'patch' : 'none';
}

/** The lowest version that satisfies a demand. */
export function raised(before: string, raise: Raise): string {
  const [major, minor, patch] = numbersOf(before);
  switch (raise) {
    case 'major':
      return `${major + 1}.0.0`;
    case 'minor':
      return `${major}.${minor + 1}.0`;
    case 'patch':
      return `${major}.${minor}.${patch + 1}`;
    case 'none':
      return `${major}.${minor}.${patch}`;
  }
}

/** Is `version` at least `least`? A pre-release of it will do: it announces the same break. */
export function reaches(version: string, least: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(least)];
  const index = a.findIndex((number, position) => number !== b[position]);
  return index < 0 || a[index]! > b[index]!;
}

/** @throws {Error} when it is no semantic version */
function numbersOf(version: string): [major: number, minor: number, patch: number] {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)(?:-[\w.-]+)?(?:\+[\w.-]+)?$/.exec(version) ?? [];
  if (patch === undefined) throw new Error(`${JSON.stringify(version)} is no semantic version such as 1.2.0`);
  return [Number(major), Number(minor), Number(patch)];
}
