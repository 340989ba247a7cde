/** The cache sidecar's contract: what it takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { accessLines, accessLogParameters } from '#proxy/filters/access-log.ts';
import { applicationParameters, DAY, frontParameters } from '#proxy/front-parameters.ts';
import { refusalMetrics } from '#proxy/refusals.ts';
import { spanMetrics } from '#proxy/tracing/metrics.ts';
import { alerts } from './alerts.ts';

const YEAR = 365 * DAY;
const FIELD = /^[!#$%&'*+.^_`|~\w-]+$/;

export const contract = defineContract({
  name: 'cache',
  version: '1.8.0',
  description:
    'A shared HTTP cache (RFC 9111) in front of an unmodified application. It goes on answering while the application is down.',
  prefixes: ['CACHE_', 'PROXY_'],
  accessLines,
  adminPort: '9907',
  deploy: {
    // CACHE_MEMORY, and what it takes without any; connections.
    memory: '256m',
    appPort: 'PROXY_PORT',
    example: { PROXY_PORT: '8080' },
  },
  parameters: {
    ...applicationParameters,
    CACHE_LISTEN_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on; 127.0.0.1 behind another proxy of the pod',
    },
    CACHE_LISTEN_PORT: { type: 'port', default: '8070', description: 'Port for HTTP' },
    CACHE_PUBLIC_PORT: {
      type: 'port',
      default: '80',
      description: 'Port as clients see it, for X-Forwarded-Port when a request names none',
    },

    CACHE_MEMORY: {
      type: 'size',
      unit: 'bytes',
      default: '64MiB',
      min: 1024 * 1024,
      max: 1024 ** 4,
      description:
        'Memory for stored responses; somewhat less than half holds them, the rest is for what is on its way and what the allocator leaves unused',
    },
    CACHE_DISK: {
      type: 'size',
      unit: 'bytes',
      default: '0',
      max: 1024 ** 5,
      description: 'What is kept in CACHE_DIR besides, and outlives a restart, at most 50,000 responses; 0 for none',
    },
    CACHE_DIR: {
      type: 'path',
      default: '/var/cache/sidecar',
      description: 'Directory of CACHE_DISK; of this sidecar alone',
    },
    CACHE_MAX_OBJECT: {
      type: 'size',
      unit: 'bytes',
      default: '8MiB',
      min: 1,
      max: 1024 ** 3,
      description: 'Largest body that is stored; longer ones pass through',
    },
    CACHE_MAX_VARIANTS: {
      type: 'integer',
      default: '32',
      min: 1,
      max: 1024,
      description: 'Most stored responses of one URL that differ by Vary',
    },
    CACHE_DEFAULT_TTL: {
      type: 'duration',
      unit: 's',
      default: '0',
      max: YEAR,
      description: 'Freshness of a response that says nothing of it and has no Last-Modified; 0 for none',
    },
    CACHE_NEGATIVE_TTL: {
      type: 'duration',
      unit: 's',
      default: '1s',
      max: YEAR,
      description:
        'Freshness of a 404 or 410 that says nothing of it, and of a 500, 502, 503 or 504 that several requests waited for; 0 for none',
    },
    CACHE_HEURISTIC: {
      type: 'string',
      default: '0.1',
      pattern: /^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/,
      accepts: 'a number from 0 to 1',
      description:
        'Part of the time since Last-Modified for which a response that says nothing else is fresh, at most a day; 0 for none',
    },
    CACHE_STALE_WHILE_REVALIDATE: {
      type: 'duration',
      unit: 's',
      default: '0',
      max: YEAR,
      description: 'How long after its freshness a response answers while it is asked about, unless it says it itself',
    },
    CACHE_STALE_IF_ERROR: {
      type: 'duration',
      unit: 's',
      default: '1h',
      max: YEAR,
      description:
        'How long after its freshness a response answers while the application is down or answers with 500, 502, 503 or 504, unless it says it itself',
    },
    CACHE_STALE_AFTER: {
      type: 'duration',
      unit: 's',
      default: '1s',
      max: DAY,
      description:
        'How long a request waits for an application that hangs before a stale response answers, where CACHE_STALE_IF_ERROR allows one',
    },
    CACHE_COLLAPSE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '5s',
      max: DAY,
      description:
        "How long requests wait for the beginning of an answer to another one's; then one more is sent, for all of them",
    },
    CACHE_KEY_FIELDS: {
      type: 'list',
      default: '',
      pattern: FIELD,
      accepts: 'a comma-separated list of field names',
      description: 'Request fields that are part of the key, besides scheme, host, path and query',
    },
    CACHE_IGNORE_QUERY: {
      type: 'list',
      default: '',
      pattern: /^[^\s&=#]+$/,
      accepts: 'a comma-separated list of parameter names; utm_* for all that begin so',
      description: 'Parameters of the query that are not part of the key',
    },
    CACHE_COOKIES: {
      type: 'string',
      default: 'safe',
      pattern: /^(?:safe|ignore:[^\s;=,]+(?:,[^\s;=,]+)*)$/,
      accepts: 'safe, or ignore: and a comma-separated list of cookie names (_ga* for all that begin so)',
      description:
        'safe: the answer to a request with cookies is stored only if it says that it is for all; ignore:LIST: these cookies are taken off, and count for nothing',
    },
    CACHE_TAG_FIELD: {
      type: 'string',
      default: 'Surrogate-Key',
      pattern: FIELD,
      accepts: 'a field name',
      description: 'Response field with the tags that a purge may name',
    },
    CACHE_PURGE_FROM: {
      type: 'list',
      default: '127.0.0.1',
      pattern: /^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/,
      accepts: 'a comma-separated list of IP addresses and networks, as 10.0.0.0/8',
      description: 'Who may purge, and list what is stored',
    },
    CACHE_PURGE_TOKEN: {
      type: 'string',
      secret: true,
      description:
        'Bearer token that a purge, and a list of what is stored, must show besides; none where it is not set',
    },

    ...frontParameters('CACHE_', { maxConnections: '10000', maxHeaderSize: '16KiB' }),
    ...accessLogParameters,
    ...tracingParameters,
  },
  ports: {
    http: { parameter: 'CACHE_LISTEN_PORT', description: 'HTTP for clients, or for the proxy in front' },
  },
  endpoints: {
    '/purge':
      'POST with {"url"}, {"prefix"} or {"tag"}, and "soft": true to keep what may answer stale; answers {"purged": N}; only from CACHE_PURGE_FROM, with CACHE_PURGE_TOKEN',
    '/objects':
      'what is stored, the last used first, as JSON: ?prefix=… and ?limit=… (100); only from CACHE_PURGE_FROM, with CACHE_PURGE_TOKEN',
  },
  paths: { CACHE_DIR: 'stored responses, where CACHE_DISK is not 0; not an interface' },
  alerts,
  metrics: {
    cache_requests_total: {
      type: 'counter',
      labels: ['result'],
      help: 'Requests by result: hit, stale, revalidated, miss, collapsed (shared the answer to another one), pass (not for the cache)',
      bad: 'a share of hits that falls; many stale: the application does not answer',
    },
    cache_origin_requests_total: {
      type: 'counter',
      labels: ['code'],
      help: 'Answers of the application by class of status (2xx, …); none where there was none',
      bad: '5xx and none; a rise while requests stay the same',
    },
    cache_objects: { type: 'gauge', help: 'Stored responses in memory', bad: 'nothing by itself' },
    cache_bytes: {
      type: 'gauge',
      labels: ['store'],
      help: 'What stored responses take, by store: memory, disk',
      bad: 'at its limit while evictions rise',
    },
    cache_evictions_total: {
      type: 'counter',
      labels: ['reason'],
      help: 'Responses that left a store: memory (its limit), variants, replaced, invalidated, purged; disk (its limit), damaged (a file that was not whole)',
      bad: 'a high rate for memory or disk: the store is too small; any damaged',
    },
    cache_purges_total: {
      type: 'counter',
      labels: ['kind'],
      help: 'Purges that were asked for: url, prefix, tag',
      bad: 'many a second: the cache keeps nothing',
    },
    cache_connections_open: { type: 'gauge', help: "Clients' connections", bad: 'near CACHE_MAX_CONNECTIONS' },
    cache_requests_in_flight: {
      type: 'gauge',
      help: 'Requests under way',
      bad: 'a rise that does not end: the application is slow',
    },
    cache_request_duration_seconds: {
      type: 'histogram',
      help: 'From the head of a request to the end of its response, in seconds; code is the status class, or none',
      bad: 'p50 of hits above milliseconds; codes 5xx and none',
      labels: ['method', 'code'],
    },
    ...refusalMetrics('cache'),
    ...spanMetrics('cache'),
    cache_requests_rejected_total: {
      type: 'counter',
      labels: ['reason'],
      help: 'Requests that were refused without asking the application',
      bad: 'a sudden rise of one reason',
    },
    cache_upstream_errors_total: {
      type: 'counter',
      labels: ['reason'],
      help: 'Requests to the application that failed',
      bad: 'more than 5 % of the requests to the application',
    },
    cache_app_up: { type: 'gauge', help: '1 while the application accepts connections', bad: '0' },
    cache_internal_errors_total: {
      type: 'counter',
      help: 'Exceptions that ended a request: a defect, which the log tells of',
      bad: 'any: a defect',
    },
  },
});
