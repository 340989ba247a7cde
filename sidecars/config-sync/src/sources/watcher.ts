/**
 * Knowing what the source has: a watch for speed, and polling beside it for certainty. Only a poll
 * that came back counts as verified, since a watch that is silent looks like one with nothing to say.
 */
import type { Logger } from '#kit/telemetry/log.ts';
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { Identity } from '../documents/document.ts';
import { SourceError, sourceErrorOf, type Reading, type Source } from './source.ts';

export interface WatcherOptions {
  readonly source: Source;
  readonly keys: readonly string[];
  /** Between polls, in milliseconds. */
  readonly period: number;
  /** Longest pause before the watch is opened again, in milliseconds. */
  readonly retryMax: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'>;
  readonly events: WatcherEvents;
}

export interface WatcherEvents {
  /** The source told of a version that is to be read. */
  told(key: string): void;
  /** A poll found something new. */
  found(key: string, reading: Reading): void;
  /** A poll found nothing new. */
  unchanged(key: string): void;
  /** All documents were looked at just now. */
  verified(): void;
  /** The source did not do its part; `message` is fit for users. */
  failed(reason: string, message: string): void;
  connected(open: boolean): void;
}

/** First pause after a failure, in milliseconds. */
const RETRY_INITIAL = 100;
/** What the watch may be behind a poll before it counts as dead, in milliseconds. */
const WATCH_LAG = 1000;

export class Watcher {
  readonly #options: WatcherOptions;
  /** The latest version of each document that was read. */
  readonly #latest = new Map<string, Identity>();
  /** Counts what made an answer that is still on its way obsolete. */
  readonly #generations = new Map<string, number>();
  #revision: number | undefined;
  #watch = new AbortController();
  #failing: string | undefined;
  /** The first poll tells where the watch may begin. */
  #first = true;
  readonly #resume: (number | undefined)[] = [];

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Watch and poll until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    // First what there is, so that the watch begins after it.
    await this.#poll(signal);
    this.#first = false;
    if (this.#resume.length === this.#options.keys.length && !this.#resume.includes(undefined))
      this.#revision = Math.min(...(this.#resume as number[]));
    await Promise.all([this.#keepPolling(signal), this.#keepWatching(signal)]);
  }

  /**
   * Read a document now.
   * @throws {SourceError}, and the signal's reason
   */
  async read(key: string, signal: AbortSignal): Promise<Reading> {
    this.#generations.set(key, this.#generation(key) + 1);
    try {
      const reading = await this.#options.source.read(key, undefined, signal);
      this.#note(key, reading);
      return reading;
    } catch (error) {
      this.#fail(error, signal);
      throw signal.aborted ? error : sourceErrorOf(error);
    }
  }

  async #keepPolling(signal: AbortSignal): Promise<void> {
    const { period } = this.#options;
    for (;;) {
      // Jittered, so that many sidecars do not ask at once.
      if (await stopped(period * (0.9 + Math.random() * 0.2), signal)) return;
      await this.#poll(signal);
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { keys, source, events } = this.#options;
    try {
      for (const key of keys) {
        const generation = this.#generation(key);
        const reading = await source.read(key, this.#latest.get(key), signal);
        if (generation !== this.#generation(key)) continue;
        if (reading.kind === 'unchanged') events.unchanged(key);
        else {
          this.#note(key, reading);
          events.found(key, reading);
          if (reading.kind === 'document') this.#suspect(reading.revision);
        }
      }
      this.#recover();
      events.verified();
    } catch (error) {
      this.#fail(error, signal);
      // A watch over the same network may be dead without knowing.
      this.#watch.abort(error);
    }
  }

  async #keepWatching(signal: AbortSignal): Promise<void> {
    const { source, keys, events, retryMax, log } = this.#options;
    const backoff = new Backoff({ initial: RETRY_INITIAL, max: retryMax });
    let opened: number | undefined;
    while (!signal.aborted) {
      this.#watch = new AbortController();
      const ending = AbortSignal.any([signal, this.#watch.signal]);
      try {
        await source.watch({
          keys,
          since: this.#revision,
          signal: ending,
          onOpen: () => {
            events.connected(true);
            log.info({ since: this.#revision }, opened === undefined ? 'watching' : 'watching again');
            // What changed while nobody watched, where the source cannot tell.
            if (opened !== undefined || this.#failing !== undefined) void this.#poll(signal);
            opened = performance.now();
          },
          onChange: ({ key, version, revision }) => {
            this.#revision = Math.max(revision, this.#revision ?? 0);
            if (!keys.includes(key) || this.#latest.get(key)?.version === version) return;
            this.#generations.set(key, this.#generation(key) + 1);
            events.told(key);
          },
          onReset: () => {
            log.warn('the source cannot go on from where the watch was: reading everything anew');
            this.#revision = undefined;
            this.#latest.clear();
            for (const key of keys) events.told(key);
          },
        });
      } catch (error) {
        if (!this.#watch.signal.aborted) this.#fail(error, signal);
      }
      events.connected(false);
      // A stream that was cut after a while is opened again at once, one that never lasts is not.
      if (opened !== undefined && performance.now() - opened > retryMax) backoff.reset();
      if (await stopped(backoff.next(), signal)) return;
    }
  }

  /** A poll was first: if the watch does not follow soon, it is dead. */
  #suspect(revision: number | undefined): void {
    const watch = this.#watch;
    if (revision === undefined || this.#revision === undefined) return;
    setTimeout(() => {
      if (this.#revision === undefined || this.#revision >= revision) return;
      this.#revision = revision;
      watch.abort(new SourceError('silent', 'the watch missed a change'));
    }, WATCH_LAG).unref();
  }

  #note(key: string, reading: Reading): void {
    if (reading.kind === 'document') {
      const { version, digest } = reading.document;
      this.#latest.set(key, { version, digest });
    } else if (reading.kind === 'too-large' || reading.kind === 'unusable') this.#latest.set(key, reading.id);
    else if (reading.kind === 'absent') this.#latest.delete(key);
    if (this.#first && 'resume' in reading) this.#resume.push(reading.resume);
  }

  #generation(key: string): number {
    return this.#generations.get(key) ?? 0;
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { reason, message, cause } = sourceErrorOf(error);
    this.#options.events.failed(reason, message);
    // Once for each new kind of failure, not for each try.
    if (this.#failing !== reason)
      this.#options.log.warn({ reason, ...(reason === 'internal' && { err: cause }) }, `source: ${message}`);
    this.#failing = reason;
  }

  #recover(): void {
    if (this.#failing !== undefined) this.#options.log.info('source: well again');
    this.#failing = undefined;
  }
}

/** Wait; true when the signal aborted. */
const stopped = (ms: number, signal: AbortSignal): Promise<boolean> =>
  pause(ms, signal).then(
    () => false,
    () => true,
  );
