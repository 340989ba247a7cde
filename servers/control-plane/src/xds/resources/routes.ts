/** Routes (RDS): of a port for proxies, and of a service's port for gRPC clients. */
import type { HeaderValueOption } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/core/v3/HeaderValueOption.js';
import type { RetryPolicy } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RetryPolicy.js';
import type { Route } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/Route.js';
import type { RouteAction } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteAction.js';
import type { VirtualHost } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/VirtualHost.js';
import type { CorsPolicy, Destination, RateLimitPolicy, RoutePolicy } from '../../policy/types.ts';
import { any } from './messages.ts';
import { headerMatcher, methodMatcher, routeMatch, stringMatcher, type Audience } from './matchers.ts';
import { clusterName, duration, fraction, grpcName, isHttp, type MeshState, type ServiceState } from './state.ts';

/** Names of filters, by which routes speak of them. */
export const CORS_FILTER = 'envoy.filters.http.cors';
export const FAULT_FILTER = 'envoy.filters.http.fault';
export const RATE_LIMIT_FILTER = 'envoy.filters.http.local_ratelimit';

/** Bytes of a request that are kept for a retry. */
const MAX_REPLAYED = 64 * 1024;

interface Place {
  readonly state: MeshState;
  readonly service: ServiceState;
  readonly port: number;
  readonly audience: Audience;
  /** The service whose requests they are for; absent: any for which there are none of its own. */
  readonly caller?: string | undefined;
}

/** A service on a port, by all of its names. */
export function virtualHost(place: Place): VirtualHost {
  const { service, port, audience, caller } = place;
  const policies = (service.policy.routes ?? []).filter(
    ({ port: only, match: { from } = {} }) =>
      (only === undefined || only === port) && (from === undefined || (caller !== undefined && from.includes(caller))),
  );
  return {
    name: `${service.name}:${port}`,
    domains: audience === 'grpc' ? ['*'] : service.hosts.flatMap((host) => [host, `${host}:${port}`]),
    routes: [...policies, { name: 'default' }].flatMap((policy) => routesOf(policy, place)),
    // A larger body is sent once, and not kept for a retry.
    ...(audience !== 'grpc' && { per_request_buffer_limit_bytes: { value: MAX_REPLAYED } }),
    ...(audience === 'envoy' && { response_headers_to_remove: [UNREACHED] }),
  };
}

/** To an Envoy a route without retries is two: requests that may be repeated are made again also where they were lost. */
function routesOf(written: RoutePolicy, place: Place): Route[] {
  const route = routeOf(written, place);
  if (place.audience !== 'envoy' || written.retry || !route.route) return [route];
  const headers = [...(route.match?.headers ?? []), IDEMPOTENT];
  const retry_policy = { ...route.route.retry_policy, ...LOST };
  return [{ ...route, match: { ...route.match, headers }, route: { ...route.route, retry_policy } }, route];
}

function routeOf(written: RoutePolicy, place: Place): Route {
  const reply = written.reply ?? replyInstead(written, place);
  if (reply !== undefined && place.audience === 'grpc') return routeOf(failing(written, reply.status), place);
  return routeWith(written, reply, place);
}

/** gRPC clients know no replies, and refuse all routes with one, or end: all calls fail with what gRPC makes of its status. */
const failing = ({ name, match }: RoutePolicy, status: number): RoutePolicy => ({
  ...(name !== undefined && { name }),
  ...(match && { match }),
  fault: { abort: { percent: 100, status } },
});

function routeWith(policy: RoutePolicy, reply: RoutePolicy['reply'], place: Place): Route {
  const { cors, fault, rateLimit, requestHeaders, responseHeaders } = policy;
  const filters = {
    ...(cors &&
      place.audience !== 'grpc' && {
        [CORS_FILTER]: any('envoy.extensions.filters.http.cors.v3.CorsPolicy', corsOf(cors)),
      }),
    ...(fault &&
      !isLeftOut(fault, place) && {
        [FAULT_FILTER]: any('envoy.extensions.filters.http.fault.v3.HTTPFault', faultOf(fault)),
      }),
    ...(rateLimit &&
      place.audience !== 'grpc' && { [RATE_LIMIT_FILTER]: any(LOCAL_RATE_LIMIT, rateLimitOf(rateLimit)) }),
  };
  return {
    ...(policy.name !== undefined && { name: policy.name }),
    match: routeMatch(policy.match, place.audience),
    ...(reply
      ? {
          direct_response: {
            status: reply.status,
            ...(reply.body !== undefined && { body: { inline_string: reply.body } }),
          },
        }
      : { route: actionOf(policy, place) }),
    ...(Object.keys(filters).length > 0 && { typed_per_filter_config: filters }),
    request_headers_to_add: additions(requestHeaders, place.audience),
    request_headers_to_remove: [...(requestHeaders?.remove ?? [])],
    response_headers_to_add: additions(responseHeaders, place.audience),
    response_headers_to_remove: [...(responseHeaders?.remove ?? [])],
  };
}

/** gRPC clients do not look at the headers of a fault: it would hit everybody. */
const isLeftOut = (
  { headers = [] }: NonNullable<RoutePolicy['fault']>,
  { audience }: Pick<Place, 'audience'>,
): boolean => audience === 'grpc' && headers.length > 0;

/** What of a service's routes gRPC clients do not get, in sentences: they would refuse all routes for it, or take it wrongly. */
export function leftOutForGrpc({ policy }: ServiceState): string[] {
  return (policy.routes ?? []).flatMap((route, index) => {
    const name = `route ${route.name ?? index}`;
    return [
      ...(route.reply ? [`${name}: its reply; calls fail with what gRPC makes of its status`] : []),
      ...(route.fault && isLeftOut(route.fault, { audience: 'grpc' })
        ? [`${name}: its fault, which is for some headers`]
        : []),
      ...(route.match?.from ? [`${name}: it is for requests of some services`] : []),
      ...(route.cors ? [`${name}: its cors`] : []),
      ...(route.rateLimit ? [`${name}: its rate limit`] : []),
      ...(route.mirror ? [`${name}: its mirror`] : []),
    ];
  });
}

const corsOf = ({ origins, methods, headers, exposeHeaders, maxAge, credentials }: CorsPolicy) => ({
  allow_origin_string_match: origins.map(stringMatcher),
  ...(methods && { allow_methods: methods.join(',') }),
  ...(headers && { allow_headers: headers.join(',') }),
  ...(exposeHeaders && { expose_headers: exposeHeaders.join(',') }),
  ...(maxAge !== undefined && { max_age: String(Math.floor(maxAge / 1000)) }),
  ...(credentials === true && { allow_credentials: { value: true } }),
});

const LOCAL_RATE_LIMIT = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

export const rateLimitOf = ({ requests, per, burst }: RateLimitPolicy) => ({
  stat_prefix: 'rate_limit',
  token_bucket: {
    max_tokens: burst ?? requests,
    tokens_per_fill: { value: requests },
    fill_interval: duration(per),
  },
  filter_enabled: { default_value: fraction(100) },
  filter_enforced: { default_value: fraction(100) },
});

function faultOf({ delay, abort, headers = [] }: NonNullable<RoutePolicy['fault']>) {
  return {
    ...(delay && { delay: { fixed_delay: duration(delay.duration), percentage: fraction(delay.percent) } }),
    ...(abort && {
      abort: {
        percentage: fraction(abort.percent),
        ...(abort.grpcStatus === undefined ? { http_status: abort.status ?? 503 } : { grpc_status: abort.grpcStatus }),
      },
    }),
    headers: headers.map((each) => headerMatcher(each)),
  };
}

export function additions(edits: RoutePolicy['requestHeaders'], audience: Audience = 'proxy'): HeaderValueOption[] {
  // To Envoy a value is a format, in which % begins a command.
  const literal = (value: string): string => (audience === 'envoy' ? value.replaceAll('%', '%%') : value);
  const options = (
    values: Readonly<Record<string, string>> = {},
    append_action: NonNullable<HeaderValueOption['append_action']>,
  ) => Object.entries(values).map(([key, value]) => ({ header: { key, value: literal(value) }, append_action }));
  return [...options(edits?.set, 'OVERWRITE_IF_EXISTS_OR_ADD'), ...options(edits?.add, 'APPEND_IF_EXISTS_OR_ADD')];
}

function actionOf(policy: RoutePolicy, place: Place): RouteAction {
  const { timeout, idleTimeout, retry, mirror, hash, rewrite } = policy;
  const destinations = (policy.to ?? [{ weight: 1 }]).filter((each) => isThere(each, place));
  const targets = destinations.map((each) => ({ name: targetOf(each, place), weight: { value: each.weight } }));
  const grpc = place.audience === 'grpc';
  const elsewhere = { ...(!grpc && ELSEWHERE), ...(place.audience === 'envoy' && FURTHER) };
  return {
    ...(targets.length === 1 ? { cluster: targets[0]!.name } : { weighted_clusters: { clusters: targets } }),
    // Envoy's default is 15 s, and gRPC's is none.
    timeout: duration(timeout ?? 0),
    ...(grpc && timeout !== undefined && { max_stream_duration: { max_stream_duration: duration(timeout) } }),
    ...(idleTimeout !== undefined && { idle_timeout: duration(idleTimeout) }),
    ...(retry && { retry_policy: { ...retryOf(retry), ...elsewhere } }),
    ...(!retry && place.audience === 'envoy' && { retry_policy: { ...UNTOUCHED, ...elsewhere } }),
    ...(mirror && {
      request_mirror_policies: mirror
        .filter((each) => isThere(each, place))
        .map((each) => ({
          cluster: targetOf(each, place),
          runtime_fraction: { default_value: fraction(each.percent) },
        })),
    }),
    ...(hash && {
      hash_policy: hash.map((each) =>
        'header' in each
          ? { header: { header_name: each.header }, terminal: true }
          : { connection_properties: { source_ip: true }, terminal: true },
      ),
    }),
    ...(rewrite?.prefix !== undefined && { prefix_rewrite: rewrite.prefix }),
    ...(rewrite?.authority !== undefined && { host_rewrite_literal: rewrite.authority }),
  };
}

/**
 * LEAST_REQUEST draws two endpoints at random and takes the idler one, which is the one that nobody can reach: beside
 * one good endpoint three draws of four. An Envoy that has drawn so often takes what it has, so five draws are too few.
 */
const DRAWS = 64;

/** Not where it has failed, which Envoy would try again as well as any other. */
const ELSEWHERE: RetryPolicy = {
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: any('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
    },
  ],
  host_selection_retry_max_attempts: DRAWS,
};

/** Nor in a zone all of whose replicas have failed it. */
const FURTHER: RetryPolicy = {
  retry_priority: {
    name: 'envoy.retry_priorities.previous_priorities',
    typed_config: any('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
      update_frequency: 1,
    }),
  },
};

/**
 * In a 503 of the proxy beside an application, an Envoy or ours: this took no connection, so that nothing was done about the
 * request. Proxies of both kinds understand it of each other (mesh-proxy, cluster/unreached.ts).
 */
export const UNREACHED = 'mesh-unreached';

/** What our proxy does of its own accord, and Istio has an Envoy do: a request that nobody took is made again. */
const UNTOUCHED: RetryPolicy = {
  retry_on: 'connect-failure,refused-stream,reset-before-request,retriable-headers',
  retriable_headers: [{ name: UNREACHED, present_match: true }],
  num_retries: { value: 3 },
};

/** RFC 9110, section 9.2.2 */
const IDEMPOTENT = methodMatcher(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

/** Our proxy does so once; an Envoy counts all tries together. */
const LOST: RetryPolicy = { retry_on: `${UNTOUCHED.retry_on},reset`, num_retries: { value: 2 } };

function retryOf({
  on,
  attempts = 1,
  perTryTimeout,
  statusCodes,
  backoff,
}: NonNullable<RoutePolicy['retry']>): RetryPolicy {
  return {
    retry_on: on.join(','),
    num_retries: { value: attempts },
    ...(perTryTimeout !== undefined && { per_try_timeout: duration(perTryTimeout) }),
    ...(statusCodes && { retriable_status_codes: [...statusCodes] }),
    ...(backoff && { retry_back_off: { base_interval: duration(backoff.base), max_interval: duration(backoff.max) } }),
  };
}

/** A service that could not be made has no clusters: a client would refuse a route that names one, and all else with it. */
const isThere = ({ service: name }: Partial<Destination>, { state }: Place): boolean =>
  name === undefined || state.services.some((each) => each.name === name);

/** What is answered where nothing is left that a route could lead to. */
function replyInstead({ to }: RoutePolicy, place: Place): RoutePolicy['reply'] {
  const left = to?.filter((each) => isThere(each, place));
  if (!to || left!.some(({ weight }) => weight > 0)) return undefined;
  const names = to.flatMap(({ service }) => service ?? []).join(', ');
  return { status: 503, body: `The control plane could not publish ${names}; its log says why.\n` };
}

/** The cluster of a destination: on the same port, or on the first for HTTP where the other service lacks it. */
function targetOf({ service: name, subset }: Partial<Destination>, { state, service, port, audience }: Place): string {
  const target = name === undefined ? service : state.services.find((each) => each.name === name)!;
  const same = target.ports.some((each) => each.port === port);
  const targetPort = same ? port : (target.ports.find(isHttp)?.port ?? port);
  return (audience === 'grpc' ? grpcName : clusterName)(targetPort, subset, target.name);
}
