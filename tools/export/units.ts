/** Compose's sizes, names and texts, as Kubernetes writes them. */
import { sha256 } from './digest.ts';

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
