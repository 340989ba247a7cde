/** Aggregated discovery (ADS) and the status of its clients (CSDS), as gRPC services. */
import { status, type Server, type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Boundary } from './boundary.ts';
import { BadRequest, type ClientStream, type Response, type TypeStatus } from './client-stream.ts';
import { SharedRoom } from './share.ts';
import { Snapshots } from './snapshots.ts';
import type { Locality } from '#mesh/model/locality.ts';
import type { Resource, View } from './resources/types.ts';
import {
  ADS,
  CSDS,
  INCREMENTAL,
  STATE_OF_THE_WORLD,
  statusOf,
  type AdsCall,
  type DiscoveryRequest,
  type Variant,
} from './wire.ts';

/** Who is at the other end. */
export interface Client {
  readonly id: string;
  /** The service whose proxy it is; undefined for others, as gRPC clients. */
  readonly service: string | undefined;
  readonly userAgent: string;
  /** Of its node; undefined where it names none. */
  readonly locality: Locality | undefined;
  readonly since: number;
}

/** An Envoy says so itself. */
export const isEnvoy = ({ userAgent }: Client): boolean => userAgent === 'envoy';

export interface ConnectedClient extends Client {
  /** Of the last publication all of which it has taken; 0 for none. */
  readonly publication: number;
  readonly types: readonly TypeStatus[];
}

export interface DiscoveryOptions {
  readonly log: Logger;
  readonly boundary: Boundary;
  /** @throws {NothingYet} */
  readonly viewOf: (client: Client) => View;
  /**
   * Which service's proxy a stream is of.
   * @returns undefined for a client that is no proxy
   * @throws {Forbidden}
   */
  readonly identify: (peer: Peer) => string | undefined;
  readonly onAnswer: (answer: 'ack' | 'nack', type: string) => void;
  readonly onPush: (type: string) => void;
  readonly onClients: (count: number) => void;
  readonly onRefused: (who: Kind) => void;
  /** Milliseconds until changes of other types no longer wait for an answer. */
  readonly patience?: number;
  /** Streams that may be open of each kind of client. */
  readonly limits: StreamLimits;
}

/** Who showed a certificate of the mesh, and who need not: neither can take the other's room. */
export type Kind = 'proxy' | 'application';

export type StreamLimits = Readonly<Record<Kind, number>>;

/** For people: which parameter is in the way. */
const PARAMETERS: Readonly<Record<Kind, string>> = {
  proxy: 'CONTROL_MAX_PROXY_STREAMS',
  application: 'CONTROL_MAX_APPLICATION_STREAMS',
};

/** What is known of a stream's client. */
export interface Peer {
  readonly nodeId: string;
  /** Of the node's metadata. */
  readonly service: string | undefined;
  /** SPIFFE ids of its certificate; undefined without mTLS. */
  readonly identities: readonly string[] | undefined;
}

/** The client may not see this. */
export class Forbidden extends Error {}

/** There is nothing to be seen yet: a client that had something before is to keep that. */
export class NothingYet extends Error {}

interface Connection {
  readonly client: Client;
  readonly stream: ClientStream;
  readonly take: (request: DiscoveryRequest) => 'ack' | 'nack' | undefined;
  patience: NodeJS.Timeout | undefined;
  publication: number;
}

/** What a client is told of a failure that is not its own. */
const FAILED = 'the control plane failed; its log says how';

/** How a client is told that it asked for what it does not get; undefined for what is no client's fault. */
function codeOf(error: unknown): status | undefined {
  if (error instanceof Forbidden) return status.PERMISSION_DENIED;
  if (error instanceof BadRequest) return status.INVALID_ARGUMENT;
  return error instanceof NothingYet ? status.UNAVAILABLE : undefined;
}

/** Responses that may wait for a client to read them: of each type it gets one, and the next when it took that. */
const MAX_UNREAD = 64;

/** Streams of a control plane's clients. */
export class Discovery {
  readonly #options: Required<DiscoveryOptions>;
  readonly #streams = new Map<AdsCall, Connection>();
  /** Streams that are open, also those that have asked for nothing yet. */
  readonly #open: Readonly<Record<Kind, SharedRoom<AdsCall>>>;
  /** Kinds of which it was said that there is no room. */
  readonly #full = new Set<Kind>();
  /** Streams that were ended from here: what they still send is not read. */
  readonly #refused = new WeakSet<AdsCall>();
  #publication = 0;
  readonly #snapshots = new Snapshots();
  /** The part of responses that clients share, by what is in them. */
  #bodies = new WeakMap<Variant, WeakMap<readonly Resource[], Buffer>>();

  constructor(options: DiscoveryOptions) {
    this.#options = { patience: 10_000, ...options };
    const { proxy, application } = options.limits;
    this.#open = { proxy: new SharedRoom(proxy), application: new SharedRoom(application) };
  }

  /** Add the services to a server. */
  serve(server: Server): void {
    server.addService(ADS, {
      StreamAggregatedResources: (call: AdsCall) => this.#accept(call, STATE_OF_THE_WORLD),
      DeltaAggregatedResources: (call: AdsCall) => this.#accept(call, INCREMENTAL),
    });
    server.addService(CSDS, {
      FetchClientStatus: (_call: ServerUnaryCall<unknown, Buffer>, callback: sendUnaryData<Buffer>) => {
        const failure = this.#options.boundary.run('status', () => callback(null, statusOf(this.clients)));
        if (failure) callback({ code: status.INTERNAL, details: FAILED });
      },
      StreamClientStatus: (call: ServerDuplexStream<unknown, Buffer>) => {
        call.on('data', () => {
          const failure = this.#options.boundary.run('status', () => {
            if (!call.write(statusOf(this.clients))) call.pause().once('drain', () => call.resume());
          });
          if (failure) call.emit('error', { code: status.INTERNAL, details: FAILED });
        });
        call.on('end', () => call.end());
        call.on('error', () => {});
      },
    });
  }

  /**
   * Something has changed: every client is told what concerns it.
   * @param publication a number that is higher each time
   */
  update(publication: number): void {
    this.#bodies = new WeakMap();
    for (const [call, entry] of this.#streams)
      this.#guard(call, () => {
        this.#settle(entry);
        const view = this.#viewOf(entry.client);
        if (!view) return;
        entry.stream.update(view);
        this.#watch(call, entry);
      });
    this.#publication = publication;
  }

  /** @returns undefined where there is nothing for it yet, so that it keeps what it has */
  #viewOf(client: Client): View | undefined {
    try {
      return this.#options.viewOf(client);
    } catch (error) {
      if (error instanceof NothingYet) return undefined;
      throw error;
    }
  }

  get clients(): ConnectedClient[] {
    return [...this.#streams.values()].map((entry) => {
      this.#settle(entry);
      return { ...entry.client, publication: entry.publication, types: entry.stream.status() };
    });
  }

  /** Note that a client has all that was published last. */
  #settle(entry: Connection): void {
    if (entry.stream.upToDate) entry.publication = this.#publication;
  }

  /** End all streams. */
  close(): void {
    for (const call of [...this.#open.proxy.all, ...this.#open.application.all])
      call.emit('error', { code: status.UNAVAILABLE, details: 'the control plane stops' });
  }

  #accept(call: AdsCall, variant: Variant): void {
    // The port for proxies lets nobody in without one.
    const kind: Kind = call.getAuthContext().sslPeerCertificate ? 'proxy' : 'application';
    call.on('error', () => this.#forget(call));
    if (!this.#admit(call, kind)) return;
    call.on('data', (request: DiscoveryRequest) => {
      if (this.#refused.has(call)) return;
      if (call.writableLength > MAX_UNREAD) {
        this.#refuse(call, status.RESOURCE_EXHAUSTED, `more than ${MAX_UNREAD} responses were not read`);
        return;
      }
      this.#guard(call, () => {
        try {
          this.#take(call, variant, request);
        } catch (error) {
          const code = codeOf(error);
          if (code === undefined) throw error;
          this.#refuse(call, code, (error as Error).message);
        }
      });
    });
    call.on('end', () => {
      this.#forget(call);
      call.end();
    });
    call.on('cancelled', () => this.#forget(call));
  }

  /** @returns whether there is room for it; who has none, it or the last of who holds most, is told */
  #admit(call: AdsCall, kind: Kind): boolean {
    const { limits, log, onRefused } = this.#options;
    // An application has no identity: those of one address share their room.
    const owner = identitiesOf(call)?.join(' ') ?? call.getPeer().replace(/:\d+$/, '');
    const { admitted, leaving } = this.#open[kind].admit(call, owner);
    if (admitted && leaving === undefined) {
      this.#full.delete(kind);
      return true;
    }
    const details = `${limits[kind]} streams of ${kind === 'proxy' ? 'proxies' : 'applications'} are open, the most that there may be: see ${PARAMETERS[kind]}`;
    onRefused(kind);
    // Each comes again and again.
    if (!this.#full.has(kind)) log.warn({ kind, limit: limits[kind] }, `a client is refused: ${details}`);
    this.#full.add(kind);
    this.#refuse(leaving ?? call, status.RESOURCE_EXHAUSTED, details);
    return admitted;
  }

  /** Do something for a stream, which ends where that fails. */
  #guard(call: AdsCall, work: () => void): void {
    if (this.#options.boundary.run('stream', work)) this.#refuse(call, status.INTERNAL, FAILED);
  }

  #refuse(call: AdsCall, code: status, details: string): void {
    this.#refused.add(call);
    this.#forget(call);
    call.emit('error', { code, details });
  }

  #forget(call: AdsCall): void {
    this.#open.proxy.delete(call);
    this.#open.application.delete(call);
    const entry = this.#streams.get(call);
    if (!entry) return;
    clearTimeout(entry.patience);
    this.#streams.delete(call);
    this.#options.onClients(this.#streams.size);
    this.#options.log.info({ client: entry.client.id }, 'a client is gone');
  }

  #take(call: AdsCall, variant: Variant, request: DiscoveryRequest): void {
    const entry = this.#streams.get(call) ?? this.#begin(call, variant, request);
    const said = entry.take(request);
    if (said !== undefined) this.#options.onAnswer(said, request.type_url);
    if (said === 'nack')
      this.#options.log.warn(
        { client: entry.client.id, type: request.type_url, reason: request.error_detail?.message.slice(0, 2000) },
        'a client refused its configuration, and goes on with the last that it took',
      );
    this.#watch(call, entry);
  }

  #begin(call: AdsCall, variant: Variant, { node }: DiscoveryRequest): Connection {
    if (!node || node.id === '') throw new BadRequest('the first request of a stream names its node');
    const service = this.#options.identify({
      nodeId: node.id,
      service: node.metadata?.fields?.['SERVICE']?.stringValue,
      identities: identitiesOf(call),
    });
    const client: Client = {
      id: node.id.slice(0, 256),
      service,
      userAgent: node.user_agent_name.slice(0, 256),
      locality: node.locality ? { region: node.locality.region, zone: node.locality.zone } : undefined,
      since: Date.now(),
    };
    const send = (response: Response): void => {
      this.#options.onPush(response.type);
      call.write(Buffer.concat([this.#bodyOf(variant, response), variant.own(response)]));
    };
    const entry: Connection = {
      client,
      ...variant.open(this.#options.viewOf(client), send, { snapshots: this.#snapshots, warms: isEnvoy(client) }),
      patience: undefined,
      publication: 0,
    };
    this.#streams.set(call, entry);
    this.#options.onClients(this.#streams.size);
    this.#options.log.info({ client: client.id, service, agent: client.userAgent }, 'a client is connected');
    return entry;
  }

  /** A client that answers nothing holds up nobody, not even itself. */
  #watch(call: AdsCall, entry: Connection): void {
    clearTimeout(entry.patience);
    if (!entry.stream.waiting) return;
    const hurry = (): void => this.#guard(call, () => entry.stream.hurry());
    entry.patience = setTimeout(hurry, this.#options.patience).unref();
  }

  /** Encoded once for all clients that get the same. */
  #bodyOf(variant: Variant, { type, version, resources }: Response): Buffer {
    // None are none of any type.
    if (resources.length === 0) return variant.shared(type, version, resources);
    const bodies = this.#bodies.get(variant) ?? new WeakMap<readonly Resource[], Buffer>();
    this.#bodies.set(variant, bodies);
    const known = bodies.get(resources);
    if (known) return known;
    const body = variant.shared(type, version, resources);
    bodies.set(resources, body);
    return body;
  }
}

/** SPIFFE ids of the certificate that the client showed. */
function identitiesOf(call: AdsCall): string[] | undefined {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (!certificate) return undefined;
  return (certificate.subjectaltname ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
}
