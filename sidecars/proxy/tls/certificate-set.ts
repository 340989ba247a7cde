/** The certificates in use, and which of them a client gets for the name that it asks for. */
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Pair } from './pair.ts';
import { normalizeDnsName, wildcardOf } from './subject-alt-names.ts';

export type CertificateLog = Pick<Logger, 'info' | 'warn' | 'error'>;
/** What is counted of certificates; each sidecar maps it to metrics of its own names. */
export interface CertificateStats {
  /** A certificate is in use. @param notAfter the end of its validity, in seconds since the epoch */
  inUse(name: string, notAfter: number): void;
  /** Changed files were looked at. */
  looked(result: 'loaded' | 'unchanged' | 'refused'): void;
}

export interface CertificateSetOptions {
  readonly defaultName: string;
  /** What a client gets that names a server which no certificate covers. */
  readonly unknownName: 'default' | 'refuse';
  /** The context of a certificate, or of two for the same names with keys of different types. */
  readonly contextOf: (pairs: readonly Pair[]) => SecureContext;
  readonly log: CertificateLog;
  readonly stats: CertificateStats;
}

/** What clients get that name no server: one certificate, or two with keys of different types. */
export interface DefaultCertificate {
  readonly name: string;
  /** Of the first. */
  readonly serial: string;
  readonly cert: Buffer | Buffer[];
  readonly key: Buffer | Buffer[];
  readonly context: SecureContext;
}

export class CertificateSet {
  readonly #options: CertificateSetOptions;
  readonly #pairs = new Map<string, Pair>();
  readonly #listeners: (() => void)[] = [];
  readonly #warned = new Set<string>();
  #contexts = new Map<string, SecureContext>();
  #default: DefaultCertificate | undefined;
  /** Responses to staple, by the fingerprint of their certificate. */
  #staples = new Map<string, NonNullable<Pair['staple']>>();

  constructor(options: CertificateSetOptions) {
    this.#options = options;
  }

  get default(): DefaultCertificate {
    if (!this.#default) throw new Error(`no certificate ${this.#options.defaultName} is in use`);
    return this.#default;
  }

  /** There is a response to staple. */
  get staples(): boolean {
    return this.#staples.size > 0;
  }

  /** The OCSP response for a certificate, while it is current. */
  stapleFor(fingerprint: string, now = Date.now()): Buffer | undefined {
    const staple = this.#staples.get(fingerprint);
    return staple && staple.until > now ? staple.response : undefined;
  }

  get needsServerName(): boolean {
    return this.#pairs.size > 1 || this.#options.unknownName === 'refuse';
  }

  /** The certificate in use by that name. */
  get(name: string): Pair | undefined {
    return this.#pairs.get(name);
  }

  /** Names of the certificates in use. */
  get names(): string[] {
    return [...this.#pairs.keys()];
  }

  /**
   * The context for a server name: an exact name goes before a wildcard, and that before the default.
   * A client that names no server (or, against RFC 6066, an address) gets the default.
   * @returns undefined for a client to be refused
   */
  contextFor(serverName: string | undefined): SecureContext | undefined {
    if (!serverName || isIP(serverName)) return this.default.context;
    const host = normalizeDnsName(serverName);
    const context = host === undefined ? undefined : (this.#contexts.get(host) ?? this.#contexts.get(wildcardOf(host)));
    if (context) return context;
    return this.#options.unknownName === 'refuse' ? undefined : this.default.context;
  }

  /** Add certificates or replace those of the same name, all at once, and notify the listeners. */
  put(pairs: readonly Pair[]): void {
    for (const pair of pairs) {
      this.#pairs.set(pair.name, pair);
      this.#options.stats.inUse(pair.name, Math.floor(pair.notAfter / 1000));
      for (const warning of pair.warnings) this.#warnOnce(`${pair.certFile}: ${warning}`);
    }
    this.#index();
    for (const listener of this.#listeners) listener();
  }

  /** What every context has was changed: make them anew. */
  renew(): void {
    for (const pair of this.#pairs.values())
      this.#pairs.set(pair.name, { ...pair, context: this.#options.contextOf([pair]) });
    this.#index();
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Say which certificates have expired while in use. They stay: a client decides for itself, and nothing better is here. */
  warnOfExpired(now = Date.now()): void {
    for (const { certFile, serial, notAfter } of this.#pairs.values()) {
      if (notAfter <= now)
        this.#warnOnce(
          `${certFile} (serial ${serial}) has expired on ${new Date(notAfter).toISOString()} and is still served, since no newer one is there`,
        );
    }
  }

  /**
   * Which certificate each name gets: of two for one name the default goes first, then the alphabet
   * decides. Only the default may have a companion, since `node:tls` takes one certificate from the
   * context that a server name chose, and several only from the listener's own.
   */
  #index(): void {
    const first = this.#pairs.get(this.#options.defaultName);
    if (!first) return;
    const others = [...this.#pairs.values()]
      .filter((pair) => pair !== first)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const companion = others.find(
      (pair) =>
        pair.keyType !== first.keyType &&
        first.dnsNames.length > 0 &&
        first.dnsNames.every((name) => pair.dnsNames.includes(name)),
    );
    const byName = new Map<string, Pair>();
    for (const pair of [first, ...others]) {
      for (const dnsName of pair.dnsNames) {
        const before = byName.get(dnsName);
        if (before === undefined) byName.set(dnsName, pair);
        else if (before !== pair && !(before === first && pair === companion))
          this.#warnOnce(`${dnsName} is in ${before.certFile} and in ${pair.certFile}: the first is served`);
      }
      if (pair !== first && pair.dnsNames.length === 0)
        this.#warnOnce(`${pair.certFile} holds no DNS name (SAN), so that no client will ever get it`);
    }
    const { name, serial, cert, key } = first;
    this.#default = companion
      ? {
          name,
          serial,
          cert: [cert, companion.cert],
          key: [key, companion.key],
          context: this.#options.contextOf([first, companion]),
        }
      : { name, serial, cert, key, context: first.context };
    const { context } = this.#default;
    this.#contexts = new Map([...byName].map(([dnsName, pair]) => [dnsName, pair === first ? context : pair.context]));
    // Which of two certificates a client will get is not known when its response is asked for.
    const single = [...this.#pairs.values()].filter((pair) => !companion || (pair !== first && pair !== companion));
    this.#staples = new Map(single.flatMap(({ fingerprint, staple }) => (staple ? [[fingerprint, staple]] : [])));
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.log.warn(message);
  }
}
