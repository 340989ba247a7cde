/** A mesh beside a project's services: a proxy in each pod, one control plane, its tokens and its policy. */
import { stringify } from 'yaml';
import { contract as controlPlane } from '../../servers/control-plane/src/contract.ts';
import { contract as dashboard } from '../../servers/dashboard/src/contract.ts';
import { contract as meshInit } from '../../sidecars/mesh-init/src/contract.ts';
import type { Project, Service } from '../compose/project.ts';
import { entries, get, text, texts } from '../yaml/tree.ts';
import { BUILDS, imageOf, OWN_IMAGE } from './images.ts';
import type { Extras } from './project-files.ts';
import { appPorts, listenPort, portParameters, portsSaid, type Joining } from './ports.ts';
import { countOf, type Replica } from './replicas.ts';

type Entry = Record<string, unknown>;

/** The proxy's name as a sidecar. */
export const MESH = 'mesh-proxy';

/** `x-mesh` of a project. */
export interface MeshOptions {
  /** Connections are counted, and nothing else is changed. */
  readonly observe: boolean;
  readonly dashboard: boolean;
  /** A policy file of the project instead of the one that is written. */
  readonly policy?: string;
}

/** Where the policy is written, beside the compose file. */
export const POLICY_FOLDER = `${BUILDS}/mesh`;
/** Ports that a mesh proxy takes by itself. */
const OWN_PORTS = '15000-15099';
/** RFC 1123's label: what a service is called in a mesh. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const COMPLETED = { condition: 'service_completed_successfully' };
const HEALTHY = { condition: 'service_healthy' };

/** A service's name as an identity has it. */
export const meshName = (service: string): string =>
  NAME.test(service)
    ? service
    : service
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]/g, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 63) || 'service';

const HARDENED = {
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  pids_limit: 64,
} as const;

const namesOf = (project: Project): Record<'prepare' | 'plane' | 'board', string> => {
  const free = (name: string): string => (project.services.has(name) ? free(`${name}-2`) : name);
  return { prepare: free('mesh-prepare'), plane: free('mesh-control-plane'), board: free('mesh-dashboard') };
};

/** What the proxy of a pod needs besides itself. @param others the sidecars beside it, whose ports are their own */
export function meshMember(
  project: Project,
  replica: Replica,
  name: string,
  pod: string,
  others: readonly Joining[],
): Extras {
  const { prepare, plane } = namesOf(project);
  const init = `${name.replace(/-mesh-proxy(-\d+)?$/, '-mesh-init$1')}`;
  const own = others.flatMap(({ injection, bundled }) =>
    portParameters(bundled).flatMap((parameter) => listenPort(injection, bundled, parameter) ?? []),
  );
  const ports = appPorts(project, replica);
  return {
    environment: {
      MESH_CONTROL_PLANE: plane,
      MESH_SERVICE: meshName(replica.alias),
      MESH_REPLICA: replica.name,
      MESH_JOIN_TOKEN_FILE: '/join/token',
      ...(ports.length > 0 && { MESH_PORTS: ports.map((port) => `${port}:auto`).join(',') }),
    },
    volumes: [`mesh-join-${meshName(replica.alias)}:/join:ro`, 'mesh-trust:/trust:ro'],
    named: {},
    waits: { [prepare]: COMPLETED, [plane]: HEALTHY },
    init: {
      [init]: {
        ...imageOf(meshInit, init),
        ...HARDENED,
        ...REDIRECTS,
        network_mode: `service:${pod}`,
        cap_add: ['NET_ADMIN'],
        environment: { MESH_EXCLUDE_INBOUND_PORTS: [OWN_PORTS, ...new Set(own)].join(',') },
        mem_limit: '128m',
        depends_on: { [pod]: { condition: 'service_started', restart: true } },
        labels: { 'dev.sidecar-stacks.role': 'sidecar', 'dev.sidecar-stacks.app': replica.name },
      },
    },
  };
}

/**
 * An engine that starts again gives the pod a new network, and no container that ended before runs again by itself: so
 * what loads the rules stays, as `sleep`, and is restarted like the others.
 */
const REDIRECTS = {
  entrypoint: ['sh', '-ec', 'node /sidecar/mesh-init.mjs; exec sleep infinity'],
  restart: 'always',
  // The first process of a container takes SIGTERM only where it asks for it.
  stop_signal: 'SIGKILL',
  healthcheck: {
    test: ['CMD', 'grep', '-qx', 'sleep', '/proc/1/comm'],
    interval: '60s',
    start_period: '30s',
    start_interval: '200ms',
  },
} as const;

/**
 * The services of the mesh itself.
 * @param members services that have a proxy
 */
export function meshServices(project: Project, members: readonly Service[], options: MeshOptions) {
  const { prepare, plane, board } = namesOf(project);
  const labels = { 'dev.sidecar-stacks.role': 'service', 'dev.sidecar-stacks.app': plane };
  const joined = [...new Set(members.map(({ name }) => meshName(name)))];
  const networks = [...new Set(members.flatMap(networksOf))];
  const server = { ...HARDENED, user: '65532:65532', restart: 'always', init: true };
  const services: Record<string, Entry> = {
    [prepare]: {
      ...OWN_IMAGE,
      ...HARDENED,
      entrypoint: ['sh', '-euc', PREPARE],
      command: ['prepare', ...joined],
      // New volumes are root's.
      user: '0:0',
      network_mode: 'none',
      mem_limit: '64m',
      healthcheck: { disable: true },
      volumes: [
        ...joined.map((name) => `mesh-join-${name}:/join/${name}`),
        'mesh-tokens:/tokens',
        'mesh-operator:/operator',
      ],
      labels: { ...labels, 'dev.sidecar-stacks.role': 'init' },
    },
    [plane]: {
      ...imageOf(controlPlane, plane),
      ...server,
      networks: Object.fromEntries(networks.map((name) => [name, null])),
      environment: {
        CONTROL_NAMESPACE: 'project',
        CONTROL_NAMES: `${plane},localhost`,
        CONTROL_TOKENS: '/tokens/join-tokens',
        CONTROL_OPERATOR_TOKEN_FILE: '/operator/token',
        // A proxy that a busy machine holds up for a while has not gone.
        CONTROL_LEASE: '60s',
      },
      volumes: [
        'mesh-authority:/var/lib/control-plane',
        'mesh-trust:/trust',
        'mesh-tokens:/tokens:ro',
        'mesh-operator:/operator:ro',
        // A folder, which it watches: another policy replaces no container.
        `./${POLICY_FOLDER}:/policy:ro`,
      ],
      mem_limit: '512m',
      depends_on: { [prepare]: COMPLETED },
      labels,
    },
    ...(options.dashboard && {
      [board]: {
        ...imageOf(dashboard, board),
        ...server,
        networks: Object.fromEntries(networks.map((name) => [name, null])),
        environment: {
          DASHBOARD_CONTROL_PLANE: `http://${plane}:8080`,
          DASHBOARD_OPERATOR_TOKEN: '/operator/token',
        },
        ports: ['127.0.0.1::8080'],
        volumes: ['mesh-operator:/operator:ro'],
        mem_limit: '192m',
        depends_on: { [plane]: HEALTHY },
        labels,
      },
    }),
  };
  const volumes = ['authority', 'trust', 'tokens', 'operator', ...joined.map((name) => `join-${name}`)];
  return {
    services,
    volumes: Object.fromEntries(volumes.map((name) => [`mesh-${name}`, null])),
  };
}

/** `$$` is compose's way to write a dollar sign. A token for each service, by which its proxies alone get its certificates. */
const PREPARE = `token() { od -An -N32 -tx1 /dev/urandom | tr -d ' \\n'; }
for service in "$$@"; do
  test -s "/join/$$service/token" || token > "/join/$$service/token"
  printf '%s %s %s\\n' "$$service" "$$service" "$$(cat "/join/$$service/token")"
done > /tokens/join-tokens
test -s /operator/token || token > /operator/token
`;

const networksOf = ({ tree }: Service): string[] => {
  const own = get(tree, 'networks');
  const named = own?.kind === 'map' ? entries(own).map(([name]) => name) : texts(own);
  return named.length === 0 ? ['default'] : named;
};

/**
 * Why calls without an identity are let in; undefined where only members may call.
 * A member is known by one address, so it takes one network; and who is in no mesh calls in the clear.
 */
export function whyPermissive(project: Project, members: readonly Service[]): string | undefined {
  const inside = new Set(members.map(({ name }) => name));
  const outside = [...project.services.values()].find(
    ({ name, tree }) => !inside.has(name) && text(get(tree, 'network_mode'))?.startsWith('service:') !== true,
  );
  if (outside) return `${outside.name} is not in it`;
  if (new Set(members.flatMap(networksOf)).size > 1) return 'its services are in several networks';
  return undefined;
}

/** mTLS between members, tries again what nobody has seen, and leaves out a replica that fails. */
export function policyOf(project: Project, members: readonly Service[], { observe }: MeshOptions): string {
  const mesh = {
    outbound: 'ALLOW_ANY',
    mtls: observe ? 'DISABLE' : 'PERMISSIVE',
    authorization: 'allow',
    accessLog: false,
  };
  if (observe) return stringify({ mesh });
  const strict = whyPermissive(project, members) === undefined;
  const services = members.flatMap((service) => {
    const { published } = portsSaid(project, service);
    const ports = appPorts(project, service).map((port) => ({
      port,
      protocol: 'auto',
      // Who comes by a published port has no certificate of the mesh.
      ...(strict && NAME.test(service.name) && !published.includes(port) && { mtls: 'STRICT' }),
    }));
    const retry = { on: ['connect-failure', 'refused-stream'], attempts: 2 };
    const routes = [{ name: 'default', to: [{ weight: 1 }], retry }];
    const outlier = { consecutiveGatewayFailure: 5 };
    if (ports.length === 0) return [];
    return [[meshName(service.name), { ports, routes, ...(countOf(project, service) > 1 && { outlier }) }] as const];
  });
  return stringify({ mesh, ...(services.length > 0 && { services: Object.fromEntries(services) }) });
}
