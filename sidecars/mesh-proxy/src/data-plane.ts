/** The data path of a pod, in one process: what its application sends, and what reaches it. */
import type { TLSSocket } from 'node:tls';
import type { Logger } from '#kit/telemetry/log.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { PlainListener } from '#proxy/downstream/plain-listener.ts';
import { Filters, type Filter } from '#proxy/filters/filter.ts';
import type { ProxySettings } from '#proxy/settings.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import type { ClusterEnvironment } from './cluster/cluster.ts';
import { Runtime } from './compile/runtime.ts';
import type { Snapshot } from './compile/snapshot.ts';
import { OwnAddresses } from './destination/own.ts';
import type { OriginalDestination } from './destination/original.ts';
import type { Destination } from './destination/sockaddr.ts';
import { admission } from './filters/admission.ts';
import { authorise } from './filters/authorise.ts';
import { cors } from './filters/cors.ts';
import { faults } from './filters/faults.ts';
import { headerEdits } from './filters/header-edits.ts';
import { mirror } from './filters/mirror.ts';
import { portRateLimit, routeRateLimit } from './filters/rate-limit.ts';
import { route } from './filters/route.ts';
import { toApplication } from './filters/to-application.ts';
import { errorResponses } from './filters/error-responses.ts';
import { unreached } from './filters/unreached.ts';
import { Inbound } from './listeners/inbound.ts';
import { Outbound } from './listeners/outbound.ts';
import { Application } from './destination/application.ts';
import { Passthrough } from './destination/passthrough.ts';
import type { DirectionTelemetry } from './stream-info/telemetry.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import type { Identity } from '#mesh/model/identity.ts';
import { MeshTls } from './security/contexts.ts';
import { MeshServer } from './security/mesh-server.ts';

export interface DataPlaneOptions {
  readonly log: Logger;
  readonly identity: Identity;
  readonly originalDestination: OriginalDestination;
  readonly settings: ProxySettings;
  /** Addresses of both listeners; port 0 for any free one. */
  readonly outbound: { readonly host: string; readonly port: number; readonly telemetry: DirectionTelemetry };
  readonly inbound: { readonly host: string; readonly port: number; readonly telemetry: DirectionTelemetry };
  /** Connections of each direction; further ones are closed. */
  readonly maxConnections: number;
  /** How long an idle connection between proxies is kept, in milliseconds. */
  readonly upstreamIdleTimeout: number;
  readonly handshakeTimeout: number;
  readonly onEjection: ClusterEnvironment['onEjection'];
  /** The application did not take a connection. */
  readonly onApplicationDown?: () => void;
  /** Of the own release: peers have it in their metrics. */
  readonly version?: string | undefined;
  /** Whether anybody at an address of the mesh answers; never throws. Absent: nobody is asked. */
  readonly isThere?: (address: string) => Promise<boolean>;
  /** Told of each handshake with another proxy that has ended well, by the proxy that called. */
  readonly onSecure?: (socket: TLSSocket) => void;
  /** Addresses of the pod; found out where absent. */
  readonly isOwn?: (address: string) => boolean;
  /** Those of them that others may connect to; found out where absent. */
  readonly takesFromOthers?: (address: string) => boolean;
}

export class DataPlane {
  readonly runtime: Runtime;
  readonly tls: MeshTls;
  readonly #options: DataPlaneOptions;
  readonly #sweeper: Sweeper;
  readonly #passthrough: Passthrough;
  readonly application: Application;
  readonly #outbound: PlainListener;
  readonly #inbound: PlainListener;
  #listening = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    const { identity, settings, originalDestination } = options;
    // Timeouts of a route, or of one try, may be far shorter than the settings' own.
    this.#sweeper = new Sweeper(SHORTEST);
    this.tls = new MeshTls(identity, options.version);
    const own = new OwnAddresses();
    const isOwn = options.isOwn ?? ((address) => own.has(address));
    const takesFromOthers = options.takesFromOthers ?? ((address) => own.takesFromOthers(address));
    const environment: ClusterEnvironment = {
      sweeper: this.#sweeper,
      maxHeaderSize: settings.maxHeaderSize,
      idleTimeout: options.upstreamIdleTimeout,
      meshTls: (identities, serverName) => this.tls.towards(identities, serverName),
      isOwn,
      isThere: options.isThere,
      onSecure: options.onSecure,
      nearest: (addresses) => own.nearest(addresses),
      onEjection: options.onEjection,
    };
    this.runtime = new Runtime(environment);
    this.#passthrough = new Passthrough('passthrough', environment);
    this.application = new Application({
      environment: {
        ...environment,
        onConnectFailure: () => {
          void this.application.look();
          options.onApplicationDown?.();
        },
      },
      isNamed: (port) => this.snapshot.configuration.inbound.ports?.some((each) => each.port === port) === true,
    });
    const isProxy = ({ address, port }: Destination): boolean => this.#isProxyPort(port) && isOwn(address);
    const common = { snapshot: () => this.snapshot, originalDestination, isProxy };
    this.#outbound = this.#listen(
      options.outbound,
      this.#outboundFilters(),
      this.#passthrough,
      'MESH_OUTBOUND_PORT',
      (telemetry) => {
        const outbound = new Outbound({ ...common, passthrough: this.#passthrough, telemetry });
        return (context, info) => outbound.accept(context, info);
      },
    );
    const mesh = new MeshServer(identity, this.tls, options.handshakeTimeout);
    this.#inbound = this.#listen(
      options.inbound,
      this.#inboundFilters(),
      this.application,
      'MESH_INBOUND_PORT',
      (telemetry) => {
        const inbound = new Inbound({
          ...common,
          takesFromOthers,
          application: this.application,
          mesh,
          telemetry,
          onRefused: (reason) => telemetry.onRefused(reason),
        });
        return (context, info, multiplexed) => inbound.accept(context, info, multiplexed);
      },
    );
  }

  #listen(
    { host, port, telemetry }: DataPlaneOptions['outbound'],
    filters: (context: () => ProxyContext) => readonly Filter[],
    cluster: Passthrough | Application,
    portParameter: string,
    serve: (telemetry: DirectionTelemetry) => NonNullable<ConstructorParameters<typeof PlainListener>[0]['serve']>,
  ): PlainListener {
    const { settings, log, maxConnections } = this.#options;
    const context: ProxyContext = {
      settings,
      log,
      stats: telemetry.stats,
      sweeper: this.#sweeper,
      filters: new Filters([...telemetry.filters, ...filters(() => context)]),
      // Filters choose another one for each request.
      cluster: cluster.to({ address: '127.0.0.1', port: 0 }),
      draining: false,
    };
    return new PlainListener({ context, host, port, portParameter, maxConnections, serve: serve(telemetry) });
  }

  /** In the order in which they see a request. */
  #outboundFilters(): (context: () => ProxyContext) => readonly Filter[] {
    return (context) => [
      cors,
      errorResponses,
      route({ snapshot: () => this.snapshot, passthrough: this.#passthrough }),
      routeRateLimit,
      faults,
      headerEdits,
      mirror(context),
      admission,
    ];
  }

  #inboundFilters(): () => readonly Filter[] {
    return () => [
      unreached,
      errorResponses,
      authorise(() => this.snapshot),
      portRateLimit,
      headerEdits,
      toApplication(this.application),
    ];
  }

  /** The configuration in use. */
  get snapshot(): Snapshot {
    const { snapshot } = this.runtime;
    if (snapshot === undefined) throw new Error('there is no configuration yet');
    return snapshot;
  }

  get listening(): boolean {
    return this.#listening;
  }
  get outboundPort(): number {
    return this.#outbound.port;
  }
  get inboundPort(): number {
    return this.#inbound.port;
  }

  #isProxyPort(port: number): boolean {
    return this.#listening && (port === this.outboundPort || port === this.inboundPort);
  }

  /** Take a configuration in use; with the first one listen. @throws {ConfigurationRefused} */
  apply(configuration: Configuration): void {
    this.runtime.apply(configuration);
  }

  /** Listen: once there is a configuration. @throws {ConfigurationError} when a port cannot be had */
  async open(): Promise<void> {
    await this.application.look();
    await this.#inbound.open();
    await this.#outbound.open();
    this.#listening = true;
  }

  /**
   * Come to an end: no further connections, the begun requests finished.
   * @param patience milliseconds after which the rest is cut
   */
  async drain(patience: number): Promise<void> {
    await Promise.all([this.#inbound.drain(patience), this.#outbound.drain(patience)]);
    this.runtime.close();
    this.#passthrough.close();
    this.application.close();
  }
}

/** The shortest time that the sweeper is exact about, in milliseconds. */
const SHORTEST = 200;
