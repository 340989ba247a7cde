/**
 * Configurations from a control plane: aggregated discovery (ADS), state of the world.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { Backoff } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { PeerCertificate } from 'node:tls';
import type { Configuration } from '../model/configuration.ts';
import type { Credentials, Identity } from '../model/identity.ts';
import { ConfigurationRefused, type ConfigurationSource, type ConfigurationUser } from '../model/source.ts';
import { GrpcStream } from './grpc.ts';
import { decode, MalformedMessage } from './wire/protobuf.ts';
import { encodeRequest, type Node } from './requests.ts';
import { ResourceRefused } from './resources/common.ts';
import { DiscoveryResponse } from './wire/schema.ts';
import { CDS, EDS, LDS, RDS, SDS, Store, TRUST_BUNDLE } from './store.ts';

export interface XdsSourceOptions {
  readonly host: string;
  readonly port: number;
  readonly node: Node;
  /** Whose certificate is shown; the control plane must be of the same trust domain and project. */
  readonly identity: Identity;
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'>;
  /** Of before a restart: in use where no control plane answers, until one has sent all of another. */
  readonly kept?: Configuration | undefined;
  /** One is in use now. */
  readonly onUsed?: (configuration: Configuration) => void;
  /** The roots of the trust domain have changed. */
  readonly onTrustBundle?: (pem: string) => void;
  /** One of the two ends did not accept the other's certificate. */
  readonly onUntrusted?: () => void;
  /** A stream is there, or is gone. */
  readonly onConnection?: (connected: boolean) => void;
}

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
/** Between attempts to connect, in milliseconds. */
const BACKOFF = { initial: 250, max: 10_000 };
/** Messages of OpenSSL for certificates that are not accepted, and of its alerts. */
const UNTRUSTED = /certificate|unknown ca/i;
/** A sentence for the control plane's log, in characters. */
const MAX_REASON = 2000;

/** What was said of a type on this stream. */
interface LastRequest {
  nonce: string;
  names: readonly string[];
}

export class XdsSource implements ConfigurationSource {
  readonly #options: XdsSourceOptions;
  readonly #backoff = new Backoff(BACKOFF);
  #user: ConfigurationUser | undefined;
  #stream: GrpcStream | undefined;
  #retry: NodeJS.Timeout | undefined;
  #store = new Store();
  #lastRequests = new Map<string, LastRequest>();
  /** In use now. */
  #version: string | undefined;
  #triedKept = false;
  #closed = false;

  constructor(options: XdsSourceOptions) {
    this.#options = options;
  }

  start(user: ConfigurationUser): void {
    this.#user = user;
    const { identity } = this.#options;
    if (identity.current) return this.#connect(identity.current);
    // With the first certificate; those that follow are for the next stream.
    identity.onChange((credentials) => {
      if (!this.#stream && this.#retry === undefined) this.#connect(credentials);
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#stream?.close();
  }

  #connect(credentials: Credentials): void {
    if (this.#closed) return;
    const { host, port, log } = this.#options;
    this.#lastRequests = new Map();
    let first = true;
    const stream = new GrpcStream({
      host,
      port,
      path: METHOD,
      tls: { ca: credentials.trustBundle, cert: credentials.chain, key: credentials.key },
      verify: (certificate) => verifyControlPlane(certificate, credentials.spiffeId),
      onMessage: (message) => {
        if (first) {
          first = false;
          this.#backoff.reset();
          this.#options.onConnection?.(true);
          log.info({ host, port }, 'connected to the control plane');
        }
        this.#take(message);
      },
      onEnd: (reason) => {
        if (this.#closed) return;
        this.#options.onConnection?.(false);
        this.#useKept();
        if (first && UNTRUSTED.test(reason)) this.#options.onUntrusted?.();
        const wait = this.#backoff.next();
        log.warn(
          { host, port, reason, retry_ms: Math.round(wait) },
          'no control plane: the last configuration stays in use',
        );
        this.#retry = setTimeout(() => {
          this.#retry = undefined;
          this.#connect(this.#options.identity.current ?? credentials);
        }, wait);
      },
    });
    this.#stream = stream;
    this.#ask(SDS, [TRUST_BUNDLE], this.#options.node);
    this.#ask(CDS, []);
    this.#ask(LDS, []);
    if (this.#store.endpointNames.length > 0) this.#ask(EDS, this.#store.endpointNames);
    if (this.#store.routeNames.length > 0) this.#ask(RDS, this.#store.routeNames);
  }

  /** Without a control plane there is no newer one. */
  #useKept(): void {
    const { kept, log } = this.#options;
    if (kept === undefined || this.#triedKept || this.#version !== undefined) return;
    this.#triedKept = true;
    const reason = this.#refuse(() => this.#user!(kept));
    if (reason === undefined) log.info({}, 'the configuration of before the restart is in use');
    else log.warn({ reason }, 'the configuration of before the restart is refused');
  }

  /** Say what is wanted of a type; with the last nonce it is also a yes, or a no with its reason. */
  #ask(type: string, names: readonly string[], node?: Node, error?: string): void {
    const nonce = this.#lastRequests.get(type)?.nonce ?? '';
    this.#lastRequests.set(type, { nonce, names });
    const version = this.#store.version(type);
    this.#stream?.send(encodeRequest({ type, version, nonce, names, node, error: error?.slice(0, MAX_REASON) }));
  }

  #take(message: Buffer): void {
    let response;
    try {
      response = decode(DiscoveryResponse, message);
    } catch (error) {
      // Without its type and nonce it cannot even be refused.
      this.#options.log.warn({ reason: (error as Error).message }, 'the control plane sent no discovery response');
      this.#stream?.close();
      return;
    }
    const { type_url: type = '', version_info: version = '', nonce = '', resources } = response;
    const said = this.#lastRequests.get(type);
    if (!said) return;
    said.nonce = nonce;
    const reason = this.#refuse(() => this.#use(this.#store.with(type, version, resources)));
    if (reason !== undefined) {
      this.#options.log.warn({ type, version, reason }, 'configuration refused: the last good one stays in use');
      this.#ask(type, said.names, undefined, reason);
      return;
    }
    // What is newly named is asked for before the answer: the control plane then sends it in time.
    if (type === CDS) this.#follow(EDS, this.#store.endpointNames);
    if (type === LDS) this.#follow(RDS, this.#store.routeNames);
    this.#ask(type, said.names);
  }

  #follow(type: string, names: readonly string[]): void {
    const before = this.#lastRequests.get(type);
    if (before && names.length === before.names.length && names.every((name, index) => name === before.names[index]))
      return;
    if (before || names.length > 0) this.#ask(type, names);
  }

  /** @returns why it is refused; undefined when it was taken */
  #refuse(take: () => void): string | undefined {
    try {
      take();
      return undefined;
    } catch (error) {
      if (
        error instanceof ConfigurationRefused ||
        error instanceof ResourceRefused ||
        error instanceof MalformedMessage
      )
        return error.message || 'refused';
      // Whatever a resource did to us, it is refused, and the stream goes on.
      return `internal error: ${(error as Error).message}`;
    }
  }

  /** @throws what the user throws, the former store then staying */
  #use(next: Store): void {
    const configuration = next.configuration();
    if (configuration && configuration.version !== this.#version) {
      this.#user!(configuration);
      this.#version = configuration.version;
      this.#options.onUsed?.(configuration);
    }
    if (next.trustBundle !== undefined && next.trustBundle !== this.#store.trustBundle)
      this.#options.onTrustBundle?.(next.trustBundle);
    this.#store = next;
  }
}

/** Of the same trust domain and project, and the control plane: no other workload's certificate will do. */
function verifyControlPlane({ subjectaltname = '' }: PeerCertificate, own: string): Error | undefined {
  const wanted = own.replace(/\/sa\/[^/]+$/, '/sa/control-plane');
  const uris = subjectaltname.split(', ').filter((name) => name.startsWith('URI:'));
  if (uris.length === 1 && uris[0] === `URI:${wanted}`) return undefined;
  return new Error(`the control plane shows ${subjectaltname.slice(0, 200) || 'no identity'} instead of ${wanted}`);
}
