/** The parameters, as the parts of the sidecar read them. */
import type { Values } from '#kit/contract/parameters.ts';
import type { contract } from './contract.ts';
import type { CacheSettings } from './serving/settings.ts';

export type CacheParameters = Values<typeof contract.parameters>;

export function cacheSettings(parameters: CacheParameters): CacheSettings {
  const cookies = parameters.CACHE_COOKIES;
  return {
    defaultTtl: parameters.CACHE_DEFAULT_TTL / 1000,
    heuristic: Number(parameters.CACHE_HEURISTIC),
    negativeTtl: parameters.CACHE_NEGATIVE_TTL / 1000,
    staleWhileRevalidate: parameters.CACHE_STALE_WHILE_REVALIDATE / 1000,
    staleIfError: parameters.CACHE_STALE_IF_ERROR / 1000,
    key: {
      fields: parameters.CACHE_KEY_FIELDS.map((name) => name.toLowerCase()),
      ignoredQuery: parameters.CACHE_IGNORE_QUERY,
    },
    maxObject: parameters.CACHE_MAX_OBJECT,
    staleAfter: Math.min(parameters.CACHE_STALE_AFTER, parameters.CACHE_RESPONSE_TIMEOUT / 2),
    collapseTimeout: parameters.CACHE_COLLAPSE_TIMEOUT,
    ignoredCookies: cookies === 'safe' ? [] : cookies.slice('ignore:'.length).split(','),
    tagField: parameters.CACHE_TAG_FIELD,
  };
}
