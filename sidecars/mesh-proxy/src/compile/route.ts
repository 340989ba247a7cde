/** Routes made ready for requests. */
import type { Request } from '#proxy/http/request.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { TokenBucket } from '../policy/token-bucket.ts';
import type { Cors, Fault, HeaderEdits, RateLimit } from '#mesh/model/policy.ts';
import type { HashPolicy, Route, RouteMatch, VirtualHost } from '#mesh/model/route.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';
import { RetryRules } from '../policy/retry-rules.ts';
import {
  fieldsTest,
  queryTest,
  regularExpression,
  textTest,
  type FieldsTest,
  type TextTest,
} from '../policy/matchers.ts';
import { Weighted } from './weighted.ts';

/** Finds a cluster by its name. @throws {ConfigurationRefused} */
export type ClusterLookup = (name: string, where: string) => MeshCluster;

/** Finds the bucket of a route by what the route is called. @throws {ConfigurationRefused} */
export type BucketLookup = (limit: RateLimit, route: unknown, where: string) => TokenBucket;

export interface CompiledFault {
  readonly fault: Fault;
  readonly applies: FieldsTest | undefined;
}

export interface CompiledCors {
  readonly cors: Cors;
  readonly isAllowed: TextTest;
}

export class CompiledRoute {
  readonly name: string;
  /** The paths that fit, as a pattern; undefined for all. */
  readonly pattern: string | undefined;
  readonly route: Route;
  readonly clusters: Weighted<MeshCluster> | undefined;
  readonly mirrors: readonly { readonly cluster: MeshCluster; readonly percent: number }[];
  readonly retry: RetryRules | undefined;
  readonly fault: CompiledFault | undefined;
  readonly cors: CompiledCors | undefined;
  readonly bucket: TokenBucket | undefined;
  readonly hash: readonly HashPolicy[] | undefined;
  readonly requestHeaders: HeaderEdits | undefined;
  readonly responseHeaders: HeaderEdits | undefined;
  readonly #path: PathTest;
  readonly #fields: FieldsTest | undefined;
  readonly #query: FieldsTest | undefined;
  readonly #percent: number;

  constructor(route: Route, where: string, lookup: ClusterLookup, bucketOf: BucketLookup) {
    const { match, clusters, mirror = [], retry, cors, fault, rateLimit } = route;
    this.route = route;
    this.name = route.name ?? where;
    this.pattern = patternOf(match.path);
    if ((clusters === undefined) === (route.reply === undefined))
      throw new ConfigurationRefused(`${where}: a route has either clusters or a reply`);
    this.clusters =
      clusters &&
      new Weighted(
        clusters.map(({ cluster, weight }) => [lookup(cluster, where), weight] as const),
        `${where}.clusters`,
      );
    this.mirrors = mirror.map(({ cluster, percent }) => ({ cluster: lookup(cluster, `${where}.mirror`), percent }));
    this.retry = retry && new RetryRules(retry, `${where}.retry`);
    this.fault = fault && { fault, applies: fieldsTest(fault.headers, `${where}.fault.headers`) };
    this.cors = cors && compileCors(cors, `${where}.cors`);
    this.bucket = rateLimit && bucketOf(rateLimit, route.name ?? match, `${where}.rateLimit`);
    this.hash = route.hash?.length === 0 ? undefined : route.hash;
    this.requestHeaders = route.requestHeaders;
    this.responseHeaders = route.responseHeaders;
    this.#path = pathTest(match.path, `${where}.match.path`);
    this.#fields = fieldsTest(match.headers, `${where}.match.headers`);
    this.#query = queryTest(match.query, `${where}.match.query`);
    this.#percent = match.percent ?? 100;
  }

  matches(request: Request): boolean {
    return (
      this.#path(request) &&
      (this.#fields === undefined || this.#fields(request)) &&
      (this.#query === undefined || this.#query(request)) &&
      (this.#percent >= 100 || Math.random() * 100 < this.#percent)
    );
  }
}

function compileCors(cors: Cors, where: string): CompiledCors {
  const tests = cors.origins.map((match, index) => textTest(match, `${where}.origins[${index}]`));
  return { cors, isAllowed: (origin) => tests.some((test) => test(origin)) };
}

function patternOf(path: RouteMatch['path']): string | undefined {
  if (path === undefined || ('prefix' in path && path.prefix === '/')) return undefined;
  return 'prefix' in path ? `${path.prefix}*` : 'exact' in path ? path.exact : path.regex;
}

type PathTest = (request: Request) => boolean;

function pathTest(path: RouteMatch['path'], where: string): PathTest {
  if (path === undefined) return () => true;
  if ('prefix' in path) {
    const { prefix } = path;
    if (prefix === '/') return () => true;
    // The target begins with the path.
    return (request) => request.path.startsWith(prefix);
  }
  if ('exact' in path) return (request) => request.path === path.exact;
  const expression = regularExpression(path.regex, where);
  return (request) => expression.test(request.path);
}

/** A virtual host's routes. */
export class CompiledHost {
  readonly name: string;
  readonly #routes: readonly CompiledRoute[];

  constructor({ name, routes }: VirtualHost, where: string, lookup: ClusterLookup, bucketOf: BucketLookup) {
    this.name = name;
    this.#routes = routes.map(
      (route, index) => new CompiledRoute(route, `${where}.${name}.routes[${index}]`, lookup, bucketOf),
    );
  }

  /** The first that fits. */
  find(request: Request): CompiledRoute | undefined {
    for (const route of this.#routes) if (route.matches(request)) return route;
    return undefined;
  }
}
