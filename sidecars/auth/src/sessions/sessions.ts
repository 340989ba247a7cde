/** All sessions: looked up by what a cookie holds, renewed, ended. */
import { randomBytes } from 'node:crypto';
import { Lru } from '../lib/lru.ts';
import type { Seal } from '../lib/seal.ts';
import type { Records } from './records.ts';
import type { Revocations } from './revocations.ts';
import { asSession, endOf, type Lifetimes, type NewSession, type Session } from './session.ts';

/** Cookies that were opened and are remembered: opening one takes longer than all else that a request needs. */
const MAX_OPENED = 4000;
/** Sessions whose ends are known, for the metric. */
const MAX_COUNTED = 20_000;
/** A session's last request is written down this often at most, in milliseconds. */
const TOUCH = 60_000;
/**
 * How long a refreshed session is still found by its former cookie after the new one was seen, in
 * milliseconds: requests that were under way then may still arrive.
 */
const GRACE = 60_000;

export interface Found {
  readonly session: Session;
  /** The client's cookie is out of date. */
  readonly stale: boolean;
}

export interface SessionsOptions {
  readonly store: 'cookie' | 'server';
  readonly seal: Seal;
  readonly records: Records;
  readonly revocations: Revocations;
  readonly lifetimes: Lifetimes;
  readonly now?: () => number;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #now: () => number;
  /** In cookie mode: what a cookie held. */
  readonly #opened = new Lru<Session>(MAX_OPENED);
  readonly #ends = new Lru<number>(MAX_COUNTED);
  readonly #caughtUp = new Set<string>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get open(): number {
    if (this.#options.store === 'server') return this.#options.records.size;
    const now = this.#now();
    return [...this.#ends.values()].filter((end) => end > now).length;
  }

  /**
   * The session of a cookie's value.
   * @returns undefined where there is none that is good now; no promise where it is known already
   */
  find(cookie: string): Found | undefined | Promise<Found | undefined> {
    const { store, records } = this.#options;
    if (store === 'server') {
      const session = records.cached(cookie);
      if (session !== undefined) return this.#judge(session, session);
      return records.has(cookie) ? records.get(cookie).then((read) => read && this.#judge(read, read)) : undefined;
    }
    const session = this.#opened.get(cookie);
    if (session === undefined) return this.#open(cookie);
    if (!records.has(session.id)) return this.#judge(session, session);
    const newest = records.cached(session.id);
    return newest === undefined ? this.#withRecord(session) : this.#judge(session, newest);
  }

  async #open(cookie: string): Promise<Found | undefined> {
    const session = asSession(await this.#options.seal.open('session', cookie));
    if (session === undefined) return undefined;
    this.#opened.set(cookie, session);
    return await this.#withRecord(session);
  }

  async #withRecord(session: Session): Promise<Found | undefined> {
    return this.#judge(session, (await this.#options.records.get(session.id)) ?? session);
  }

  /** @param newest the same session, perhaps refreshed since */
  #judge(own: Session, newest: Session): Found | undefined {
    const { revocations, lifetimes } = this.#options;
    const outdated = newest.generation > own.generation;
    const session = outdated ? newest : own;
    const now = this.#now();
    const end = endOf(session, lifetimes);
    if (end <= now || revocations.covers(session)) return undefined;
    if (!outdated && newest !== own) this.#caughtUpWith(own.id);
    this.#ends.set(session.id, end);
    return { session, stale: outdated || now - session.seenAt >= Math.min(lifetimes.idle / 10, TOUCH) };
  }

  /** The client has the newest cookie: soon nobody will come with a former one. */
  #caughtUpWith(id: string): void {
    if (this.#caughtUp.has(id)) return;
    this.#caughtUp.add(id);
    setTimeout(() => {
      this.#caughtUp.delete(id);
      void this.#options.records.delete(id);
    }, GRACE).unref();
  }

  /** Begin one. @returns it, and its cookie's value */
  async begin(fields: NewSession): Promise<{ session: Session; cookie: string }> {
    const now = this.#now();
    const id = randomBytes(32).toString('base64url');
    const session: Session = { ...fields, method: 'oidc', id, generation: 0, createdAt: now, seenAt: now };
    if (this.#options.store === 'server') await this.#options.records.set(id, session);
    return { session, cookie: await this.cookieOf(session) };
  }

  /** Write down what a refresh has changed, so that a request with the former cookie gets it too. */
  async renew(session: Session, changes: Partial<Session>): Promise<Session> {
    const renewed = { ...session, ...changes, generation: session.generation + 1, seenAt: this.#now() };
    await this.#options.records.set(session.id, renewed);
    return renewed;
  }

  /** A session's last request is now. @returns it, and its cookie's value */
  async touch(session: Session): Promise<{ session: Session; cookie: string }> {
    const { store, records } = this.#options;
    const newest = records.cached(session.id) ?? session;
    const touched = { ...(newest.generation > session.generation ? newest : session), seenAt: this.#now() };
    // In cookie mode a record is of the generation, and outlives any cookie of it.
    if (store === 'server') await records.set(session.id, touched);
    return { session: touched, cookie: await this.cookieOf(touched) };
  }

  /** What the client is to keep. */
  async cookieOf(session: Session): Promise<string> {
    if (this.#options.store === 'server') return session.id;
    const cookie = await this.#options.seal.seal('session', session);
    this.#opened.set(cookie, session);
    return cookie;
  }

  /** End one: it is on disk when this returns. */
  async end(session: Session): Promise<void> {
    await this.#options.revocations.add('id', session.id);
    this.#ends.delete(session.id);
    await this.#options.records.delete(session.id);
  }

  /** Forget records that nobody can use any more. */
  async sweep(): Promise<void> {
    const { lifetime, idle } = this.#options.lifetimes;
    await this.#options.records.removeOlderThan(Math.min(lifetime, idle + TOUCH));
  }
}
