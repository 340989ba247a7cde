/** A pod of services as the objects of a cluster: its workload, and the Services that lead to it. */
import type { Project } from '../compose/project.ts';
import { from, noted } from '../yaml/commented.ts';
import { entries, get, items, text, texts } from '../yaml/tree.ts';
import { builtOf } from './built.ts';
import { containerOf, groupsOf } from './container.ts';
import { sha256 } from './digest.ts';
import { publishedBy } from './ports.ts';
import { livenessOf, type Style } from './probes.ts';
import { membersOf, type Pod } from './pods.ts';
import type { Findings } from './problems.ts';
import { userOf } from './security.ts';
import { seconds } from '../compose/values.ts';
import { objectName } from './units.ts';
import { stepsOf } from './hooks.ts';
import type { ImageChoice } from './images.ts';
import type { Volumes } from './mounted.ts';

export type Kind = 'Deployment' | 'StatefulSet' | 'Job' | 'Pod';

export interface WorkloadOptions {
  readonly project: Project;
  readonly base: string;
  /** Where images that the project builds are pushed; undefined where nothing says it. */
  readonly registry: string | undefined;
  readonly images: ImageChoice;
  readonly style: Style;
  /** Bare pods, whatever they are for. */
  readonly bare: boolean;
  /** The name of the whole. */
  readonly partOf: string;
  readonly volumes: Volumes;
  /** Names that several pods have. */
  readonly shared: SharedNames;
  readonly findings: Findings;
}

/** A group that volumes belong to, where no user says one: the one that sidecars of this house run as. */
const GROUP = 65532;
/** Compose's default, in seconds. */
const GRACE = 10;

/** Which kind a pod is of. */
export function kindOf(pod: Pod, volumes: Volumes, bare: boolean): Kind {
  if (bare) return 'Pod';
  if (pod.ends) return 'Job';
  return ownClaims(pod, volumes).length > 0 ? 'StatefulSet' : 'Deployment';
}

/** Lasting volumes that no other pod mounts. */
export const ownClaims = (pod: Pod, { claims }: Volumes) =>
  [...claims].filter(([, { pods, external }]) => !external && pods.size === 1 && pods.has(pod.name));

export const labelsOf = (pod: Pick<Pod, 'name'>, partOf: string): Record<string, string> => ({
  'app.kubernetes.io/name': pod.name,
  'app.kubernetes.io/part-of': partOf,
});

/** The pods that a name leads to, where it is more than one: replicas that are services of their own. */
export type SharedNames = ReadonlyMap<string, readonly Pod[]>;

export function sharedNamesOf(pods: readonly Pod[]): SharedNames {
  const all = Map.groupBy(
    pods.filter(({ ends }) => !ends).flatMap((pod) => pod.aliases.map(({ name }) => ({ name: objectName(name), pod }))),
    ({ name }) => name,
  );
  return new Map(
    [...all]
      .map(([name, each]) => [name, [...new Set(each.map(({ pod }) => pod))]] as const)
      .filter(([, owners]) => owners.length > 1),
  );
}

/** What pods carry by which a shared name finds them. */
const nameLabel = (name: string): Record<string, string> => ({ [`sidecar-stacks.dev/name-${name}`]: 'true' });

export function workloadOf(pod: Pod, options: WorkloadOptions): Record<string, unknown> {
  const { volumes, partOf, bare, findings, shared } = options;
  const labels = labelsOf(pod, partOf);
  const names = [...shared].filter(([, owners]) => owners.includes(pod)).map(([name]) => nameLabel(name));
  const found = Object.assign({}, labels, ...names) as Record<string, string>;
  const kind = kindOf(pod, volumes, bare);
  const claims = kind === 'StatefulSet' ? ownClaims(pod, volumes) : [];
  const spec = podSpec(pod, new Set(claims.map(([name]) => objectName(name))), options);
  const bundles = volumes.bundlesOf.get(pod.name) ?? [];
  const annotations =
    bundles.length === 0
      ? undefined
      : {
          'sidecar-stacks.dev/configuration': noted(
            sha256(bundles.map(({ digest }) => digest).join()),
            'pods are replaced when what they mount changes',
          ),
        };
  const template = { metadata: { labels: found, annotations }, spec };
  const { at } = pod.owner;
  const replicas = Number(text(get(pod.owner.tree, 'deploy', 'replicas')) ?? text(get(pod.owner.tree, 'scale')) ?? 1);
  const selector = { matchLabels: labels };
  const metadata = { name: pod.name, labels };
  if (kind === 'Pod')
    return from({ apiVersion: 'v1', kind, metadata: { ...metadata, labels: found, annotations }, spec }, at);
  if (kind === 'Job') {
    const [, tries] = /^on-failure:(\d+)$/.exec(text(get(pod.apps[0]!.tree, 'restart')) ?? '') ?? [];
    return from({ apiVersion: 'batch/v1', kind, metadata, spec: { backoffLimit: Number(tries ?? 6), template } }, at);
  }
  if (kind === 'Deployment') {
    const shares = [...volumes.claims.values()].some(({ pods }) => pods.has(pod.name));
    return from(
      {
        apiVersion: 'apps/v1',
        kind,
        metadata,
        spec: { replicas, selector, ...(shares && { strategy: { type: 'Recreate' } }), template },
      },
      at,
    );
  }
  if (replicas > 1)
    findings.warn('replicas', at, `each of the ${replicas} replicas of ${pod.name} gets volumes of its own`);
  return from(
    {
      apiVersion: 'apps/v1',
      kind,
      metadata,
      spec: {
        serviceName: pod.aliases[0] ? objectName(pod.aliases[0].name) : pod.name,
        replicas,
        selector,
        template,
        volumeClaimTemplates: claims.map(([name, claim]) =>
          from({ metadata: { name: objectName(name) }, spec: claimSpec('ReadWriteOnce', claim.size) }, claim.at),
        ),
      },
    },
    at,
  );
}

/** What a claim asks for; how much is a cluster's to say, in the overlay. */
export const claimSpec = (accessMode: string, size: string | undefined): Record<string, unknown> => ({
  accessModes: [accessMode],
  resources: { requests: { storage: size ?? '1Gi' } },
});

function podSpec(pod: Pod, templates: ReadonlySet<string>, options: WorkloadOptions): Record<string, unknown> {
  const { volumes, style, findings, project, base } = options;
  const liveness = livenessOf(pod, findings);
  const container = (
    service: Pod['owner'],
    part: 'init' | 'sidecar' | 'app',
    { name: owner } = service,
  ): Record<string, unknown> =>
    containerOf(service, part, {
      project,
      base,
      style,
      mounts: volumes.mountsOf.get(owner) ?? [],
      liveness: liveness.probes.get(service.name),
      registry: options.registry,
      images: options.images,
      findings,
    });
  const before = pod.before.filter(({ name }) => !liveness.replaced.has(name));
  const first = before.filter(({ name }) => style === 'native' || pod.ending.has(name));
  const steps = (each: Pod['owner']): Record<string, unknown>[] =>
    stepsOf(each).map((step) => container(step, 'init', each));
  const initContainers = [
    ...first.flatMap((each) => [...steps(each), container(each, pod.ending.has(each.name) ? 'init' : 'sidecar')]),
    ...[...before.filter((each) => !first.includes(each)), ...pod.apps].flatMap(steps),
  ];
  const beside = before.filter((each) => !first.includes(each)).map((each) => container(each, 'sidecar'));
  const containers = [...beside, ...pod.apps.map((each) => container(each, 'app'))];
  const mounted = (volumes.ofPod.get(pod.name) ?? []).filter(({ name }) => !templates.has(String(name)));
  const { tree } = pod.owner;
  const hostname = get(tree, 'hostname');
  return {
    ...(pod.ends && {
      restartPolicy: options.bare && text(get(pod.apps[0]!.tree, 'restart')) === 'no' ? 'Never' : 'OnFailure',
    }),
    ...(pod.sharesProcesses && { shareProcessNamespace: from(true, pod.sharesProcesses) }),
    terminationGracePeriodSeconds: graceOf(pod),
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    hostname: from(text(hostname), hostname?.at),
    ...hostAliases(pod, findings),
    ...dnsOf(pod),
    securityContext: podSecurity(pod, base, (volumes.ofPod.get(pod.name) ?? []).length > 0),
    ...(initContainers.length > 0 && { initContainers }),
    containers,
    ...(mounted.length > 0 && { volumes: mounted }),
  };
}

/** Sidecars stop after the applications, within the pod's one period: so their times add up. */
function graceOf(pod: Pod): unknown {
  const longest = (services: readonly Pod['owner'][]): number =>
    Math.max(0, ...services.map(({ tree }) => seconds(text(get(tree, 'stop_grace_period'))) ?? GRACE));
  const sidecars = pod.before.filter(({ name }) => !pod.ending.has(name));
  return noted(
    longest(pod.apps) + longest(sidecars),
    'stop_grace_period of the applications, and of the sidecars after them',
  );
}

const LOWEST = 'net.ipv4.ip_unprivileged_port_start';

/** Whether a container of a pod says that it listens on a port that a kernel keeps for root. */
function listensLow(pod: Pod, base: string): boolean {
  const low = (port: number): boolean => port > 0 && port < 1024;
  return (
    publishedBy(pod.owner.tree).some(({ target }) => low(target)) ||
    [pod.owner, ...membersOf(pod)].some((each) => {
      const exposed = texts(get(each.tree, 'expose')).map((said) => Number.parseInt(said, 10));
      const built = [...(builtOf(each, base)?.ports ?? [])].map((said) => Number.parseInt(said, 10));
      return [...exposed, ...built].some(low);
    })
  );
}

function podSecurity(pod: Pod, base: string, hasVolumes: boolean): Record<string, unknown> | undefined {
  const members = membersOf(pod);
  const groups = [...new Set(members.flatMap((each) => groupsOf(each)))];
  const sysctls = entries(get(pod.owner.tree, 'sysctls')).map(([name, value]) => ({ name, value: text(value) ?? '' }));
  if (listensLow(pod, base) && !sysctls.some(({ name }) => name === LOWEST))
    sysctls.push(noted({ name: LOWEST, value: '0' }, 'as docker has it: every user may listen on every port'));
  const own = members.flatMap((each) => userOf(each, base).group ?? []).find((each) => each > 0);
  const context = {
    ...(hasVolumes && {
      fsGroup: noted(own ?? GROUP, 'every container is of this group, and new volumes belong to it'),
      fsGroupChangePolicy: 'OnRootMismatch',
    }),
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...(sysctls.length > 0 && { sysctls }),
  };
  return Object.keys(context).length === 0 ? undefined : context;
}

function hostAliases(pod: Pod, findings: Findings): Record<string, unknown> {
  const said = get(pod.owner.tree, 'extra_hosts');
  const pairs =
    said?.kind === 'map'
      ? entries(said).map(([name, value]) => ({ name, ip: text(value) ?? '', at: value.at }))
      : items(said).flatMap((item) => {
          const [, name, ip] = /^([^:=]+)[:=]\[?(.*?)\]?$/.exec(text(item) ?? '') ?? [];
          return name === undefined ? [] : [{ name, ip: ip!, at: item.at }];
        });
  const list = pairs.filter(({ name, ip, at }) => {
    if (ip !== 'host-gateway') return true;
    findings.refuse(
      'host-gateway',
      at,
      `${name} is the machine that the containers run on, which another node is not: make a Service of that name, of type ExternalName or with an EndpointSlice`,
    );
    return false;
  });
  return list.length === 0 ? {} : { hostAliases: list.map(({ name, ip, at }) => from({ ip, hostnames: [name] }, at)) };
}

function dnsOf({ owner: { tree } }: Pod): Record<string, unknown> {
  const dnsConfig = {
    nameservers: texts(get(tree, 'dns')),
    searches: texts(get(tree, 'dns_search')),
    options: texts(get(tree, 'dns_opt')).map((option) => {
      const [name, value] = option.split(':');
      return { name, value };
    }),
  };
  const said = Object.fromEntries(Object.entries(dnsConfig).filter(([, list]) => list.length > 0));
  return Object.keys(said).length === 0 ? {} : { dnsConfig: said };
}

/** What a name in compose is: it leads to pods, not to some of their ports. */
const HEADLESS = {
  clusterIP: noted('None', 'the name leads to the pod itself, and to each of its ports'),
  publishNotReadyAddresses: noted(true, 'as in compose: also while it is not ready'),
};

/** A Service for each name that several pods have. */
export const sharedServicesOf = (shared: SharedNames, partOf: string): Record<string, unknown>[] =>
  [...shared].map(([name, owners]) => {
    const labels = { 'app.kubernetes.io/part-of': partOf };
    const { at } = owners[0]!.aliases.find((alias) => objectName(alias.name) === name)!;
    return from(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, labels },
        spec: { ...HEADLESS, selector: { ...labels, ...nameLabel(name) } },
      },
      at,
    );
  });

/** A Service for each name of a pod, and one for what it publishes. */
export function servicesOf(pod: Pod, partOf: string, shared: SharedNames): Record<string, unknown>[] {
  if (pod.ends) return [];
  const labels = labelsOf(pod, partOf);
  const service = (name: string, spec: Record<string, unknown>): Record<string, unknown> => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { ...spec, selector: labels },
  });
  const names = pod.aliases
    .filter(({ name }) => !shared.has(objectName(name)))
    .map(({ name, at }) => from(service(objectName(name), HEADLESS), at));
  const ports = publishedBy(pod.owner.tree);
  if (ports.length === 0) return names;
  const taken = pod.aliases.some(({ name }) => objectName(name) === pod.name);
  const published = service(taken ? `${pod.name}-published` : pod.name, {
    type: 'ClusterIP',
    ports: ports.map(({ port, target, protocol, at }) =>
      from({ name: `${protocol.toLowerCase()}-${port}`, port, targetPort: target, protocol }, at),
    ),
  });
  return [...names, from(published, get(pod.owner.tree, 'ports')?.at)];
}
