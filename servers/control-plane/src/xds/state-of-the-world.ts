/**
 * The variant of xDS in which each request says all names that are wanted, and a response of listeners or clusters is
 * all that there are.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { checkNames, ClientStream, type Answer, type Content, type Subscription } from './client-stream.ts';
import { CDS, LDS, type Resource, type TypeUrl } from './resources/types.ts';
import type { Names, Snapshot } from './snapshots.ts';

export interface WorldRequest extends Answer {
  readonly names: readonly string[];
}

export class WorldStream extends ClientStream<WorldRequest> {
  // About an older response; the client will speak of the newer one, too.
  protected override overtaken(subscription: Subscription, { nonce }: WorldRequest): boolean {
    return nonce !== subscription.nonce && nonce !== '';
  }

  protected override subscribe(type: TypeUrl, subscription: Subscription, { nonce, names }: WorldRequest): void {
    checkNames(names);
    // A client that begins anew on this stream has nothing of what was sent.
    if (nonce === '') subscription.owed = true;
    const all = isWhole(type) && (names.includes('*') || (names.length === 0 && !subscription.named));
    if (names.length > 0) subscription.named = true;
    const before = subscription.names;
    const next = all && names.every((name) => name === '*') ? undefined : this.#namesOf(names, before);
    if (next === before) return;
    subscription.names = next;
    // What it no longer asks for it forgets, and is sent again when it asks again.
    subscription.sent = this.snapshots.only(subscription.sent, next);
    subscription.taken = this.snapshots.only(subscription.taken, next);
    // Also for a name that does not exist: only an answer tells the client so.
    if (next && before && isWhole(type) && names.some((name) => !before.has(name))) subscription.owed = true;
  }

  protected override due(
    type: TypeUrl,
    { sent, owed }: Subscription,
    wanted: Snapshot,
    changed: readonly Resource[],
  ): Content | undefined {
    const other = changed.length > 0 || (isWhole(type) && wanted !== sent);
    const answer = owed && (isWhole(type) || wanted.resources.length > 0);
    if (!other && !answer) return undefined;
    // A type of which a response is the whole state is sent whole (LDS, CDS); of others what has changed.
    return { resources: isWhole(type) || owed ? wanted.resources : changed, removed: [] };
  }

  /** Mostly they are as they were, in the same order, too: each answer says them again. */
  #namesOf(names: readonly string[], before: Names): Names {
    let index = 0;
    for (const name of before ?? []) if (names[index++] !== name) return this.snapshots.names(names);
    return before && index === names.length ? before : this.snapshots.names(names);
  }
}

/** Whether a response holds all that there is, so that what is not in it is gone. */
const isWhole = (type: TypeUrl): boolean => type === LDS || type === CDS;
