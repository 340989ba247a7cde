/** Routes (RDS). */
import { RETRY_CONDITIONS, type Cors, type Fault, type Retry, type RetryCondition } from '../../model/policy.ts';
import type { QueryMatch } from '../../model/match.ts';
import type { HashPolicy, Route as RouteModel, RouteMatch, VirtualHost, WeightedCluster } from '../../model/route.ts';
import type { Read } from '../wire/protobuf.ts';
import { CorsPolicy, HttpFault, type Route, type RouteConfiguration } from '../wire/schema.ts';
import {
  defined,
  headerEdits,
  headerMatch,
  isOf,
  LONGEST_TIMER,
  percent,
  rateLimit,
  ResourceRefused,
  stringMatch,
  timer,
  unpack,
  unwrap,
} from './common.ts';

type RouteMessage = Read<typeof Route>;
type Action = NonNullable<RouteMessage['route']>;

/** @throws {ResourceRefused} */
export function virtualHosts(configuration: Read<typeof RouteConfiguration>): VirtualHost[] {
  return configuration.virtual_hosts.map(({ name = '', domains, routes }) => ({
    name,
    domains,
    routes: routes.map(route),
  }));
}

function route(message: RouteMessage): RouteModel {
  const { name, route: action, direct_response: direct } = message;
  if (!action && !direct) throw new ResourceRefused(`route ${name ?? ''} has neither destinations nor a response`);
  return {
    match: routeMatch(message.match),
    ...defined({
      name,
      reply: direct && {
        status: direct.status ?? 200,
        ...defined({ body: direct.body?.inline_string ?? direct.body?.inline_bytes?.toString() }),
      },
      ...(action && destinations(action)),
      ...filters(message),
      requestHeaders: headerEdits(message.request_headers_to_add, message.request_headers_to_remove),
      responseHeaders: headerEdits(message.response_headers_to_add, message.response_headers_to_remove),
    }),
  };
}

function routeMatch(match: RouteMessage['match']): RouteMatch {
  const {
    prefix,
    path,
    safe_regex,
    headers = [],
    query_parameters: query = [],
    runtime_fraction,
  } = match ?? ({} as Partial<NonNullable<RouteMessage['match']>>);
  const chosen =
    path !== undefined
      ? { exact: path }
      : safe_regex
        ? { regex: safe_regex.regex ?? '' }
        : prefix !== undefined && prefix !== '/' && prefix !== ''
          ? { prefix }
          : undefined;
  return defined({
    path: chosen,
    headers: headers.length > 0 ? headers.map(headerMatch) : undefined,
    query: query.length > 0 ? query.map(queryMatch) : undefined,
    percent: runtime_fraction && percent(runtime_fraction.default_value),
  });
}

type QueryMessage = NonNullable<RouteMessage['match']>['query_parameters'][number];

function queryMatch({ name = '', string_match, present_match }: QueryMessage): QueryMatch {
  // Another kind would be taken for every request that has the parameter.
  if (present_match === false)
    throw new ResourceRefused(`the query parameter ${name} must not be there: not known here`);
  return { name, ...(string_match && { value: stringMatch(string_match) }) };
}

function destinations(action: Action): Partial<RouteModel> {
  const {
    timeout,
    idle_timeout,
    retry_policy,
    request_mirror_policies: mirrors,
    hash_policy: hashes,
    prefix_rewrite,
    host_rewrite_literal,
  } = action;
  const rewrite = defined({ prefix: prefix_rewrite || undefined, authority: host_rewrite_literal || undefined });
  return defined({
    clusters: clusters(action),
    // xDS: without one, 15 s; 0 for none.
    timeout: timer(timeout) ?? 15_000,
    idleTimeout: timer(idle_timeout),
    retry: retry_policy && retry(retry_policy),
    mirror:
      mirrors.length > 0
        ? mirrors.map(({ cluster = '', runtime_fraction }) => ({
            cluster,
            percent: percent(runtime_fraction?.default_value),
          }))
        : undefined,
    hash: hashes.length > 0 ? hashes.map(hash) : undefined,
    rewrite: Object.keys(rewrite).length > 0 ? rewrite : undefined,
  });
}

function clusters({ cluster, weighted_clusters }: Action): WeightedCluster[] {
  if (cluster !== undefined) return [{ cluster, weight: 1 }];
  if (!weighted_clusters) throw new ResourceRefused('a route names no cluster');
  return weighted_clusters.clusters.map(({ name = '', weight }) => ({ cluster: name, weight: unwrap(weight) ?? 0 }));
}

function hash({ header, connection_properties }: Action['hash_policy'][number]): HashPolicy {
  if (header?.header_name !== undefined) return { header: header.header_name };
  if (connection_properties?.source_ip === true) return { source: true };
  throw new ResourceRefused('a hash policy of a kind that is not known here');
}

const isCondition = (text: string): text is RetryCondition => (RETRY_CONDITIONS as readonly string[]).includes(text);

function retry({
  retry_on = '',
  num_retries,
  per_try_timeout,
  retriable_status_codes,
  retry_back_off,
}: NonNullable<Action['retry_policy']>): Retry {
  const on = retry_on
    .split(',')
    .map((each) => each.trim())
    .filter(isCondition);
  const base = timer(retry_back_off?.base_interval);
  return {
    on,
    ...defined({
      attempts: unwrap(num_retries),
      perTryTimeout: timer(per_try_timeout),
      statusCodes: retriable_status_codes.length > 0 ? retriable_status_codes : undefined,
      // xDS: at most ten times the base.
      backoff:
        base === undefined
          ? undefined
          : { base, max: timer(retry_back_off?.max_interval) ?? Math.min(base * 10, LONGEST_TIMER) },
    }),
  };
}

function filters({ typed_per_filter_config }: RouteMessage): Partial<RouteModel> {
  const configs = Object.values(typed_per_filter_config);
  const faults = configs.find((each) => isOf(each, 'envoy.extensions.filters.http.fault.v3.HTTPFault'));
  const limits = configs.find((each) => isOf(each, 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'));
  const cors = configs.find((each) => isOf(each, CORS));
  return defined({
    cors: cors && corsOf(unpack(cors, CORS, CorsPolicy)),
    fault: faults && fault(unpack(faults, 'envoy.extensions.filters.http.fault.v3.HTTPFault', HttpFault)),
    rateLimit: limits && rateLimit(limits),
  });
}

const CORS = 'envoy.extensions.filters.http.cors.v3.CorsPolicy';

function corsOf(policy: Read<typeof CorsPolicy>): Cors {
  return {
    origins: policy.allow_origin_string_match.map(stringMatch),
    ...defined({
      methods: policy.allow_methods,
      headers: policy.allow_headers,
      exposeHeaders: policy.expose_headers,
      maxAge: policy.max_age,
      credentials: policy.allow_credentials?.value,
    }),
  };
}

function fault({ delay, abort, headers }: Read<typeof HttpFault>): Fault {
  return defined({
    delay: delay && { percent: percent(delay.percentage), duration: timer(delay.fixed_delay) ?? 0 },
    abort: abort && {
      percent: percent(abort.percentage),
      status: abort.http_status ?? 200,
      ...defined({ grpcStatus: abort.grpc_status }),
    },
    headers: headers.length > 0 ? headers.map(headerMatch) : undefined,
  });
}
