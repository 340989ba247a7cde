/** One endpoint of a cluster, in each protocol that it is spoken to in, and what is known of it. */
import type { TLSSocket } from 'node:tls';
import { Carriers } from '#proxy/multiplexed/carriers.ts';
import type { Sweeper } from '#proxy/loop/sweeper.ts';
import type { UpstreamConnection, UpstreamTls } from '#proxy/upstream/connection.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import { Http2Endpoint } from '#proxy/upstream/http2-endpoint.ts';
import type { PoolOptions } from '#proxy/upstream/pool.ts';
import type { Endpoint as EndpointModel } from '#mesh/model/cluster.ts';
import { PeakEwma } from './peak-ewma.ts';
import { Watch } from './watch.ts';

/** How long an endpoint that nobody answered at is asked last, in milliseconds: gRPC's first connection backoff. */
const MISSED = 1000;

/** How long a carrier may take to come, in milliseconds: nobody waits for it. */
const CARRIER_TIMEOUT = 10_000;
/**
 * After how long without a byte an endpoint's kernel is asked whether it still has the connection, in milliseconds. Of a
 * pod that was started anew at its old address nothing else tells: its machine is there, and nobody sends anything.
 */
const KEEP_ALIVE = 2000;
/** ALPN: many connections of `mesh-http/1.1` on one. */
export const MESH_CARRIER = 'mesh-http/1.1-carrier';

/** What goes through a connection: ALPN names of the mesh have it after `mesh-`. */
export type Protocol = 'http/1.1' | 'h2' | 'tcp';

/** TLS towards an endpoint, for a protocol. @param carrier for many connections of it at once, where the endpoint knows that */
export type TlsFor = (protocol: Protocol, carrier?: boolean) => UpstreamTls;

export interface HostOptions {
  readonly sweeper: Sweeper;
  readonly maxHeaderSize: number;
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeout: number;
  /** Undefined: in the clear. */
  readonly tls: TlsFor | undefined;
  /** Whether anybody at an address of the mesh answers; never throws. Absent: nobody is asked. */
  readonly isThere?: ((address: string) => Promise<boolean>) | undefined;
  /** Told of each handshake with an endpoint that has ended well. */
  readonly onSecure?: ((socket: TLSSocket) => void) | undefined;
}

/** An endpoint of the library's that knows whose it is. */
export interface HostEndpoint {
  readonly host: Host;
  readonly protocol: Protocol;
}

class Http1OfHost extends Http1Endpoint implements HostEndpoint {
  readonly host: Host;
  readonly protocol: Protocol;
  constructor(host: Host, protocol: Protocol, options: PoolOptions) {
    super(options);
    this.host = host;
    this.protocol = protocol;
  }
}

class Http2OfHost extends Http2Endpoint implements HostEndpoint {
  readonly host: Host;
  readonly protocol: Protocol;
  constructor(host: Host, protocol: Protocol, options: PoolOptions) {
    super(options);
    this.host = host;
    this.protocol = protocol;
  }
}

export class Host {
  model: EndpointModel;
  readonly latency = new PeakEwma();
  /** Where smooth weighted round robin stands. */
  turn = 0;
  /** On the cluster's clock: left out until then; 0 for not at all. */
  ejectedUntil = 0;
  ejections = 0;
  consecutive5xx = 0;
  consecutiveGatewayFailures = 0;
  /** In this interval of outlier detection. */
  successes = 0;
  failures = 0;
  /** On the same clock: nobody was there a moment ago; 0 for nothing of the kind. */
  #missedUntil = 0;
  readonly #options: HostOptions;
  /** Its connections that have a socket of their own. */
  readonly #open = new Set<UpstreamConnection>();
  /** Of one of the mesh. */
  readonly #watch: Watch | undefined;
  readonly #endpoints: Partial<Record<Protocol, Http1OfHost | Http2OfHost>> = {};

  constructor(model: EndpointModel, options: HostOptions) {
    this.model = model;
    this.#options = options;
    const { isThere, sweeper } = options;
    if (isThere !== undefined && options.tls !== undefined)
      this.#watch = new Watch({
        sweeper,
        isThere: () => isThere(this.model.address),
        active: () => this.active,
        onGone: () => this.#cut(),
      });
  }

  get weight(): number {
    return this.model.weight ?? 1;
  }

  /** It gets requests while none of a lower number can be used. */
  get priority(): number {
    return this.model.priority ?? 0;
  }

  /** It takes new requests, as far as the control plane knows. */
  get serving(): boolean {
    return (this.model.health ?? 'healthy') === 'healthy' && this.weight > 0;
  }

  /** Nobody was there: it is asked last for a while, as a connection that failed is not made again at once in gRPC. */
  missed(): void {
    this.#missedUntil = performance.now() + MISSED;
  }

  /** As far as the last try to reach it tells. */
  get reachable(): boolean {
    if (this.#watch?.gone === true) return false;
    if (this.#missedUntil === 0) return true;
    if (performance.now() < this.#missedUntil) return false;
    this.#missedUntil = 0;
    return true;
  }

  /** It is spoken to by mTLS of the mesh. */
  get secured(): boolean {
    return this.#options.tls !== undefined;
  }

  /** Requests and connections under way. */
  get active(): number {
    const { tcp, h2 } = this.#endpoints;
    return (this.#endpoints['http/1.1']?.active ?? 0) + (h2?.active ?? 0) + (tcp?.active ?? 0);
  }

  /** How it is spoken to in a protocol. */
  endpoint(protocol: Protocol): Http1OfHost | Http2OfHost {
    this.#watch?.start();
    return (this.#endpoints[protocol] ??= this.#make(protocol));
  }

  #make(protocol: Protocol): Http1OfHost | Http2OfHost {
    const { address: host, port } = this.model;
    const tls = this.#options.tls?.(protocol);
    const { sweeper, maxHeaderSize, idleTimeout, onSecure } = this.#options;
    const carriers = protocol === 'http/1.1' ? this.#carriers() : undefined;
    const options: PoolOptions = {
      host,
      port,
      sweeper,
      maxHeaderSize,
      idleTimeout,
      keepAlive: KEEP_ALIVE,
      open: this.#open,
      onSecure,
      ...(tls && { tls }),
      ...(carriers && { carriers }),
    };
    return protocol === 'h2' ? new Http2OfHost(this, protocol, options) : new Http1OfHost(this, protocol, options);
  }

  /** What connections of HTTP/1.1 are multiplexed by, where the proxy of the endpoint knows of it. */
  #carriers(): Carriers | undefined {
    const { address: host, port } = this.model;
    const { sweeper, idleTimeout, tls, onSecure } = this.#options;
    if (tls === undefined) return undefined;
    const target = { host, port, keepAlive: KEEP_ALIVE, open: this.#open, onSecure, tls: tls('http/1.1', true) };
    return new Carriers({ target, alpn: MESH_CARRIER, sweeper, idleTimeout, connectTimeout: CARRIER_TIMEOUT });
  }

  /** A try has ended. */
  ended(): void {
    this.#watch?.ended();
  }

  /** Look whether it is still there, for what is under way. */
  check(): void {
    this.#watch?.check();
  }

  /** Nobody is there any more: what is under way is told so. */
  #cut(): void {
    const gone = (): NodeJS.ErrnoException =>
      Object.assign(new Error('the host cannot be reached any more'), { code: 'EHOSTUNREACH' });
    for (const connection of this.#open) connection.fail(gone());
  }

  /** Close idle connections; what is under way goes on. */
  close(): void {
    for (const endpoint of Object.values(this.#endpoints)) endpoint.close();
    if (this.#watch?.gone === true) this.#watch.stop();
  }
}
