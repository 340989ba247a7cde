/**
 * One client's stream of aggregated discovery: what it asked for, what it has, what it said about it, and in which
 * order it is told of changes. No sockets here: requests and views come in, responses go out. What a request and a
 * response hold is the variant's: `state-of-the-world.ts`, `delta.ts`.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { Snapshots, type Names, type Snapshot } from './snapshots.ts';
import { CDS, EDS, isTypeUrl, LDS, ORDER, RDS, type Resource, type TypeUrl, type View } from './resources/types.ts';

/** What requests of both variants have. */
export interface Answer {
  readonly type: string;
  /** Of the response that it is about; empty where it is about none. */
  readonly nonce: string;
  /** Why the response of this nonce was refused. */
  readonly error?: string | undefined;
}

/** What a response holds. */
export interface Content {
  /** The same array for every stream that is sent the same. */
  readonly resources: readonly Resource[];
  /** Names of what is no longer there; of the delta variant alone. */
  readonly removed: readonly string[];
}

export interface Response extends Content {
  readonly type: TypeUrl;
  readonly version: string;
  readonly nonce: string;
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
export const MAX_NAMES = 20_000;
const MAX_NAME = 1024;
const MAX_REASON = 4096;

/** The client asks for what no client may. */
export class BadRequest extends Error {}

/** @throws {BadRequest} for more names than a client may ask for, or longer ones */
export function checkNames(names: readonly string[]): void {
  if (names.length > MAX_NAMES || names.some((name) => name.length > MAX_NAME))
    throw new BadRequest(`more than ${MAX_NAMES} names, or one longer than ${MAX_NAME} characters`);
}

export interface Subscription {
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

export interface StreamOptions {
  /** That all streams share. */
  readonly snapshots?: Snapshots;
  readonly now?: () => number;
  /**
   * Whether the client takes a changed cluster into use only after its endpoints have come again, even the same
   * (Envoy: xDS protocol, "Resource warming").
   */
  readonly warms?: boolean;
}

export abstract class ClientStream<Request extends Answer = Answer> {
  protected readonly snapshots: Snapshots;
  readonly #send: (response: Response) => void;
  readonly #now: () => number;
  readonly #warms: boolean;
  readonly #subscriptions = new Map<TypeUrl, Subscription>();
  #view: View;
  /** Clusters that are gone from the view, and that its routes may still name. */
  #retiring = new Map<string, Resource>();
  #nonce = 0;
  /** Waited too long for an answer: changes no longer wait for each other. */
  #impatient = false;

  constructor(view: View, send: (response: Response) => void, options: StreamOptions = {}) {
    const { snapshots = new Snapshots(), now = Date.now, warms = false } = options;
    this.snapshots = snapshots;
    this.#now = now;
    this.#warms = warms;
    this.#view = view;
    this.#send = send;
  }

  /** Take what a request says of the names that it asks for. @throws {BadRequest} */
  protected abstract subscribe(type: TypeUrl, subscription: Subscription, request: Request): void;

  /** What a response holds that is due. @param changed of it, since the last one @returns undefined for no response */
  protected abstract due(
    type: TypeUrl,
    subscription: Subscription,
    wanted: Snapshot,
    changed: readonly Resource[],
  ): Content | undefined;

  /** Whether a request is to be left unread, as it is about a response that has been overtaken. */
  protected overtaken(_subscription: Subscription, _request: Request): boolean {
    return false;
  }

  /** Before a response is made: bring the names that are asked for, and what the client has, up to date. */
  protected settle(_type: TypeUrl, _subscription: Subscription): void {}

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
    for (const resource of this.snapshots.gone(this.#view[CDS], view[CDS]))
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
  request(request: Request): 'ack' | 'nack' | undefined {
    const { type, nonce, error } = request;
    // A client of a later version may know types that we do not.
    if (!isTypeUrl(type)) return undefined;
    const subscription = this.#subscription(type);
    if (this.overtaken(subscription, request)) return undefined;
    const about = nonce !== '' && nonce === subscription.nonce && subscription.pending;
    const said = about ? (error === undefined ? 'ack' : 'nack') : undefined;
    if (about) subscription.pending = false;
    if (said === 'ack') {
      subscription.accepted = subscription.version;
      subscription.taken = subscription.sent;
      subscription.refused = undefined;
    } else if (said === 'nack') {
      const reason = (error ?? '').slice(0, MAX_REASON);
      subscription.refused = { version: subscription.version, reason, at: this.#now() };
      // It goes on with what it had: of the next response nothing may be left out that was in this one.
      subscription.sent = subscription.taken;
    }
    this.subscribe(type, subscription, request);
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
        names: this.snapshots.names([]),
        named: false,
        nonce: '',
        version: '',
        pending: false,
        owed: false,
        sent: this.snapshots.none(type),
        taken: this.snapshots.none(type),
        accepted: undefined,
        refused: undefined,
      };
      this.#subscriptions.set(type, found);
    }
    return found;
  }

  /**
   * Send what is due, in order. Clusters are taken before routes that name them, and endpoints go with them: an Envoy
   * answers for clusters only once it has the endpoints of each.
   */
  #step(): void {
    const clusters = this.#subscriptions.get(CDS);
    for (const type of ORDER) {
      if ((type === LDS || type === RDS) && clusters?.pending && !this.#impatient) return;
      const subscription = this.#subscriptions.get(type);
      if (subscription && !subscription.pending) this.#sendDue(type, subscription);
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
    this.settle(type, subscription);
    const extra = type === CDS ? [...this.#retiring.values()] : [];
    const wanted = this.snapshots.of(type, this.#view[type], subscription.names, extra);
    const changed = this.snapshots.changes(subscription.sent, wanted);
    const content = this.due(type, subscription, wanted, changed);
    if (!content) {
      // What it refused is no longer asked of it, and it has the rest.
      subscription.refused = undefined;
      return;
    }
    const { version } = wanted;
    // The same again would be refused again.
    if (version === subscription.refused?.version && !subscription.owed) return;
    subscription.owed = false;
    // What it has of endpoints is for the clusters as they were.
    const endpoints = this.#subscriptions.get(EDS);
    if (type === CDS && this.#warms && endpoints)
      endpoints.owed ||= changed.some(({ name }) => subscription.sent.byName.has(name));
    subscription.sent = wanted;
    subscription.version = version;
    subscription.nonce = String(++this.#nonce);
    subscription.pending = true;
    this.#send({ type, version, nonce: subscription.nonce, ...content });
  }
}
