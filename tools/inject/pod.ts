/**
 * A compose service as a pod: what owns the network moves to a service that does nothing else, and
 * the application, its sidecars and services that joined it before join that one. The result is laid over
 * the user's files by compose; they stay as they are.
 */
import { MESH_PROXY, type BundledSidecar } from '../bundled/sidecars.ts';
import type { Project, Service } from '../compose/project.ts';
import { keyed } from '../compose/merge.ts';
import { entries, get, items, text, texts, toValue, type Tree } from '../yaml/tree.ts';
import { OVERRIDE, RESET } from '../yaml/tagged.ts';
import { Refusal } from '../bundled/refusal.ts';
import { imageOf, OWN_IMAGE } from './images.ts';
import { MESH, meshMember } from './mesh.ts';
import { appPorts, requireFreePorts } from './ports.ts';
import { publishedPorts } from './published-ports.ts';
import { probeTargets } from './probe-targets.ts';
import { givenFiles, pathOf, type Extras } from './project-files.ts';
import { requirePublishedOnce } from './publish.ts';
import { oneOf, type Replica } from './replicas.ts';
import { POD_ONLY, type Injection } from './request.ts';
import { shareMounts } from './share.ts';

/** Moved to the pod as they are: all of them say how a network namespace is made. */
const MOVED = [
  'ports',
  'expose',
  'hostname',
  'domainname',
  'extra_hosts',
  'dns',
  'dns_search',
  'dns_opt',
  'mac_address',
  'links',
  'external_links',
];
const LISTS = new Set(['ports', 'expose', 'links', 'external_links', 'dns', 'dns_search', 'dns_opt', 'extra_hosts']);
/** Who restarts the pod restarts what has joined it, which would be stranded in the dead namespace. */
const POD_STARTED = { condition: 'service_started', restart: true };

type Entry = Record<string, unknown>;

export interface PodPlan {
  readonly pod: string;
  readonly services: Record<string, Entry>;
  readonly volumes: Record<string, null>;
}

/**
 * @param injections all of one service
 * @param bundled the sidecars by name
 */
export function podOf(
  project: Project,
  service: Replica,
  injections: readonly Injection[],
  bundled: Readonly<Record<string, BundledSidecar>>,
): PodPlan {
  const { name, tree } = service;
  const pod = freeName(project, `${name}-pod`);
  const sidecars = injections
    .filter(({ sidecar }) => sidecar !== POD_ONLY)
    .map((injection) => ({
      injection,
      name: freeName(project, `${name}-${injection.sidecar}`),
      bundled: injection.sidecar === MESH ? MESH_PROXY : bundled[injection.sidecar]!,
    }));
  requireFreePorts(project, service, sidecars);
  requirePublishedOnce(project, injections);
  const processes = sidecars.some((each) => each.bundled.sharesProcesses);
  if (processes && get(tree, 'pid') !== undefined)
    throw new Refusal(
      'pid',
      `service ${name} has a pid setting of its own; ${sidecars.map((each) => each.injection.sidecar).join(', ')} needs the pod's`,
    );

  const volumes: Record<string, null> = {};
  const services: Record<string, Entry> = {};
  const profiles = get(tree, 'profiles');
  const common: Entry = profiles === undefined ? {} : { profiles: toValue(profiles) };
  services[pod] = {
    ...podService(service),
    ...publishedPorts(service, sidecars, project.environment),
    ...common,
  };
  services[name] = {
    ...oneOf(service),
    ...appService(
      service,
      pod,
      sidecars.map((each) => each.name),
      processes,
    ),
  };
  for (const each of sidecars) {
    const others = sidecars.filter((other) => other !== each);
    const extras =
      each.injection.sidecar === MESH
        ? meshMember(project, service, each.name, pod, others)
        : givenFiles(each.name, each, service);
    services[each.name] = { ...sidecarService(project, service, pod, each, processes, extras), ...common };
    for (const [init, entry] of Object.entries(extras.init)) services[init] = { ...entry, ...common };
    Object.assign(volumes, extras.named);
    for (const purpose of Object.keys(each.bundled.volumes)) volumes[`${each.name}-${purpose}`] = null;
  }
  shareMounts(project, service, sidecars, { services, volumes });
  if (service.copy) services[name] = copyOf(service, services[name]);
  for (const other of project.services.values()) {
    const joined = joinedMode(other, service);
    if (joined)
      services[other.name] = {
        network_mode: `service:${pod}`,
        depends_on: { [pod]: POD_STARTED },
      };
  }
  return { pod, services, volumes };
}

function freeName(project: Project, wanted: string): string {
  let name = wanted;
  for (let n = 2; project.services.has(name); n++) name = `${wanted}-${n}`;
  return name;
}

function podService(service: Replica): Entry {
  const { tree, name } = service;
  const moved: Entry = {};
  for (const key of MOVED) {
    const value = get(tree, key);
    if (value !== undefined) moved[key] = toValue(value);
  }
  const sysctls = Object.entries((toValue(keyedOr(get(tree, 'sysctls'))) ?? {}) as Entry).filter(([key]) =>
    key.startsWith('net.'),
  );
  const mode = text(get(tree, 'network_mode'));
  return {
    ...OWN_IMAGE,
    entrypoint: ['sleep', 'infinity'],
    user: '65534:65534',
    init: true,
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    mem_limit: '16m',
    pids_limit: 16,
    // Healthy as soon as it sleeps, for those who wait for everything.
    healthcheck: { test: ['CMD', 'true'], interval: '60s', start_period: '10s', start_interval: '100ms' },
    ...(isRestarted(service) && { restart: 'always' }),
    ...(mode === undefined ? { networks: networksOf(service) } : { network_mode: mode }),
    ...moved,
    ...(sysctls.length > 0 && { sysctls: Object.fromEntries(sysctls) }),
    labels: { 'dev.sidecar-stacks.role': 'pod', 'dev.sidecar-stacks.app': name },
  };
}

/**
 * Whether the engine restarts the application. Its pod and its sidecars are then restarted always: after a crash of the
 * engine, `unless-stopped` leaves a container down as if somebody had stopped it, and the application could not join.
 */
function isRestarted({ tree }: Service): boolean {
  const condition = text(get(tree, 'deploy', 'restart_policy', 'condition'));
  const said = text(get(tree, 'restart')) ?? (get(tree, 'deploy', 'restart_policy') && (condition ?? 'any'));
  return said !== undefined && said !== 'no' && said !== 'none';
}

const keyedOr = (tree: Tree | undefined): Tree | undefined => (tree === undefined ? undefined : keyed(tree));

/** The service's networks with their options, and its names as aliases: others still find it. */
function networksOf({ alias: name, tree }: Replica): Entry {
  const container = text(get(tree, 'container_name'));
  const aliases = [name, ...(container === undefined || container === name ? [] : [container])];
  const own = get(tree, 'networks');
  const named =
    own?.kind === 'map'
      ? entries(own)
      : own?.kind === 'seq'
        ? texts(own).map((each) => [each, undefined] as const)
        : [['default', undefined] as const];
  return Object.fromEntries(
    named.map(([network, options]) => {
      const value = (toValue(options) ?? {}) as Entry;
      const before = Array.isArray(value['aliases']) ? (value['aliases'] as string[]) : [];
      return [network, { ...value, aliases: [...new Set([...aliases, ...before])] }];
    }),
  );
}

function appService({ tree }: Service, pod: string, sidecars: readonly string[], processes: boolean): Entry {
  const linked = items(get(tree, 'links')).flatMap((item) => text(item)?.split(':')[0] ?? []);
  const own = new Set(dependencies(tree));
  const reset: Entry = {};
  for (const key of MOVED) if (get(tree, key) !== undefined) reset[key] = RESET(LISTS.has(key) ? [] : null);
  if (get(tree, 'networks') !== undefined) reset['networks'] = RESET(null);
  if (get(tree, 'sysctls') !== undefined) {
    const rest = ownSysctls(tree);
    reset['sysctls'] = Object.keys(rest).length === 0 ? RESET(null) : OVERRIDE(rest);
  }
  return {
    network_mode: `service:${pod}`,
    ...(processes && { pid: `service:${pod}` }),
    ...reset,
    depends_on: {
      [pod]: POD_STARTED,
      ...Object.fromEntries(sidecars.map((name) => [name, { condition: 'service_healthy' }])),
      ...Object.fromEntries(
        linked.filter((name) => !own.has(name)).map((name) => [name, { condition: 'service_started' }]),
      ),
    },
  };
}

/** A replica's application: all of the service, in its own pod. */
function copyOf({ tree, copy }: Replica, own: Entry): Entry {
  const moved = new Set([...MOVED, 'networks', 'sysctls']);
  const kept = Object.entries(copy!).filter(([key]) => !moved.has(key));
  const waits = Object.fromEntries(
    dependencies(tree).map((name) => [
      name,
      toValue(get(tree, 'depends_on', name)) ?? { condition: 'service_started' },
    ]),
  );
  const sysctls = own['sysctls'] === undefined ? {} : { sysctls: ownSysctls(tree) };
  const set = Object.entries(own).filter(([key]) => !moved.has(key));
  const volumes = [copy!['volumes'], own['volumes']].flatMap((list) => (list ?? []) as unknown[]);
  return {
    ...Object.fromEntries(kept),
    ...Object.fromEntries(set),
    ...sysctls,
    ...(volumes.length > 0 && { volumes }),
    depends_on: { ...waits, ...(own['depends_on'] as Entry) },
  };
}

/** Kernel settings that are no network's. */
function ownSysctls(tree: Tree): Entry {
  const all = Object.entries((toValue(keyedOr(get(tree, 'sysctls'))) ?? {}) as Entry);
  return Object.fromEntries(all.filter(([key]) => !key.startsWith('net.')));
}

function dependencies(tree: Tree): string[] {
  const requested = get(tree, 'depends_on');
  return requested?.kind === 'map' ? entries(requested).map(([name]) => name) : texts(requested);
}

function sidecarService(
  project: Project,
  service: Service,
  pod: string,
  { injection, bundled, name }: { injection: Injection; bundled: BundledSidecar; name: string },
  processes: boolean,
  extras: Extras,
): Entry {
  const mounts = [
    ...Object.entries(bundled.volumes).map(([purpose, path]) => `${name}-${purpose}:${path}`),
    ...extras.volumes,
  ];
  return {
    ...imageOf(bundled.contract, name),
    network_mode: `service:${pod}`,
    ...(processes && { pid: `service:${pod}` }),
    environment: { ...environmentOf(project, service, injection, bundled), ...extras.environment },
    ...(processes ? {} : { init: true }),
    read_only: true,
    cap_drop: ['ALL'],
    // It ends a process of any user, and may do nothing else of root's.
    ...(injection.sidecar === 'probe'
      ? { user: '0:0', cap_add: ['KILL'] }
      : injection.user && { user: injection.user }),
    security_opt: ['no-new-privileges:true'],
    mem_limit: bundled.memory,
    pids_limit: bundled.pids,
    restart: isRestarted(service) ? 'always' : 'unless-stopped',
    ...(mounts.length > 0 && { volumes: mounts }),
    ...(bundled.tmpfs.length > 0 && { tmpfs: bundled.tmpfs }),
    depends_on: {
      [pod]: POD_STARTED,
      ...Object.fromEntries(
        Object.entries(extras.init).map(([init, { restart }]) => [
          init,
          { condition: restart === undefined ? 'service_completed_successfully' : 'service_healthy' },
        ]),
      ),
      ...extras.waits,
    },
    labels: { 'dev.sidecar-stacks.role': 'sidecar', 'dev.sidecar-stacks.app': service.name },
  };
}

/** The parameters as set, and the application's port where it is known. */
export function environmentOf(
  project: Project,
  service: Service,
  injection: Injection,
  bundled: BundledSidecar,
): Record<string, string> {
  const files = Object.entries(injection.files ?? {}).map(([name, file]) => [name, pathOf(name, file)]);
  const said = { ...injection.set, ...(Object.fromEntries(files) as Record<string, string>) };
  const set = injection.sidecar === 'probe' ? { ...said, ...probeTargets(project, service, said) } : said;
  const { appPort } = bundled;
  if (appPort === undefined || set[appPort] !== undefined) return set;
  const ports = appPorts(project, service);
  const [only] = ports;
  if (only === undefined || ports.length > 1)
    throw new Refusal(
      'app-port',
      `service ${service.name} ${only === undefined ? 'does not say on which port it listens' : `listens on ${ports.join(', ')}`}: say which one ${injection.sidecar} is for, --set ${appPort}=PORT`,
    );
  return { [appPort]: String(only), ...set };
}

function joinedMode(other: Service, service: Service): boolean {
  const mode = text(get(other.tree, 'network_mode'));
  if (mode === `service:${service.name}`) return true;
  const container = text(get(service.tree, 'container_name'));
  return container !== undefined && mode === `container:${container}`;
}
