/** When certificates are made, trusted and served: functions of what is stored and of the clock. */
import type { Pair } from './pair.ts';

/** A certificate is renewed when this part of its lifetime is left. */
const RENEWED_AT = 1 / 3;

/** Those that have not ended, the youngest first. */
export const valid = (pairs: readonly Pair[], now: number): Pair[] =>
  pairs.filter(({ notAfter }) => notAfter > now).toSorted((a, b) => b.notAfter - a.notAfter);

/** Whether another one is to be made. @param lifetime of a new one, in milliseconds */
export function isDue(pairs: readonly Pair[], lifetime: number, now: number): boolean {
  const [youngest] = valid(pairs, now);
  return youngest === undefined || youngest.notAfter - now < lifetime * RENEWED_AT;
}

/** What the API server is to trust. */
export const bundleOf = (pairs: readonly Pair[], now: number): string =>
  valid(pairs, now)
    .map(({ cert }) => cert)
    .join('');

/**
 * The certificate to serve: the youngest that the API server was told of long enough ago to have heard of it, and until
 * there is one the oldest that it was told of.
 * @param told since when each certificate is in the configuration, by its PEM
 * @param delay how long an API server may take to notice, in milliseconds
 */
export function served(
  pairs: readonly Pair[],
  told: ReadonlyMap<string, number>,
  delay: number,
  now: number,
): Pair | undefined {
  const trusted = valid(pairs, now).filter(({ cert }) => told.has(cert));
  return trusted.find(({ cert }) => now - told.get(cert)! >= delay) ?? trusted.at(-1);
}
