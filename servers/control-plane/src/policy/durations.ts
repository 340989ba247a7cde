/** Durations of a policy file: which there are, how long they may be, and what they are in milliseconds. */
import type { Problem } from './semantic-checks.ts';

/** Keys whose values are durations, wherever they stand, and the shortest that each may be. */
const DURATIONS: ReadonlyMap<string, 'from 0' | 'above 0' | 'from 50ms'> = new Map([
  ['backoff.base', 'above 0'],
  ['backoff.max', 'above 0'],
  ['baseEjectionTime', 'above 0'],
  ['connectTimeout', 'above 0'],
  ['delay.duration', 'above 0'],
  // 0: without end.
  ['idleTimeout', 'from 0'],
  ['interval', 'above 0'],
  ['maxAge', 'from 0'],
  ['maxEjectionTime', 'above 0'],
  // Without one: as long as the request may take.
  ['perTryTimeout', 'from 0'],
  // Envoy fills no bucket more often (local_rate_limit.proto).
  ['rateLimit.per', 'from 50ms'],
  // 0: without end.
  ['timeout', 'from 0'],
]);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds: an Envoy counts nanoseconds in 64 bits, and refuses what is longer than these 292 years, though
 * google.protobuf.Duration can hold 10,000.
 */
const LONGEST = 9_223_372_036_000;

type Path = Problem['path'];

/**
 * The same with durations in milliseconds.
 * @param value of the right shape
 * @param onProblem told of durations that are too long for a client of xDS, and of times of 0 that all its clients refuse
 */
export function inMilliseconds(value: unknown, onProblem: (problem: Problem) => void): unknown {
  return convert(value, [], onProblem);
}

function convert(value: unknown, path: Path, onProblem: (problem: Problem) => void): unknown {
  if (Array.isArray(value)) return value.map((each, index) => convert(each, [...path, index], onProblem));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, convert(each, [...path, name], onProblem)]),
    );
  const kind = DURATIONS.get(String(path.at(-1))) ?? DURATIONS.get(path.slice(-2).join('.'));
  if (typeof value !== 'string' || kind === undefined) return value;
  const [, digits, unit] = /^([\d.]+)(ms|s|m|h)$/.exec(value) ?? [];
  if (digits === undefined) return value;
  const milliseconds = Number(digits) * UNITS[unit!]!;
  const where = path.join('.');
  if (milliseconds > LONGEST)
    onProblem({ path, message: `${where} is ${value}; the longest duration is 9223372036s, 292 years` });
  if (milliseconds === 0 && kind === 'above 0')
    onProblem({ path, message: `${where} is ${value}; a time of more than 0 is accepted` });
  if (milliseconds < 50 && kind === 'from 50ms')
    onProblem({
      path,
      message: `${where} is ${value}; 50ms and more are accepted: say more requests in a longer time`,
    });
  return milliseconds;
}
