/** An identity from the control plane: a key of our own, a certificate for it, and both anew at half of its life. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Backoff } from '#kit/time/backoff.ts';
import { WallTimer, type WallClock } from '#kit/time/wall-clock.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Credentials, Identity } from '../model/identity.ts';
import { makeRequest } from './csr.ts';
import type { Enrolment } from './enrolment.ts';

export interface EnrolledIdentityOptions {
  readonly enrolment: Pick<Enrolment, 'certificate'>;
  readonly service: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Of before a restart: good until the first certificate of this run is there. */
  readonly kept?: Credentials | undefined;
  /** These are tests' seams. */
  readonly clock?: WallClock;
  readonly makeRequest?: typeof makeRequest;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** Between attempts, in milliseconds. */
const BACKOFF = { initial: 250, max: 15_000 };
/** So that proxies that began together do not all renew at once: this share of the time is drawn. */
const JITTER = 0.1;
/** A clock that was set back by more makes the certificate one of the future, in milliseconds. */
const SET_BACK = 60_000;
/** A renewal is no sooner than this, in milliseconds. */
const SOONEST = 1000;

export class EnrolledIdentity implements Identity {
  current: Credentials | undefined;
  readonly #options: EnrolledIdentityOptions;
  readonly #renewal: WallTimer;
  readonly #listeners: ((credentials: Credentials) => void)[] = [];
  readonly #backoff = new Backoff(BACKOFF);
  #retry: NodeJS.Timeout | undefined;
  #renewing = false;
  #closed = false;

  constructor(options: EnrolledIdentityOptions) {
    this.#options = options;
    this.#renewal = new WallTimer(options.clock);
    this.current = options.kept;
    void this.#renew();
  }

  onChange(listener: (credentials: Credentials) => void): void {
    this.#listeners.push(listener);
  }

  /** The roots of the trust domain have changed; key and certificate stay. */
  trust(trustBundle: string): void {
    if (this.current && this.current.trustBundle !== trustBundle) this.#use({ ...this.current, trustBundle });
  }

  /** The control plane does not believe us, or we it: have another certificate now, and the roots with it. */
  renew(): void {
    // One that is under way, or is waited for, does the same.
    if (this.#renewing || this.#retry !== undefined || this.#closed) return;
    this.#renewal.clear();
    void this.#renew();
  }

  look(): void {
    this.#renewal.look();
  }

  close(): void {
    this.#closed = true;
    this.#renewal.clear();
    clearTimeout(this.#retry);
  }

  async #renew(): Promise<void> {
    const { enrolment, service, log, random = Math.random, clock = Date } = this.#options;
    this.#retry = undefined;
    this.#renewing = true;
    try {
      const { key, request } = await (this.#options.makeRequest ?? makeRequest)();
      const began = clock.now();
      const { spiffeId, chain, trustBundle, notAfter } = await enrolment.certificate(service, request);
      if (this.#closed) return;
      // A certificate that is not of this key never replaces one that is.
      createSecureContext({ key, cert: chain, ca: trustBundle });
      this.#backoff.reset();
      const wait = Math.max(SOONEST, ((notAfter - began) / 2) * (1 - JITTER * random()));
      // One that begins later than now is of a control plane whose clock is ahead: at the next look it is renewed.
      const from = Math.max(began - SET_BACK, new X509Certificate(chain).validFromDate.getTime());
      this.#renewal.set(began + wait, () => void this.#renew(), from);
      this.#use({ spiffeId, key, chain, trustBundle, notAfter });
      log.info(
        { identity: spiffeId, notAfter: new Date(notAfter), renewal_s: Math.round(wait / 1000) },
        'identity in use',
      );
    } catch (error) {
      if (this.#closed) return;
      const wait = this.#backoff.next();
      const until = this.current && new Date(this.current.notAfter);
      log.warn({ reason: (error as Error).message, retry_ms: Math.round(wait), until }, 'no new certificate');
      this.#retry = setTimeout(() => void this.#renew(), wait);
    } finally {
      this.#renewing = false;
    }
  }

  #use(credentials: Credentials): void {
    this.current = credentials;
    for (const listener of this.#listeners) listener(credentials);
  }
}
