/**
 * One client's stream of aggregated discovery, state of the world: what it asked for, what it has, what it said
 * about it. No sockets here: requests and views come in, responses go out.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { createHash } from 'node:crypto';
import { CDS, isTypeUrl, LDS, ORDER, RDS, type Resource, type TypeUrl, type View } from './types.ts';

export interface Request {
  readonly type: string;
  readonly nonce: string;
  readonly names: readonly string[];
  /** Why the response of this nonce was refused. */
  readonly error?: string | undefined;
}

export interface Response {
  readonly type: TypeUrl;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
}

export type SyncState = 'NOT_SENT' | 'SYNCED' | 'STALE' | 'ERROR';

export interface TypeStatus {
  readonly type: TypeUrl;
  readonly state: SyncState;
  /** The last that was acknowledged. */
  readonly version?: string | undefined;
  /** The last that was refused, with the client's words. */
  readonly refused?: { readonly version: string; readonly reason: string; readonly at: number } | undefined;
  readonly resources: number;
}

/** More names, or longer ones, are no client's. */
const MAX_NAMES = 20_000;
const MAX_NAME = 1024;
const MAX_REASON = 4096;

/** The client asks for what no client may. */
export class BadRequest extends Error {}

interface Subscription {
  /** Undefined: all that there are, as only listeners and clusters can be asked for. */
  names: ReadonlySet<string> | undefined;
  /** It has named resources before: no names mean none from then on. */
  named: boolean;
  /** Of the last response; empty before the first. */
  nonce: string;
  version: string;
  /** Sent and neither taken nor refused yet. */
  pending: boolean;
  /** It asked for something that needs an answer, even the same or an empty one. */
  owed: boolean;
  /** Hashes of what it was sent, by name; of what it has, once it has refused some. */
  sent: Map<string, string>;
  /** Hashes of what it took last. */
  taken: Map<string, string>;
  accepted: string | undefined;
  refused: TypeStatus['refused'];
}

export class ClientStream {
  readonly #send: (response: Response) => void;
  readonly #now: () => number;
  readonly #subscriptions = new Map<TypeUrl, Subscription>();
  #view: View;
  /** Clusters that are gone from the view, and that its routes may still name. */
  #retiring = new Map<string, Resource>();
  #nonce = 0;
  /** Waited too long for an answer: changes no longer wait for each other. */
  #impatient = false;

  constructor(view: View, send: (response: Response) => void, now: () => number = Date.now) {
    this.#view = view;
    this.#send = send;
    this.#now = now;
  }

  /** Whether the client has taken all that is for it now. */
  get upToDate(): boolean {
    const all = [...this.#subscriptions.values()];
    return all.length > 0 && all.every(({ pending, refused }) => !pending && !refused);
  }

  /** Whether a response was neither taken nor refused yet. */
  get waiting(): boolean {
    return [...this.#subscriptions.values()].some(({ pending }) => pending);
  }

  /** Stop waiting for answers before the next types are sent; until the next view. */
  hurry(): void {
    this.#impatient = true;
    this.#step();
  }

  /** What the mesh is now. */
  update(view: View): void {
    for (const [name, resource] of this.#view[CDS])
      if (!view[CDS].has(name) && this.#subscriptions.get(CDS)?.sent.has(name)) this.#retiring.set(name, resource);
    for (const name of view[CDS].keys()) this.#retiring.delete(name);
    this.#view = view;
    this.#impatient = false;
    this.#step();
  }

  /**
   * Take a request.
   * @returns what it said about a response: `ack`, `nack`, or nothing
   * @throws {BadRequest}
   */
  request({ type, nonce, names, error }: Request): 'ack' | 'nack' | undefined {
    // A client of a later version may know types that we do not.
    if (!isTypeUrl(type)) return undefined;
    if (names.length > MAX_NAMES || names.some((name) => name.length > MAX_NAME))
      throw new BadRequest(`more than ${MAX_NAMES} names, or one longer than ${MAX_NAME} characters`);
    const subscription = this.#subscription(type);
    // About a response that has been overtaken; the client will speak of the newer one, too.
    if (nonce !== subscription.nonce && nonce !== '') return undefined;
    // A client that begins anew on this stream has nothing of what was sent.
    if (nonce === '') subscription.owed = true;
    const said = nonce === '' || !subscription.pending ? undefined : error === undefined ? 'ack' : 'nack';
    if (said !== undefined) subscription.pending = false;
    if (said === 'ack') {
      subscription.accepted = subscription.version;
      subscription.taken = subscription.sent;
      subscription.refused = undefined;
    } else if (said === 'nack') {
      const reason = (error ?? '').slice(0, MAX_REASON);
      subscription.refused = { version: subscription.version, reason, at: this.#now() };
      // It goes on with what it had: of the next response nothing may be left out that was in this one.
      subscription.sent = new Map(subscription.taken);
    }
    this.#subscribe(type, subscription, names);
    this.#step();
    return said;
  }

  /** What the client has of each type that it asked for. */
  status(): TypeStatus[] {
    return [...this.#subscriptions].map(([type, { sent, accepted, refused, pending, version }]) => ({
      type,
      state: refused ? 'ERROR' : pending ? 'STALE' : accepted === undefined && version === '' ? 'NOT_SENT' : 'SYNCED',
      version: accepted,
      refused,
      resources: sent.size,
    }));
  }

  #subscription(type: TypeUrl): Subscription {
    let found = this.#subscriptions.get(type);
    if (!found) {
      found = {
        names: new Set(),
        named: false,
        nonce: '',
        version: '',
        pending: false,
        owed: false,
        sent: new Map(),
        taken: new Map(),
        accepted: undefined,
        refused: undefined,
      };
      this.#subscriptions.set(type, found);
    }
    return found;
  }

  #subscribe(type: TypeUrl, subscription: Subscription, names: readonly string[]): void {
    const all =
      type === LDS || type === CDS ? names.includes('*') || (names.length === 0 && !subscription.named) : false;
    if (names.length > 0) subscription.named = true;
    const before = subscription.names;
    subscription.names = all && names.every((name) => name === '*') ? undefined : new Set(names);
    // What it no longer asks for it forgets, and is sent again when it asks again.
    if (subscription.names)
      for (const name of subscription.sent.keys()) if (!this.#wants(subscription, name)) subscription.sent.delete(name);
    // Also for a name that does not exist: only an answer tells the client so.
    if (subscription.names && before && isWhole(type) && names.some((name) => !before.has(name)))
      subscription.owed = true;
  }

  /** Besides names, `*` may stand for all others (xDS protocol, "How the client specifies what resources to return"). */
  #wants({ names }: Subscription, name: string, wildcard = true): boolean {
    return names === undefined ? wildcard : names.has(name) || (wildcard && names.has('*'));
  }

  /** Send what is due, in order, and stop where an answer must come first. */
  #step(): void {
    for (const type of ORDER) {
      const subscription = this.#subscriptions.get(type);
      if (!subscription) continue;
      if (!subscription.pending) this.#sendDue(type, subscription);
      // Clusters before routes that name them.
      if (subscription.pending && type === CDS && !this.#impatient) return;
    }
    this.#retire();
  }

  /** Routes and listeners are taken that no longer name what is gone: now it may go. */
  #retire(): void {
    if (this.#retiring.size === 0) return;
    const settled = ([LDS, RDS] as const).every((type) => {
      const subscription = this.#subscriptions.get(type);
      // A client that refused routes goes on with those that it had.
      return !subscription || !(subscription.pending || subscription.refused);
    });
    if (!settled) return;
    this.#retiring.clear();
    const clusters = this.#subscriptions.get(CDS);
    if (clusters && !clusters.pending) this.#sendDue(CDS, clusters);
  }

  #sendDue(type: TypeUrl, subscription: Subscription): void {
    const wanted = this.#wanted(type, subscription);
    const changed = wanted.filter(({ name, hash }) => subscription.sent.get(name) !== hash);
    const gone = isWhole(type) && (wanted.length !== subscription.sent.size || changed.length > 0);
    const owed = subscription.owed && (isWhole(type) || wanted.length > 0);
    if (changed.length === 0 && !gone && !owed) {
      // What it refused is no longer asked of it, and it has the rest.
      subscription.refused = undefined;
      return;
    }
    const version = versionOf(wanted);
    // The same again would be refused again.
    if (version === subscription.refused?.version && !owed) return;
    // A type of which a response is the whole state is sent whole (LDS, CDS); of others what has changed.
    const resources = isWhole(type) || subscription.owed ? wanted : changed;
    subscription.owed = false;
    subscription.sent = new Map(wanted.map(({ name, hash }) => [name, hash]));
    subscription.version = version;
    subscription.nonce = String(++this.#nonce);
    subscription.pending = true;
    this.#send({ type, version: subscription.version, nonce: subscription.nonce, resources });
  }

  #wanted(type: TypeUrl, subscription: Subscription): Resource[] {
    const resources = this.#view[type];
    const retiring = type === CDS ? [...this.#retiring.values()] : [];
    // By name, so that a client of few resources costs little where there are many.
    if (subscription.names && !subscription.names.has('*')) {
      const found = [...subscription.names].flatMap((name) => resources.get(name) ?? []);
      return [...found, ...retiring.filter(({ name }) => subscription.names!.has(name))];
    }
    const all = [...resources.values(), ...retiring];
    return all.filter(({ name, wildcard }) => this.#wants(subscription, name, wildcard));
  }
}

/** Whether a response holds all that there is, so that what is not in it is gone. */
const isWhole = (type: TypeUrl): boolean => type === LDS || type === CDS;

/** Of the content, so that it is the same after a restart. */
function versionOf(resources: readonly Resource[]): string {
  const hash = createHash('sha256');
  for (const { name, hash: each } of resources.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`${name} ${each}\n`);
  return hash.digest('hex').slice(0, 16);
}
