/**
 * The incremental variant of xDS: requests say which names are wanted from now on and which no longer, and responses hold
 * what has changed, and the names of what is gone.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 */
import {
  BadRequest,
  checkNames,
  ClientStream,
  MAX_NAMES,
  type Answer,
  type Content,
  type Subscription,
} from './client-stream.ts';
import { CDS, LDS, type Resource, type TypeUrl } from './resources/types.ts';
import type { Snapshot } from './snapshots.ts';

export interface DeltaRequest extends Answer {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Versions, by name, of what the client has from a stream before; of the first request of a type. */
  readonly known: Readonly<Record<string, string>>;
}

/** What requests have asked for that no response has answered yet. */
interface Wishes {
  readonly names: Set<string>;
  /** Subscribed or unsubscribed since the last response: the client counts on nothing that it had of them. */
  readonly touched: Set<string>;
  /** Of these, those that it asks for: it is told also that there is no such thing. */
  readonly owed: Set<string>;
}

/** In place of a name: all that there are. */
const WILDCARD = '*';

export class DeltaStream extends ClientStream<DeltaRequest> {
  readonly #wishes = new Map<TypeUrl, Wishes>();

  protected override subscribe(type: TypeUrl, subscription: Subscription, request: DeltaRequest): void {
    const { subscribe, unsubscribe, known } = request;
    for (const names of [subscribe, unsubscribe, Object.keys(known), Object.values(known)]) checkNames(names);
    let wishes = this.#wishes.get(type);
    if (!wishes) {
      wishes = { names: new Set(), touched: new Set(), owed: new Set() };
      this.#wishes.set(type, wishes);
      subscription.sent = subscription.taken = this.snapshots.claimed(type, known);
      if (subscribe.length === 0 && (type === LDS || type === CDS)) wishes.names.add(WILDCARD);
      for (const name of subscribe) {
        wishes.names.add(name);
        // What it has already it need not have again.
        if (!Object.hasOwn(known, name)) wishes.touched.add(name);
      }
    } else {
      for (const name of subscribe) wishes.names.add(name);
      for (const name of unsubscribe) wishes.names.delete(name);
      for (const name of [...subscribe, ...unsubscribe]) wishes.touched.add(name);
    }
    if (wishes.names.size > MAX_NAMES || wishes.touched.size > MAX_NAMES)
      throw new BadRequest(`more than ${MAX_NAMES} names`);
  }

  /** Once for all requests since the last response, since that looks at all names. */
  protected override settle(type: TypeUrl, subscription: Subscription): void {
    const { names, touched, owed } = this.#wishes.get(type)!;
    if (touched.size === 0 && subscription.version !== '') return;
    subscription.names = this.snapshots.names([...names]);
    const wants = (name: string): boolean => names.has(name) || names.has(WILDCARD);
    subscription.sent = this.snapshots.part(subscription.sent, (name) => wants(name) && !touched.has(name));
    subscription.taken = this.snapshots.part(subscription.taken, wants);
    for (const name of touched) if (name !== WILDCARD && wants(name)) owed.add(name);
    touched.clear();
    // It asks for more than what it refused.
    if (subscription.refused && owed.size > 0) subscription.owed = true;
  }

  protected override due(
    type: TypeUrl,
    { sent, owed, version }: Subscription,
    wanted: Snapshot,
    changed: readonly Resource[],
  ): Content | undefined {
    const wishes = this.#wishes.get(type)!;
    const absent = [...wishes.owed].filter((name) => !wanted.byName.has(name));
    wishes.owed.clear();
    const gone = this.snapshots.removed(sent, wanted);
    const removed = absent.length === 0 ? gone : [...gone, ...absent];
    // The first answer says, if need be, that there is nothing.
    if (changed.length === 0 && removed.length === 0 && !owed && version !== '') return undefined;
    return { resources: owed ? wanted.resources : changed, removed };
  }
}
