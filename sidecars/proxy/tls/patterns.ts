/** Allow-list patterns for the three kinds of names that a client certificate carries. */
import { normalizeDnsName, wildcardOf } from './subject-alt-names.ts';

/** Does a name match? */
export type Matcher = (name: string) => boolean;

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/**
 * Common names, case-sensitive; `*` stands for any run of characters, also none.
 * @param pattern as the parameter holds it
 */
export function commonNamePattern(pattern: string): Matcher {
  const expression = new RegExp(`^${pattern.split(/\*+/).map(literal).join('.*')}$`, 's');
  return (name) => expression.test(name);
}

/**
 * DNS names, in any case; a leading `*.` stands for exactly one label. A wildcard in a client's own
 * certificate names nobody, and matches nothing.
 * @param pattern as the parameter holds it
 * @returns undefined when it is neither a host name nor `*.` and one
 */
export function dnsPattern(pattern: string): Matcher | undefined {
  const wanted = normalizeDnsName(pattern);
  if (wanted === undefined) return undefined;
  return (name) => {
    const host = normalizeDnsName(name);
    if (host === undefined || host.startsWith('*.')) return false;
    return wanted.startsWith('*.') ? wildcardOf(host) === wanted : host === wanted;
  };
}

/**
 * URIs, letter by letter; `*` stands for a run of characters within one path segment, `**` for one
 * across segments; neither matches `?` or `#`. A URI with empty, `.` or `..` segments matches no
 * pattern with a wildcard, since a reader of it might resolve it to another path.
 * @param pattern as the parameter holds it
 * @returns undefined when it has no scheme
 */
export function uriPattern(pattern: string): Matcher | undefined {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:./.test(pattern)) return undefined;
  if (!pattern.includes('*')) return (uri) => uri === pattern;
  const parts = pattern
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/?#]*' : part.startsWith('*') ? '[^?#]*' : literal(part)));
  const expression = new RegExp(`^${parts.join('')}$`, 's');
  return (uri) => expression.test(uri) && hasPlainPath(uri);
}

function hasPlainPath(uri: string): boolean {
  const rest = uri.replace(/^[^:]*:(?:\/\/)?/, '').replace(/[?#].*$/s, '');
  return rest.split('/').every((segment) => segment !== '' && !/^(?:\.|%2e){1,2}$/i.test(segment));
}
