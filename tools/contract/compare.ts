/** What a change of a Dockerfile means to users of its image, as semantic versions count it. */
import semver from 'semver';
import type { DockerfileFacts } from './dockerfile.ts';
import { versionOf } from './lint.ts';

export type Bump = 'major' | 'minor' | 'patch';

export interface Change {
  readonly bump: Bump;
  /** ENV, port, volume, … by name. */
  readonly what: string;
  readonly message: string;
  /** The key whose line shows it: in the new file where it is there still. */
  readonly key: string;
  readonly gone: boolean;
}

/** Half of the words in common is taken as the same thing under another name. */
const LIKELY = 0.5;

/**
 * Compare two versions of a Dockerfile.
 * @returns changes, the heaviest first
 */
export function compareDockerfiles(before: DockerfileFacts, after: DockerfileFacts): Change[] {
  const changes = [
    ...environment(before, after),
    ...sets('port', before.ports, after.ports),
    ...sets('volume', before.volumes, after.volumes),
    ...single('USER', before.user, after.user),
    ...single('STOPSIGNAL', before.stopSignal || 'SIGTERM', after.stopSignal || 'SIGTERM'),
    ...healthcheck(before.healthcheck, after.healthcheck),
  ];
  const order: Bump[] = ['major', 'minor', 'patch'];
  return changes.toSorted((a, b) => order.indexOf(a.bump) - order.indexOf(b.bump));
}

function environment(before: DockerfileFacts, after: DockerfileFacts): Change[] {
  const added = [...after.env.keys()].filter((name) => !before.env.has(name));
  const changes: Change[] = [];
  for (const [name, old] of before.env) {
    const value = after.env.get(name);
    if (value === undefined) {
      const renamed = nearest(name, added);
      const hint =
        renamed === undefined
          ? ''
          : `: it looks renamed to ${renamed}; keep ${name} as an alias for a version, and this is a minor change`;
      changes.push({
        bump: 'major',
        what: `ENV ${name}`,
        message: `ENV ${name} is gone${hint}`,
        key: name,
        gone: true,
      });
    } else if (!sameValue(old, value)) {
      const unit = unitOf(old) !== unitOf(value) && unitOf(old) + unitOf(value) !== '' ? ', another unit' : '';
      changes.push({
        bump: 'major',
        what: `ENV ${name}`,
        message: `the default of ENV ${name} was ${shown(old)} and is ${shown(value)}${unit}`,
        key: name,
        gone: false,
      });
    }
  }
  for (const name of added) {
    const alias = nearest(
      name,
      [...before.env.keys()].filter((old) => after.env.has(old)),
    );
    const message =
      alias === undefined ? `ENV ${name} is new` : `ENV ${name} is new, beside ${alias}: a rename with its alias kept`;
    changes.push({ bump: 'minor', what: `ENV ${name}`, message, key: name, gone: false });
  }
  return changes;
}

function sets(what: string, before: ReadonlySet<string>, after: ReadonlySet<string>): Change[] {
  return [
    ...[...before]
      .filter((each) => !after.has(each))
      .map((each) => ({
        bump: 'major' as const,
        what: `${what} ${each}`,
        message: `${what} ${each} is gone`,
        key: each,
        gone: true,
      })),
    ...[...after]
      .filter((each) => !before.has(each))
      .map((each) => ({
        bump: 'minor' as const,
        what: `${what} ${each}`,
        message: `${what} ${each} is new`,
        key: each,
        gone: false,
      })),
  ];
}

function single(what: string, before: string, after: string): Change[] {
  return before === after
    ? []
    : [
        {
          bump: 'major',
          what,
          message: `${what} was ${before || 'root'} and is ${after || 'root'}`,
          key: what,
          gone: false,
        },
      ];
}

function healthcheck(before: readonly string[], after: readonly string[]): Change[] {
  if (before.join('\0') === after.join('\0')) return [];
  if (before.length > 0 && after.length === 0)
    return [
      {
        bump: 'major',
        what: 'HEALTHCHECK',
        message: 'the health check is gone: a service that waits for "healthy" waits for ever',
        key: 'HEALTHCHECK',
        gone: true,
      },
    ];
  return [
    {
      bump: before.length === 0 ? 'minor' : 'patch',
      what: 'HEALTHCHECK',
      message: before.length === 0 ? 'there is a health check now' : 'the health check runs another command',
      key: 'HEALTHCHECK',
      gone: false,
    },
  ];
}

function nearest(name: string, candidates: readonly string[]): string | undefined {
  const scored = candidates
    .map((candidate) => ({ candidate, score: overlap(name, candidate) }))
    .filter(({ score }) => score >= LIKELY);
  return scored.toSorted((a, b) => b.score - a.score)[0]?.candidate;
}

/** Dice's coefficient of the names' words. */
function overlap(a: string, b: string): number {
  const [one, two] = [a, b].map((name) => new Set(name.toLowerCase().split('_')));
  const shared = [...one!].filter((word) => two!.has(word)).length;
  return (2 * shared) / (one!.size + two!.size);
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** `5s` and `5000ms` are one default. */
function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, two] = [secondsOf(a), secondsOf(b)];
  return one !== undefined && one === two;
}
function secondsOf(value: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  return number === undefined ? undefined : Number(number) * SECONDS[unit!]!;
}
const unitOf = (value: string): string => /^\d+(?:\.\d+)?\s*([a-zA-Z]+)$/.exec(value)?.[1] ?? '';
const shown = (value: string): string => (value === '' ? 'empty' : JSON.stringify(value));

export interface Verdict {
  readonly needed: Bump | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** The version was raised far enough. */
  readonly enough: boolean;
}

/** Whether the version label was raised as the changes demand; below 1.0.0 a break is a minor version. */
export function verdict(before: DockerfileFacts, after: DockerfileFacts, changes: readonly Change[]): Verdict {
  const needed = changes[0]?.bump;
  const [from, to] = [versionOf(before), versionOf(after)];
  if (needed === undefined) return { needed, from, to, enough: true };
  const [old, fresh] = [semver.parse(from), semver.parse(to)];
  // Without versions nobody is promised anything but what breaks nothing.
  if (!old || !fresh) return { needed, from, to, enough: needed !== 'major' };
  const demanded =
    old.major === 0 && needed === 'major' ? 'minor' : old.major === 0 && needed === 'minor' ? 'patch' : needed;
  return { needed, from, to, enough: semver.gte(fresh, semver.inc(old.version, demanded)!) };
}
