/** One request: which version is asked, and whether the other one answers in its place. */
import { isIdempotent } from '#proxy/http/message.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Cluster, Endpoint, TryOutcome } from '#proxy/upstream/cluster.ts';
import type { FailedTry, RetryPolicy } from '#proxy/upstream/retry.ts';
import type { Judge, Trial, Version } from './judge.ts';

/** So much of a body is kept for the old version, in bytes. */
const MAX_KEPT = 64 * 1024;

/** What all requests share. */
export interface Versions {
  readonly old: Endpoint;
  readonly new: Endpoint;
  readonly judge: Judge;
  /** SPLIT_TIMEOUT, in milliseconds. */
  readonly timeout: number;
  /** How long the old version may take to accept a connection, in milliseconds. */
  readonly connectTimeout: number;
  /** Told of every try. */
  readonly onTry: (endpoint: Endpoint) => void;
  readonly onAnswer: (endpoint: Endpoint) => void;
  /** The old version is asked in place of the new one. */
  readonly onFallback: () => void;
  readonly onConnected: (endpoint: Endpoint, reason?: string) => void;
}

export class Visit implements Cluster, RetryPolicy {
  readonly perTryTimeout: number;
  readonly maxBody = MAX_KEPT;
  readonly #versions: Versions;
  readonly #repeatable: boolean;
  #version: Version;
  #trial: Trial | undefined;
  /** Its connection was closed without an answer: perhaps an idle one's end, and the request goes on at once. */
  #closed: Trial | undefined;

  /** @param version the one that is asked first */
  constructor(versions: Versions, version: Version, request: Request) {
    this.#versions = versions;
    this.#version = version;
    this.#repeatable = isIdempotent(request.method) && request.upgrade === '';
    // A request that must not be sent twice has only this one answer: it is waited for.
    this.perTryTimeout = this.#repeatable && version === 'new' ? versions.timeout : Infinity;
  }

  /** The version that was asked last. */
  get version(): Version {
    return this.#version;
  }

  get connectTimeout(): number {
    return this.#version === 'new' ? this.#versions.timeout : this.#versions.connectTimeout;
  }

  pick(): Endpoint {
    const { judge } = this.#versions;
    if (this.#closed !== undefined) judge.drop(this.#closed);
    this.#closed = undefined;
    this.#trial = judge.begin(this.#version);
    const endpoint = this.#versions[this.#version];
    this.#versions.onTry(endpoint);
    return endpoint;
  }

  onConnect(endpoint: Endpoint): void {
    this.#versions.onConnected(endpoint);
  }
  onConnectFailure(endpoint: Endpoint, reason: string): void {
    this.#versions.onConnected(endpoint, reason);
  }

  onTryEnd(endpoint: Endpoint, outcome: TryOutcome): void {
    const trial = this.#trial!;
    const { judge, onAnswer } = this.#versions;
    if ('status' in outcome) {
      onAnswer(endpoint);
      judge.end(trial, outcome.status >= 500);
    } else if (outcome.failure === 'closed') {
      this.#closed = trial;
      queueMicrotask(() => {
        if (this.#closed !== trial) return;
        this.#closed = undefined;
        judge.end(trial, true);
      });
    }
    // Clients choose when they give up: with a cookie of their choice they could take a version back.
    else if (outcome.failure === 'cancelled') judge.drop(trial);
    else judge.end(trial, true);
  }

  /** The old version is asked when the new one gave no answer, and the request may be sent twice or has not been sent. */
  again({ failure }: FailedTry): number | undefined {
    if (this.#version === 'old' || failure === undefined || failure === 'request_timeout') return undefined;
    const unsent = failure === 'connect' || failure === 'connect_timeout';
    if (!unsent && !this.#repeatable) return undefined;
    this.#version = 'old';
    this.#versions.onFallback();
    return 0;
  }
}
