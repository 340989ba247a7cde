/** How texts and headers are compared, in xDS' words. */
import type { HeaderMatcher } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/HeaderMatcher.js';
import type { RouteMatch } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteMatch.js';
import type { StringMatcher } from '@grpc/grpc-js-xds/build/src/generated/envoy/type/matcher/v3/StringMatcher.js';
import type { HeaderPolicy, RoutePolicy } from '../../policy/types.ts';
import { fraction } from './state.ts';

export const escapeRegex = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** A pattern with `*` at one end: `/books/*`, `*.json`, `*`. */
export function starMatcher(pattern: string): StringMatcher {
  if (pattern.endsWith('*')) return { prefix: pattern.slice(0, -1) };
  if (pattern.startsWith('*')) return { suffix: pattern.slice(1) };
  return { exact: pattern };
}

export function headerMatcher({ name, invert, present, range, ...kinds }: HeaderPolicy): HeaderMatcher {
  const { exact, prefix, suffix, contains, regex } = kinds;
  const common = { name, ...(invert && { invert_match: true }) };
  if (range !== undefined) return { ...common, range_match: { start: range.from, end: range.to } };
  if (regex !== undefined) return { ...common, string_match: { safe_regex: { regex } } };
  if (exact !== undefined) return { ...common, string_match: { exact } };
  if (prefix !== undefined) return { ...common, string_match: { prefix } };
  if (suffix !== undefined) return { ...common, string_match: { suffix } };
  if (contains !== undefined) return { ...common, string_match: { contains } };
  return { ...common, present_match: present ?? true };
}

/** One of several methods. */
export const methodMatcher = (methods: readonly string[]): HeaderMatcher =>
  methods.length === 1
    ? { name: ':method', string_match: { exact: methods[0]! } }
    : { name: ':method', string_match: { safe_regex: { regex: methods.map(escapeRegex).join('|') } } };

export function routeMatch(match: RoutePolicy['match'] = {}): RouteMatch {
  const { path = { prefix: '/' }, methods, headers = [], percent } = match;
  return {
    ...(path.regex !== undefined && { safe_regex: { regex: path.regex } }),
    ...(path.exact !== undefined && { path: path.exact }),
    ...(path.prefix !== undefined && { prefix: path.prefix }),
    headers: [...(methods ? [methodMatcher(methods)] : []), ...headers.map(headerMatcher)],
    ...(percent !== undefined && { runtime_fraction: { default_value: fraction(percent) } }),
  };
}
