/** How texts and headers are compared, in xDS' words. */
import type { HeaderMatcher } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/HeaderMatcher.js';
import type { QueryParameterMatcher } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/QueryParameterMatcher.js';
import type { RouteMatch } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteMatch.js';
import type { StringMatcher } from '@grpc/grpc-js-xds/build/src/generated/envoy/type/matcher/v3/StringMatcher.js';
import type { HeaderPolicy, QueryPolicy, RoutePolicy } from '../../policy/types.ts';
import { fraction } from './state.ts';

export const escapeRegex = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** A pattern with `*` at one end: `/books/*`, `*.json`, `*`. */
export function starMatcher(pattern: string): StringMatcher {
  if (pattern.endsWith('*')) return { prefix: pattern.slice(0, -1) };
  if (pattern.startsWith('*')) return { suffix: pattern.slice(1) };
  return { exact: pattern };
}

/** For whom a resource is: gRPC clients know fewer fields, and clusters of their own. */
export type Audience = 'proxy' | 'grpc' | 'envoy';

export function headerMatcher(
  { name, invert, present, range, ...kinds }: HeaderPolicy,
  audience: Audience = 'proxy',
): HeaderMatcher {
  const { exact, prefix, suffix, contains, regex } = kinds;
  const common = { name, ...(invert && { invert_match: true }) };
  if (range !== undefined) return { ...common, range_match: { start: range.from, end: range.to } };
  if (audience === 'grpc') {
    // grpcio 1.51 knows the fields alone that came before string_match, and refuses all routes with one of those.
    if (regex !== undefined) return { ...common, safe_regex_match: { regex } };
    if (exact !== undefined) return { ...common, exact_match: exact };
    if (prefix !== undefined) return { ...common, prefix_match: prefix };
    if (suffix !== undefined) return { ...common, suffix_match: suffix };
    if (contains !== undefined) return { ...common, safe_regex_match: { regex: `.*${escapeRegex(contains)}.*` } };
  }
  const string_match = stringMatcher(kinds);
  return string_match ? { ...common, string_match } : { ...common, present_match: present ?? true };
}

/** One of several methods. */
export const methodMatcher = (methods: readonly string[], audience: Audience = 'proxy'): HeaderMatcher =>
  headerMatcher(
    {
      name: ':method',
      ...(methods.length === 1 ? { exact: methods[0]! } : { regex: methods.map(escapeRegex).join('|') }),
    },
    audience,
  );

/** @returns undefined where no kind is named */
export function stringMatcher({
  exact,
  prefix,
  suffix,
  contains,
  regex,
}: Omit<QueryPolicy, 'name'>): StringMatcher | undefined {
  if (regex !== undefined) return { safe_regex: { regex } };
  if (exact !== undefined) return { exact };
  if (prefix !== undefined) return { prefix };
  if (suffix !== undefined) return { suffix };
  return contains === undefined ? undefined : { contains };
}

function queryMatcher({ name, ...kinds }: QueryPolicy): QueryParameterMatcher {
  const string_match = stringMatcher(kinds);
  return string_match ? { name, string_match } : { name, present_match: true };
}

export function routeMatch(match: RoutePolicy['match'] = {}, audience: Audience = 'proxy'): RouteMatch {
  const { path = { prefix: '/' }, methods, headers = [], query, percent } = match;
  return {
    ...(path.regex !== undefined && { safe_regex: { regex: path.regex } }),
    ...(path.exact !== undefined && { path: path.exact }),
    ...(path.prefix !== undefined && { prefix: path.prefix }),
    headers: [
      ...(methods ? [methodMatcher(methods, audience)] : []),
      ...headers.map((each) => headerMatcher(each, audience)),
    ],
    ...(query && { query_parameters: query.map(queryMatcher) }),
    ...(percent !== undefined && { runtime_fraction: { default_value: fraction(percent) } }),
  };
}
