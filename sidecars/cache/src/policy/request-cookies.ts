/** Cookies that say something about who asks, and those that do not. */
import { matchesAny } from './keys.ts';

/**
 * A Cookie field without the cookies that an operator said the application does not read.
 * @param ignored names; `prefix*` for all that begin so
 * @returns undefined when none is left
 */
export function countingCookies(value: string, ignored: readonly string[]): string | undefined {
  if (ignored.length === 0) return value;
  const kept = value
    .split(/;|,\s*(?=[^;,=]+=)/)
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !matchesAny(pair.split('=', 1)[0]!.trim(), ignored));
  return kept.length === 0 ? undefined : kept.join('; ');
}
