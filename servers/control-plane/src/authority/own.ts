/** The control plane's own certificate: issued by its authority, and again when half of its life is over. */
import { experimental } from '@grpc/grpc-js';
import { WallTimer, type WallClock } from '#kit/time/wall-clock.ts';
import type { Authority, Pair } from './authority.ts';

type CertificateProvider = experimental.CertificateProvider;

export interface OwnCertificateOptions {
  /** The one that signs now. */
  readonly authority: () => Promise<Authority>;
  readonly spiffeId: string;
  readonly names: readonly string[];
  readonly onFailure: (error: Error) => void;
  /** A test's seam. */
  readonly clock?: WallClock;
}

/** Pause after a failure to renew, in milliseconds. */
const RETRY = 30_000;
/** A clock that was set back by more makes the certificate one of the future, in milliseconds. */
const SET_BACK = 60_000;
/** A renewal is no sooner than this, in milliseconds. */
const SOONEST = 1000;

/** Hands its certificate to servers; to those of gRPC as a provider. */
export class OwnCertificate implements CertificateProvider {
  readonly #options: OwnCertificateOptions;
  readonly #identity = new Set<experimental.IdentityCertificateUpdateListener>();
  readonly #listeners: ((pair: Pair) => void)[] = [];
  readonly #renewal: WallTimer;
  #current: Pair;

  private constructor(options: OwnCertificateOptions, first: Pair & { notAfter: number }) {
    this.#options = options;
    this.#renewal = new WallTimer(options.clock);
    this.#current = first;
    this.#schedule(first.notAfter);
  }

  static async open(options: OwnCertificateOptions): Promise<OwnCertificate> {
    return new OwnCertificate(options, await (await options.authority()).issue(options.spiffeId, options.names));
  }

  get current(): Pair {
    return this.#current;
  }

  /** Told of each one that follows. */
  onChange(listener: (pair: Pair) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#renewal.clear();
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    // Not at once: the server that asks counts only on what comes after its question.
    void this.#options.authority().then(({ roots }) => listener({ caCertificate: Buffer.from(roots) }));
  }

  removeCaCertificateListener(): void {
    // It is told once, since the roots stay.
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.add(listener);
    queueMicrotask(() => listener(updateOf(this.#current)));
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identity.delete(listener);
  }

  #schedule(notAfter: number): void {
    const now = this.#now();
    this.#renewAt(now + Math.max(SOONEST, (notAfter - now) / 2), now - SET_BACK);
  }

  #renewAt(time: number, from?: number): void {
    this.#renewal.set(time, () => void this.#renew(), from);
  }

  #now(): number {
    return (this.#options.clock ?? Date).now();
  }

  async #renew(): Promise<void> {
    const { authority, spiffeId, names, onFailure } = this.#options;
    try {
      const next = await (await authority()).issue(spiffeId, names);
      this.#current = next;
      for (const listener of this.#identity) listener(updateOf(next));
      for (const listener of this.#listeners) listener(next);
      this.#schedule(next.notAfter);
    } catch (error) {
      onFailure(error as Error);
      this.#renewAt(this.#now() + RETRY);
    }
  }
}

const updateOf = ({ cert, key }: Pair): experimental.IdentityCertificateUpdate => ({
  certificate: Buffer.from(cert),
  privateKey: Buffer.from(key),
});
