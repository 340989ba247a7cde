/** What a schema cannot say: names that must stand somewhere else, numbers that must fit together. */
import { isIP } from 'node:net';
import { parseCidr } from './cidr.ts';
import { entryOf } from './entry.ts';
import { ExpressionRoom, problemOfExpression } from './re2.ts';
import type {
  AuthorizationRulePolicy,
  Destination,
  HeaderPolicy,
  Policy,
  RoutePolicy,
  ServicePolicy,
} from './types.ts';

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Its last label has a letter, or it would be a mistyped address (RFC 1123, section 2.1). */
const HOST_NAME =
  /^(?:[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?=[a-z0-9-]*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const KINDS = ['exact', 'prefix', 'suffix', 'contains', 'regex', 'present', 'range'] as const;

/** All that contradicts itself. */
export function semanticProblems(policy: Policy): Problem[] {
  const hosts = new Map<string, string>();
  const room = new ExpressionRoom();
  return Object.entries(policy.services).flatMap(([name, service]) => {
    const at = ['services', name] as const;
    const taken = [name, ...(service.hosts ?? [])].flatMap((host, index) => {
      const other = hosts.get(host);
      hosts.set(host, name);
      const path = index === 0 ? at : [...at, 'hosts', index - 1];
      return other === undefined || other === name ? [] : [{ path, message: `${host} is a host of ${other}, too` }];
    });
    return [
      ...taken,
      ...problemsOfPorts(service, at),
      ...problemsOfEjection(service, at),
      ...(service.endpoints ?? []).flatMap((address, index) =>
        isIP(address) > 0 || HOST_NAME.test(address)
          ? []
          : [{ path: [...at, 'endpoints', index], message: `${address} is neither an IP address nor a DNS name` }],
      ),
      ...(service.routes ?? []).flatMap((route, index) =>
        problemsOfRoute(route, name, policy, [...at, 'routes', index], expressionsOf(service, room)),
      ),
      ...duplicates(service.routes ?? [], [...at, 'routes'], 'route'),
      ...(service.authorization?.rules ?? []).flatMap((rule, index) =>
        problemsOfRule(rule, [...at, 'authorization', 'rules', index], expressionsOf(service, room)),
      ),
      ...duplicates(service.authorization?.rules ?? [], [...at, 'authorization', 'rules'], 'rule'),
    ];
  });
}

function problemsOfPorts({ ports = [], routes = [], endpoints }: ServicePolicy, at: Problem['path']): Problem[] {
  const seen = new Set<number>();
  const problems: Problem[] = ports.flatMap((each, index) => {
    const { port, protocol, rateLimit } = each;
    const path = [...at, 'ports', index];
    const twice = seen.has(port) ? [{ path, message: `port ${port} stands here twice` }] : [];
    seen.add(port);
    const limited =
      protocol === 'tcp' && rateLimit ? [{ path, message: 'a rate limit is of requests: tcp has none' }] : [];
    return [...twice, ...limited, ...problemsOfEdits(each, path)];
  });
  if (endpoints && ports.length === 0)
    problems.push({ path: [...at, 'endpoints'], message: 'endpoints that nobody registers need ports' });
  if (routes.length > 0 && ports.length > 0 && ports.every(({ protocol }) => protocol === 'tcp'))
    problems.push({ path: [...at, 'routes'], message: 'routes are of requests: all ports are tcp' });
  return problems;
}

function problemsOfEjection(
  { outlier: { baseEjectionTime, maxEjectionTime } = {} }: ServicePolicy,
  at: Problem['path'],
) {
  if (baseEjectionTime === undefined || maxEjectionTime === undefined || maxEjectionTime >= baseEjectionTime) return [];
  return [{ path: [...at, 'outlier', 'maxEjectionTime'], message: 'maxEjectionTime is less than baseEjectionTime' }];
}

/** Envoy refuses what would change the name under which a service is called: that is a rewrite. */
function problemsOfEdits(
  { requestHeaders, responseHeaders }: Pick<RoutePolicy, 'requestHeaders' | 'responseHeaders'>,
  at: Problem['path'],
): Problem[] {
  return Object.entries({ requestHeaders, responseHeaders }).flatMap(
    ([key, { set = {}, add = {}, remove = [] } = {}]) =>
      [...Object.keys(set), ...Object.keys(add), ...remove].some((name) => name.toLowerCase() === 'host')
        ? [{ path: [...at, key], message: 'host is no header to be edited: rewrite.authority of a route changes it' }]
        : [],
  );
}

/** Looks at an expression of a route's. */
type Look = (source: string, path: Problem['path']) => Problem[];

/** A client gets a service's routes for each port of requests. */
function expressionsOf({ ports = [] }: ServicePolicy, room: ExpressionRoom): Look {
  const copies = Math.max(1, ports.filter(({ protocol }) => protocol !== 'tcp').length);
  return (source, path) => {
    const message = problemOfExpression(source, room, copies);
    return message === undefined ? [] : [{ path, message }];
  };
}

function problemsOfRoute(route: RoutePolicy, own: string, policy: Policy, at: Problem['path'], look: Look): Problem[] {
  const destinations: [Problem['path'], Pick<Destination, 'service' | 'subset'>][] = [
    ...(route.to ?? []).map((each, index) => [[...at, 'to', index], each] as [Problem['path'], Destination]),
    ...(route.mirror ?? []).map((each, index) => [[...at, 'mirror', index], each] as [Problem['path'], typeof each]),
  ];
  const unknown = destinations.flatMap(([path, { service = own, subset }]) => {
    const target = entryOf(policy.services, service);
    if (!target) return [{ path, message: `service ${service} is not in this file` }];
    if (subset === undefined || entryOf(target.subsets ?? {}, subset)) return [];
    const known = Object.keys(target.subsets ?? {}).join(', ') || 'none';
    return [{ path, message: `${service} has no subset ${subset}; it has ${known}` }];
  });
  const problems: Problem[] = [...unknown];
  if (route.to && route.to.every(({ weight }) => weight === 0))
    problems.push({ path: [...at, 'to'], message: 'all weights are 0, so nothing could go anywhere' });
  if (route.to && route.reply)
    problems.push({ path: [...at, 'reply'], message: 'a route has either destinations or a reply' });
  const { path } = route.match ?? {};
  if (path?.regex !== undefined) problems.push(...look(path.regex, [...at, 'match', 'path', 'regex']));
  if (path && !(path.prefix ?? path.exact ?? '/').startsWith('/'))
    problems.push({ path: [...at, 'match', 'path'], message: 'a path begins with /' });
  if (route.rewrite?.prefix !== undefined && path?.prefix === undefined && path?.exact === undefined && path)
    problems.push({ path: [...at, 'rewrite'], message: 'rewrite.prefix needs match.path.prefix or match.path.exact' });
  const { abort, delay } = route.fault ?? {};
  if (route.fault && !abort && !delay)
    problems.push({ path: [...at, 'fault'], message: 'a fault has a delay or an abort' });
  if (abort && (abort.status === undefined) === (abort.grpcStatus === undefined))
    problems.push({ path: [...at, 'fault', 'abort'], message: 'an abort has either a status or a grpcStatus' });
  if (route.retry?.backoff && route.retry.backoff.max < route.retry.backoff.base)
    problems.push({ path: [...at, 'retry', 'backoff'], message: 'max is less than base' });
  if (route.retry?.on.includes('retriable-status-codes') && !route.retry.statusCodes)
    problems.push({ path: [...at, 'retry'], message: 'retriable-status-codes needs statusCodes' });
  return [
    ...problems,
    ...problemsOfEdits(route, at),
    ...(route.match?.headers ?? []).flatMap((each, index) =>
      problemsOfHeader(each, [...at, 'match', 'headers', index], look),
    ),
    ...(route.match?.query ?? []).flatMap((each, index) =>
      problemsOfText(each, 'a parameter', [...at, 'match', 'query', index], look),
    ),
    ...(route.cors?.origins ?? []).flatMap(({ regex }, index) =>
      regex === undefined ? [] : look(regex, [...at, 'cors', 'origins', index, 'regex']),
    ),
    ...(route.fault?.headers ?? []).flatMap((each, index) =>
      problemsOfHeader(each, [...at, 'fault', 'headers', index], look),
    ),
  ];
}

function problemsOfHeader(header: HeaderPolicy, at: Problem['path'], look: Look): Problem[] {
  const { range } = header;
  if (range && range.from >= range.to)
    return [
      { path: [...at, 'range'], message: `from ${range.from} to ${range.to} is no number: to is not in the range` },
    ];
  return problemsOfText(header, 'a header', at, look);
}

/** @param what is compared, for the message */
function problemsOfText(compared: HeaderPolicy, what: string, at: Problem['path'], look: Look): Problem[] {
  const kinds = KINDS.filter((kind) => compared[kind] !== undefined);
  if (kinds.length > 1) return [{ path: at, message: `${kinds.join(' and ')}: ${what} is compared in one way` }];
  return compared.regex === undefined ? [] : look(compared.regex, [...at, 'regex']);
}

function problemsOfRule(
  { from = [], notFrom = [], paths = [], headers = [], ipBlocks = [], notIpBlocks = [] }: AuthorizationRulePolicy,
  at: Problem['path'],
  look: Look,
): Problem[] {
  const stars = (list: readonly string[], key: string): Problem[] =>
    list.flatMap((each, index) =>
      each.slice(0, -1).includes('*') && !(key === 'paths' && /^\*[^*]+$/.test(each))
        ? [{ path: [...at, key, index], message: `${each}: * stands at one end` }]
        : [],
    );
  const blocks = (list: readonly string[], key: string): Problem[] =>
    list.flatMap((each, index) =>
      parseCidr(each) === undefined
        ? [{ path: [...at, key, index], message: `${each} is neither an IP address nor a range like 10.0.0.0/8` }]
        : [],
    );
  return [
    ...stars(from, 'from'),
    ...stars(notFrom, 'notFrom'),
    ...stars(paths, 'paths'),
    ...blocks(ipBlocks, 'ipBlocks'),
    ...blocks(notIpBlocks, 'notIpBlocks'),
    ...headers.flatMap((header, index) => {
      const path = [...at, 'headers', index];
      if (!header.name.startsWith(':')) return problemsOfHeader(header, path, look);
      return [{ path, message: `${header.name} is no header: rules have methods and paths` }];
    }),
  ];
}

function duplicates(list: readonly { name?: string }[], at: Problem['path'], what: string): Problem[] {
  const seen = new Set<string>();
  return list.flatMap(({ name }, index) => {
    if (name === undefined) return [];
    const twice = seen.has(name);
    seen.add(name);
    return twice ? [{ path: [...at, index], message: `there is another ${what} named ${name}` }] : [];
  });
}
