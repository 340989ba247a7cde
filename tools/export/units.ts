/** Compose's durations, sizes and words, as Kubernetes writes them. */
import { sha256 } from './digest.ts';

const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/**
 * A duration of compose (`1m30s`, `500ms`, a bare number of seconds) in whole seconds, rounded up: Kubernetes knows
 * no parts of one.
 */
export function seconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  if (/^\d+$/.test(duration)) return Number(duration);
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== duration) return undefined;
  return Math.ceil(parts.reduce((total, [, count, unit]) => total + Number(count) * SECONDS[unit!]!, 0) - 1e-9);
}

/** A size of compose (`256m`, `1gb`, `64MiB`, bytes) as a quantity: compose counts in powers of 1024. */
export function quantity(size: string | undefined): string | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?$/i.exec(size?.trim() ?? '');
  if (!match) return undefined;
  const unit = match[2]!.toLowerCase();
  if (unit === '' || unit === 'b') return String(Math.ceil(Number(match[1])));
  if (!match[1]!.includes('.')) return `${match[1]}${unit.toUpperCase()}i`;
  return String(Math.ceil(Number(match[1]) * 1024 ** (1 + 'kmgt'.indexOf(unit))));
}

/** The longest name (RFC 1123 label). */
const LONGEST = 63;

/**
 * A name that every kind of object takes (RFC 1123 label): one that is too long is cut, and ends with a digest of the
 * whole, so that two that begin alike stay two.
 * @param parts joined by dashes
 */
export function objectName(...parts: string[]): string {
  const name = parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (name.length <= LONGEST) return name || 'x';
  const digest = sha256(name).slice(0, 8);
  return `${name.slice(0, LONGEST - digest.length - 1).replace(/-+$/, '')}-${digest}`;
}

/**
 * A text for `command`, `args` or an environment's value, in which Kubernetes replaces `$(NAME)` and takes `$$` for
 * `$` (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, "env.value").
 */
export const literally = (text: string): string => text.replaceAll(/\$(?=[$(])/g, '$$$$');

/**
 * Words of a command line as a POSIX shell splits them, without expansions: how compose reads a command that is no
 * list.
 */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (letter === '\\' && quote !== "'" && at + 1 < line.length) {
      const next = line[++at]!;
      // Within double quotes a backslash stands before few letters only.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote !== '') {
      if (letter === quote) quote = '';
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  return word === undefined ? found : [...found, word];
}
