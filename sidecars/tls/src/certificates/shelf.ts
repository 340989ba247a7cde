/** The certificates in use, and which of them a client gets for the name that it asks for. */
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Logger } from '#kit/log.ts';
import type { Metrics } from '#kit/metrics.ts';
import type { contract } from '../contract.ts';
import type { Pair } from './pair.ts';
import { normalizeDnsName, wildcardOf } from './subject-alt-names.ts';

export type CertificateLog = Pick<Logger, 'info' | 'warn' | 'error'>;
export type CertificateMetrics = Pick<
  Metrics<typeof contract.metrics>,
  'tls_certificate_not_after_seconds' | 'tls_certificate_reloads_total'
>;

export interface ShelfOptions {
  readonly defaultName: string;
  /** What a client gets that names a server which no certificate covers. */
  readonly unknownName: 'default' | 'refuse';
  readonly log: CertificateLog;
  readonly metrics: CertificateMetrics;
}

export class Shelf {
  readonly #options: ShelfOptions;
  readonly #pairs = new Map<string, Pair>();
  readonly #listeners: (() => void)[] = [];
  readonly #warned = new Set<string>();
  #byName = new Map<string, Pair>();

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  get default(): Pair {
    const pair = this.#pairs.get(this.#options.defaultName);
    if (!pair) throw new Error(`no certificate ${this.#options.defaultName} was put on the shelf`);
    return pair;
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
    const pair = host === undefined ? undefined : (this.#byName.get(host) ?? this.#byName.get(wildcardOf(host)));
    if (pair) return pair.context;
    return this.#options.unknownName === 'refuse' ? undefined : this.default.context;
  }

  /** Add certificates or replace those of the same name, all at once, and tell whoever listens. */
  put(pairs: readonly Pair[]): void {
    for (const pair of pairs) {
      this.#pairs.set(pair.name, pair);
      this.#options.metrics.tls_certificate_not_after_seconds.set(
        { name: pair.name },
        Math.floor(pair.notAfter / 1000),
      );
      for (const warning of pair.warnings) this.#warnOnce(`${pair.certFile}: ${warning}`);
    }
    this.#byName = this.#index();
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

  /** Names to certificates; of two for one name the default goes first, then the alphabet decides. */
  #index(): Map<string, Pair> {
    const index = new Map<string, Pair>();
    const others = [...this.#pairs.values()]
      .filter((pair) => pair !== this.default)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const pair of [this.default, ...others]) {
      for (const dnsName of pair.dnsNames) {
        const first = index.get(dnsName);
        if (first && first !== pair)
          this.#warnOnce(`${dnsName} is in ${first.certFile} and in ${pair.certFile}: the first is served`);
        else index.set(dnsName, pair);
      }
      if (pair !== this.default && pair.dnsNames.length === 0)
        this.#warnOnce(`${pair.certFile} holds no DNS name (SAN), so that no client will ever get it`);
    }
    return index;
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.log.warn(message);
  }
}
