/**
 * One client's stream of aggregated discovery, state of the world: what it asked for, what it has, what it said
 * about it. No sockets here: requests and views come in, responses go out.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { Snapshots, type Names, type Snapshot } from './snapshots.ts';
import { CDS, EDS, isTypeUrl, LDS, ORDER, RDS, type Resource, type TypeUrl, type View } from './resources/types.ts';

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
  /** The same array for every stream that is sent the same. */
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
  names: Names;
  /** It has named resources before: no names mean none from then on. */
  named: boolean;
  /** Of the last response; empty before the first. */
  nonce: string;
  version: string;
  /** Sent and neither taken nor refused yet. */
  pending: boolean;
  /** It asked for something that needs an answer, even the same or an empty one. */
  owed: boolean;
  /** What it was sent; what it has, once it has refused some. */
  sent: Snapshot;
  /** What it took last. */
  taken: Snapshot;
  accepted: string | undefined;
  refused: TypeStatus['refused'];
}

export class ClientStream {
  readonly #send: (response: Response) => void;
  readonly #now: () => number;
  readonly #warms: boolean;
  readonly #snapshots: Snapshots;
  readonly #subscriptions = new Map<TypeUrl, Subscription>();
  #view: View;
  /** Clusters that are gone from the view, and that its routes may still name. */
  #retiring = new Map<string, Resource>();
  #nonce = 0;
  /** A cluster that the client has is another in the response that it has not answered yet. */
  #renewed = false;
  /** Waited too long for an answer: changes no longer wait for each other. */
  #impatient = false;

  /**
   * @param snapshots that all streams share
   * @param warms whether the client takes a changed cluster into use only after its endpoints have come again, even
   * the same (Envoy: xDS protocol, "Resource warming")
   */
  constructor(
    view: View,
    send: (response: Response) => void,
    snapshots: Snapshots = new Snapshots(),
    now: () => number = Date.now,
    warms = false,
  ) {
    this.#warms = warms;
    this.#view = view;
    this.#send = send;
    this.#snapshots = snapshots;
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
    for (const resource of this.#snapshots.gone(this.#view[CDS], view[CDS]))
      if (this.#subscriptions.get(CDS)?.sent.byName.has(resource.name)) this.#retiring.set(resource.name, resource);
    for (const name of this.#retiring.keys()) if (view[CDS].get(name)) this.#retiring.delete(name);
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
      if (type === CDS && this.#renewed) this.#warm();
    } else if (said === 'nack') {
      const reason = (error ?? '').slice(0, MAX_REASON);
      subscription.refused = { version: subscription.version, reason, at: this.#now() };
      // It goes on with what it had: of the next response nothing may be left out that was in this one.
      subscription.sent = subscription.taken;
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
      resources: sent.resources.length,
    }));
  }

  #subscription(type: TypeUrl): Subscription {
    let found = this.#subscriptions.get(type);
    if (!found) {
      found = {
        names: this.#snapshots.names([]),
        named: false,
        nonce: '',
        version: '',
        pending: false,
        owed: false,
        sent: this.#snapshots.none(type),
        taken: this.#snapshots.none(type),
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
    const next = all && names.every((name) => name === '*') ? undefined : this.#namesOf(names, before);
    if (next === before) return;
    subscription.names = next;
    // What it no longer asks for it forgets, and is sent again when it asks again.
    subscription.sent = this.#snapshots.only(subscription.sent, next);
    subscription.taken = this.#snapshots.only(subscription.taken, next);
    // Also for a name that does not exist: only an answer tells the client so.
    if (next && before && isWhole(type) && names.some((name) => !before.has(name))) subscription.owed = true;
  }

  /** Mostly they are as they were, in the same order, too: each answer says them again. */
  #namesOf(names: readonly string[], before: Names): Names {
    let index = 0;
    for (const name of before ?? []) if (names[index++] !== name) return this.#snapshots.names(names);
    return before && index === names.length ? before : this.#snapshots.names(names);
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

  /** What it has of endpoints is for the clusters as they were. */
  #warm(): void {
    this.#renewed = false;
    const endpoints = this.#subscriptions.get(EDS);
    if (endpoints) endpoints.owed = true;
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
    const extra = type === CDS ? [...this.#retiring.values()] : [];
    const wanted = this.#snapshots.of(type, this.#view[type], subscription.names, extra);
    const changed = this.#snapshots.changes(subscription.sent, wanted);
    const other = changed.length > 0 || (isWhole(type) && wanted !== subscription.sent);
    const owed = subscription.owed && (isWhole(type) || wanted.resources.length > 0);
    if (!other && !owed) {
      // What it refused is no longer asked of it, and it has the rest.
      subscription.refused = undefined;
      return;
    }
    const { version } = wanted;
    // The same again would be refused again.
    if (version === subscription.refused?.version && !owed) return;
    // A type of which a response is the whole state is sent whole (LDS, CDS); of others what has changed.
    const resources = isWhole(type) || subscription.owed ? wanted.resources : changed;
    subscription.owed = false;
    if (type === CDS && this.#warms) this.#renewed = changed.some(({ name }) => subscription.sent.byName.has(name));
    subscription.sent = wanted;
    subscription.version = version;
    subscription.nonce = String(++this.#nonce);
    subscription.pending = true;
    this.#send({ type, version, nonce: subscription.nonce, resources });
  }
}

/** Whether a response holds all that there is, so that what is not in it is gone. */
const isWhole = (type: TypeUrl): boolean => type === LDS || type === CDS;
