/** Several sidecars in one pod: the order in which a request passes them, and where each finds the next. */
import { REQUIRED_PARAMETERS } from '../../sidecars/auth/src/required-parameters.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { Refusal } from '../bundled/refusal.ts';
import { listenPort, portParameters, withPort } from '../inject/ports.ts';
import { POD_ONLY, type Injection, type ProjectFile } from '../inject/request.ts';
import type { SidecarsRequest, RequestedSidecar } from './x-sidecars.ts';

/** Sidecars that stand before the application, as a request passes them. */
const CHAIN = ['tls', 'auth', 'cache'];
const APP = 'PROXY_PORT';

/** What a plan has to know of a service. */
export interface Facts {
  readonly name: string;
  /** TCP ports that it publishes. */
  readonly published: readonly number[];
  /** TCP ports that only its neighbours see. */
  readonly exposed: readonly number[];
  /** Where a port is published on the machine, as written; undefined where the engine chooses. */
  readonly hostPort: (port: number) => string | undefined;
  /** Names of the project's secrets and configs. */
  readonly secrets: ReadonlySet<string>;
  readonly configs: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
}

export interface Route {
  readonly service: string;
  /** The sidecars that a request passes, the first one first. */
  readonly chain: readonly string[];
  /** Sidecars that no request passes. */
  readonly beside: readonly string[];
  /** Where the first of the chain listens, and the application. */
  readonly entry: number | undefined;
  readonly app: number | undefined;
  readonly published: boolean;
  /** Other ports that are published, as they were. */
  readonly others: readonly number[];
  readonly keepOpen: boolean;
}

/**
 * What a wish means, as injections.
 * @throws {Refusal} where a port, a parameter or a file is missing, by its name
 */
export function injectionsOf(facts: Facts, requested: SidecarsRequest): { injections: Injection[]; route: Route } {
  const chain = CHAIN.flatMap((name) => requested.sidecars.find((each) => each.name === name) ?? []);
  const beside = requested.sidecars.filter(({ name }) => !CHAIN.includes(name));
  const app = chain.length === 0 ? undefined : appPort(facts, chain.at(-1)!);
  const sets = apart(facts, [...chain, ...beside], app);
  const ports = chain.map(({ name }) => firstPort(name, sets.get(name)!));
  const injections = [...chain, ...beside].map((sidecar): Injection => {
    const at = chain.indexOf(sidecar);
    const linked = at === -1 ? {} : links(sidecar.name, chain, at, ports[at + 1] ?? app!);
    const first = at === 0 && app !== undefined && facts.published.includes(app);
    const shown =
      sidecar.name === 'tls' ? names(facts, first && !requested.keepOpen ? facts.hostPort(app) : undefined) : {};
    const { set, files } = given(facts, sidecar.name, { ...linked, ...shown, ...sets.get(sidecar.name)! });
    return {
      sidecar: sidecar.name,
      into: facts.name,
      set,
      publish: first && requested.keepOpen && sidecar.publish.length === 0 ? [String(ports[0])] : sidecar.publish,
      share: sidecar.share,
      ...(sidecar.user !== undefined && { user: sidecar.user }),
      ...(Object.keys(files).length > 0 && { files }),
      ...(first && !requested.keepOpen && { instead: app }),
      from: 'x-sidecars',
    };
  });
  const only: Injection = { sidecar: POD_ONLY, into: facts.name, set: {}, publish: [], share: [], from: 'x-sidecars' };
  return {
    injections: injections.length === 0 ? [only] : injections,
    route: {
      service: facts.name,
      chain: chain.map(({ name }) => name),
      beside: beside.map(({ name }) => name),
      entry: ports[0],
      app,
      published: app !== undefined && facts.published.includes(app),
      others: facts.published.filter((port) => port !== app),
      keepOpen: requested.keepOpen,
    },
  };
}

/** The port that the chain is for. */
function appPort({ name, published, exposed }: Facts, { name: last, set }: RequestedSidecar): number {
  if (set[APP] !== undefined) return Number(set[APP]);
  const ports = published.length > 0 ? published : exposed;
  if (ports.length === 1) return ports[0]!;
  throw new Refusal(
    'app-port',
    `service ${name} ${ports.length === 0 ? 'does not say on which port it listens' : `listens on ${ports.join(', ')}`}: say which one ${last} is for, x-sidecars: { ${last}: { ${APP}: ${ports[0] ?? 80} } }`,
  );
}

const firstPort = (name: string, set: Readonly<Record<string, string>>): number =>
  listenPort({ set }, SIDECARS[name]!, portParameters(SIDECARS[name]!)[0]!)!;

/** Ports that sidecars take are moved apart from the application's and from each other's; those that were said stay. */
function apart(
  { published, exposed }: Facts,
  sidecars: readonly RequestedSidecar[],
  app: number | undefined,
): Map<string, Readonly<Record<string, string>>> {
  const taken = new Set([...published, ...exposed, ...(app === undefined ? [] : [app])]);
  const said = ({ set }: RequestedSidecar, parameter: string): boolean => set[parameter] !== undefined;
  const all = sidecars.flatMap((each) =>
    portParameters(SIDECARS[each.name]!).map((parameter) => ({ each, parameter })),
  );
  const portOf = ({ each, parameter }: (typeof all)[number]): number | undefined =>
    listenPort(each, SIDECARS[each.name]!, parameter);
  for (const one of all) if (said(one.each, one.parameter)) taken.add(portOf(one) ?? 0);
  const sets = new Map(sidecars.map(({ name, set }) => [name, { ...set }]));
  for (const one of all) {
    const wanted = portOf(one);
    if (wanted === undefined || said(one.each, one.parameter)) continue;
    let port = wanted;
    while (taken.has(port)) port++;
    taken.add(port);
    if (port !== wanted)
      sets.get(one.each.name)![one.parameter] = withPort(one.each, SIDECARS[one.each.name]!, one.parameter, port);
  }
  return sets;
}

/** What a link of the chain is told of its neighbours. */
function links(name: string, chain: readonly RequestedSidecar[], at: number, next: number): Record<string, string> {
  const behindTls = chain.some((each) => each.name === 'tls');
  return {
    [APP]: String(next),
    ...(at > 0 && { [`${name.toUpperCase()}_LISTEN_ADDRESS`]: '127.0.0.1' }),
    ...(name === 'auth' && at > 0 && { AUTH_TRUSTED_PROXIES: '127.0.0.1' }),
    // Browsers take a __Host- cookie over HTTPS alone.
    ...(name === 'auth' && !behindTls && { AUTH_COOKIE_NAME: 'session' }),
  };
}

/** How clients call what tls stands for. @param port on the machine */
const names = ({ name }: Facts, port: string | undefined): Record<string, string> => ({
  TLS_DEV_NAMES: `localhost,127.0.0.1,::1,${name}`,
  ...(port !== undefined && { TLS_PUBLIC_PORT: port }),
});

/** Parameters as values and as files of the project: by what they say, or by a secret or config of their name. */
function given(
  { name: service, secrets, configs, volumes }: Facts,
  sidecar: string,
  requested: Readonly<Record<string, string>>,
): { set: Record<string, string>; files: Record<string, ProjectFile> } {
  const { parameters } = SIDECARS[sidecar]!.contract;
  const set: Record<string, string> = {};
  const files: Record<string, ProjectFile> = {};
  const named = (name: string): ProjectFile | undefined =>
    secrets.has(name) ? { secret: name } : configs.has(name) ? { config: name } : undefined;
  for (const [parameter, declared] of Object.entries(parameters)) {
    const isFile = declared.type === 'path' || declared.secret === true;
    const value = requested[parameter] ?? requested[`${parameter}_FILE`];
    const usual = parameter.toLowerCase();
    const file = isFile
      ? value === undefined
        ? (named(usual) ?? named(usual.replace(/_file$/, '')))
        : (named(value) ?? mounted(value, volumes, declared.type === 'path'))
      : undefined;
    if (file) files[declared.secret === true ? `${parameter}_FILE` : parameter] = file;
    else if (declared.secret === true && value !== undefined && !value.startsWith('/'))
      throw new Refusal(
        'secret',
        `${parameter} of ${sidecar} beside ${service} is a secret: name one of the project's secrets there, such as ${usual}, and its file in secrets: { ${usual}: { file: ./${usual} } }`,
      );
  }
  const taken = new Set(Object.keys(files).flatMap((each) => [each, each.replace(/_FILE$/, '')]));
  for (const [parameter, value] of Object.entries(requested)) if (!taken.has(parameter)) set[parameter] = value;
  if (sidecar === 'auth') requireAuth(service, set, files);
  return { set, files };
}

/** `./rules.yaml`, or `VOLUME` and `VOLUME/PATH` of the project; undefined for another value. */
function mounted(value: string, volumes: ReadonlySet<string>, isPath: boolean): ProjectFile | undefined {
  const [volume = '', ...inside] = value.split('/');
  if (volumes.has(volume)) return { mount: volume, ...(inside.length > 0 && { inside: inside.join('/') }) };
  return isPath && /^[.~]/.test(value) ? { mount: value } : undefined;
}

/** The methods of auth are those whose parameters are there; what is missing is asked for by its name. */
function requireAuth(service: string, set: Record<string, string>, files: Readonly<Record<string, ProjectFile>>): void {
  const has = (parameter: string): boolean => set[parameter] !== undefined || files[parameter] !== undefined;
  const methods = Object.entries(REQUIRED_PARAMETERS);
  const ready = methods.filter(([, needs]) => needs.every(has)).map(([method]) => method);
  // A bearer token of the provider that people log in with is taken where it is asked for, not by itself.
  set['AUTH_METHODS'] ??= ready.filter((method) => method !== 'jwt' || !ready.includes('oidc')).join(',');
  if (set['AUTH_METHODS'] === '')
    throw new Refusal(
      'missing',
      `auth beside ${service} does not know how people log in. One of:\n${methods.map(([method, needs]) => `  ${method.padEnd(7)} needs ${needs.map(asked).join(', ')}`).join('\n')}\nFor passwords: htpasswd -Bc auth_htpasswd NAME, and in the compose file\n  secrets: { auth_htpasswd: { file: ./auth_htpasswd } }`,
    );
  const missing = methods.flatMap(([method, needs]) =>
    set['AUTH_METHODS']!.split(',').includes(method) ? needs.filter((each) => !has(each)) : [],
  );
  if (missing.length > 0)
    throw new Refusal('missing', `auth beside ${service} needs ${[...new Set(missing)].map(asked).join(', ')}`);
}

const asked = (parameter: string): string =>
  parameter.endsWith('_FILE') ? `the secret ${parameter.toLowerCase().replace(/_file$/, '')}` : parameter;
