/** A cluster that lives on from one configuration to the next: its hosts keep connections and what is known of them. */
import type { Cluster, Endpoint, ReportedFailure, Pick, TryOutcome } from '#proxy/upstream/cluster.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Cluster as ClusterModel } from '#mesh/model/cluster.ts';
import { LeastRequest, RandomChoice, RingHash, RoundRobin, type Balancer } from './balancers.ts';
import { Host, type HostEndpoint, type HostOptions, type Protocol, type TlsFor } from './host.ts';
import { Limits } from './circuit-breaker.ts';
import { Outliers, type EjectionReason } from './outliers.ts';
import { unreachedIn } from './unreached.ts';

/** A client's connection, as far as clusters look at it. */
interface Speaking {
  readonly protocol: Protocol;
}

/** What clusters need of the proxy. */
export interface ClusterEnvironment extends Omit<HostOptions, 'tls'> {
  /** TLS of the mesh towards endpoints that show one of these identities. */
  readonly meshTls: (identities: readonly string[], serverName: string | undefined) => TlsFor;
  /** An address of the pod itself: its application is reached directly. */
  readonly isOwn: (address: string) => boolean;
  /** Of several addresses of one endpoint, the one to use; absent: the first. */
  readonly nearest?: (addresses: readonly string[]) => string;
  readonly onEjection: (cluster: string, host: Host, reason: EjectionReason, duration: number) => void;
  /** Nobody took a connection. */
  readonly onConnectFailure?: (() => void) | undefined;
}

const BALANCERS: Readonly<Record<NonNullable<ClusterModel['policy']>, () => Balancer>> = {
  LEAST_REQUEST: () => new LeastRequest(),
  ROUND_ROBIN: () => new RoundRobin(),
  RING_HASH: () => new RingHash(),
  RANDOM: () => new RandomChoice(),
};

export class MeshCluster implements Cluster {
  readonly name: string;
  readonly limits: Limits;
  readonly outliers: Outliers;
  readonly #environment: ClusterEnvironment;
  #model: ClusterModel;
  #balancer: Balancer;
  #hosts: readonly Host[] = [];

  constructor(model: ClusterModel, environment: ClusterEnvironment) {
    this.name = model.name;
    this.#model = model;
    this.#environment = environment;
    this.#balancer = BALANCERS[model.policy ?? 'LEAST_REQUEST']();
    this.limits = new Limits(model.limits, model.retryBudget);
    this.outliers = new Outliers(
      () => this.#hosts,
      (host, reason, duration) => environment.onEjection(this.name, host, reason, duration),
    );
    this.update(model);
  }

  get model(): ClusterModel {
    return this.#model;
  }
  get hosts(): readonly Host[] {
    return this.#hosts;
  }
  /** Undefined: what the proxy's parameter says. */
  get connectTimeout(): number | undefined {
    return this.#model.connectTimeout;
  }

  /** How many endpoints take new requests, as far as the control plane knows. */
  get serving(): number {
    return this.#hosts.reduce((count, host) => (host.serving ? count + 1 : count), 0);
  }

  /** Take a newer model of the same cluster. Endpoints that stay keep their connections. */
  update(model: ClusterModel): void {
    const former = this.#model;
    this.#model = model;
    if ((former.policy ?? 'LEAST_REQUEST') !== (model.policy ?? 'LEAST_REQUEST'))
      this.#balancer = BALANCERS[model.policy ?? 'LEAST_REQUEST']();
    this.limits.update(model.limits, model.retryBudget);
    this.outliers.update(model.outlier);
    // Whom a connection must prove to be stands with the host.
    const sameTrust = JSON.stringify(former.mtls) === JSON.stringify(model.mtls);
    const known = new Map(this.#hosts.map((host) => [keyOf(host.model), host]));
    const tls = model.mtls && this.#environment.meshTls(model.mtls.identities, serverNameOf(model.service?.host ?? ''));
    const { nearest } = this.#environment;
    this.#hosts = model.endpoints.map((written) => {
      const { address, addresses = [] } = written;
      const endpoint =
        addresses.length === 0 || nearest === undefined
          ? written
          : { ...written, address: nearest([address, ...addresses]) };
      const key = keyOf(endpoint);
      const host = sameTrust ? known.get(key) : undefined;
      if (host === undefined) return this.#host(endpoint, tls);
      known.delete(key);
      host.model = endpoint;
      return host;
    });
    for (const host of known.values()) {
      host.close();
      // Who left has ended what it had; who is gone has not, and says nothing any more.
      host.check();
    }
  }

  #host(endpoint: ClusterModel['endpoints'][number], tls: TlsFor | undefined): Host {
    const { sweeper, maxHeaderSize, idleTimeout, isOwn, isThere, onSecure } = this.#environment;
    const secured = tls !== undefined && endpoint.meshed && !isOwn(endpoint.address);
    // Applications close what is idle for five seconds, many of them; proxies of the mesh do not.
    const idle = secured ? idleTimeout : Math.min(idleTimeout, PLAIN_IDLE);
    return new Host(endpoint, {
      sweeper,
      maxHeaderSize,
      idleTimeout: idle,
      isThere,
      onSecure,
      tls: secured ? tls : undefined,
    });
  }

  pick(pick: Pick): Endpoint | undefined {
    return this.pickBy(pick, undefined);
  }

  /** @param hash of what a ring hash goes by */
  pickBy({ downstream, tried }: Pick, hash: number | undefined): Endpoint | undefined {
    const host = this.#choose(tried, hash);
    return host?.endpoint((downstream as typeof downstream & Speaking).protocol);
  }

  #choose(tried: readonly Endpoint[], hash: number | undefined): Host | undefined {
    // Where there is one, it gets the request, whatever is known of it: see below.
    if (this.#hosts.length === 1) return this.#hosts[0]!.serving ? this.#hosts[0] : undefined;
    const serving = this.#hosts.filter((host) => host.serving);
    if (serving.length === 0) return undefined;
    const within = serving.filter((host) => host.reachable && !this.outliers.ejected(host));
    // Where all are left out, each may be asked: the best that there is (Envoy's panic).
    let candidates = within.length === 0 ? serving : within;
    if (tried.length > 0) {
      const failed = new Set(tried.map((endpoint) => hostOf(endpoint)));
      const others = candidates.filter((host) => !failed.has(host));
      if (others.length > 0) candidates = others;
    }
    return this.#balancer.pick(nearestOf(candidates), hash);
  }

  onConnectFailure(endpoint: Endpoint): void {
    // A request's try is told by onTryEnd, too; what is relayed as a whole has no other word of it.
    const { host, protocol } = endpoint as Endpoint & HostEndpoint;
    this.#environment.onConnectFailure?.();
    host.missed();
    if (protocol === 'tcp') this.outliers.observe(host, undefined);
  }

  onConnect(endpoint: Endpoint): void {
    const { host, protocol } = endpoint as Endpoint & HostEndpoint;
    if (protocol === 'tcp') this.outliers.observe(host, 200);
  }

  unreachedIn(endpoint: Endpoint, response: Response): ReportedFailure | undefined {
    const host = hostOf(endpoint);
    // Who is no proxy of the mesh has no word in this.
    const failed = host?.secured === true ? unreachedIn(response) : undefined;
    if (failed?.failure === 'connect') host!.missed();
    return failed;
  }

  onTryEnd(endpoint: Endpoint, outcome: TryOutcome, duration: number): void {
    const host = hostOf(endpoint);
    if (host === undefined) return;
    host.ended();
    if ('failure' in outcome && (outcome.failure === 'cancelled' || outcome.failure === 'request_timeout')) return;
    // Who refuses does it quickly, and is no better for it.
    if (!('failure' in outcome && outcome.failure === 'connect')) host.latency.observe(duration, performance.now());
    this.outliers.observe(host, 'status' in outcome ? outcome.status : undefined);
  }

  /** Close idle connections; what is under way goes on. */
  close(): void {
    for (const host of this.#hosts) host.close();
    this.limits.close();
  }
}

/** Idle connections to what is no proxy of the mesh, in milliseconds. */
const PLAIN_IDLE = 4000;

export function hostOf(endpoint: Endpoint): Host | undefined {
  return (endpoint as Endpoint & Partial<HostEndpoint>).host;
}

/** Those of the lowest priority that there is. @param hosts at least one */
function nearestOf(hosts: readonly Host[]): readonly Host[] {
  let nearest = hosts[0]!.priority;
  let alike = true;
  for (const { priority } of hosts) {
    if (priority !== nearest) alike = false;
    if (priority < nearest) nearest = priority;
  }
  return alike ? hosts : hosts.filter(({ priority }) => priority === nearest);
}

const keyOf = ({ address, port, meshed }: { address: string; port: number; meshed: boolean }): string =>
  `${address} ${port} ${meshed}`;

/** SNI is for names (RFC 6066, section 3). */
function serverNameOf(host: string): string | undefined {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(host) && !/^[\d.]+$/.test(host) ? host : undefined;
}
