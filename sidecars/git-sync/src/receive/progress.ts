/** What syncs come to, step by step, for who waits for the end of one: a pusher, at the webhook's port. */

/** Syncs are counted from 1, in the order in which they begin. */
export type ProgressEvent =
  /** A sync has seen the ref at this commit. */
  | { readonly event: 'located'; readonly sync: number; readonly hash: string }
  /** A line of the gate's output, without secrets and control characters. */
  | { readonly event: 'gate'; readonly hash: string; readonly line: string }
  /** The commit is live; it is verified next when `verifies`. */
  | { readonly event: 'live'; readonly hash: string; readonly verifies: boolean }
  /** The application is healthy with it. */
  | { readonly event: 'healthy'; readonly hash: string }
  | {
      readonly event: 'refused';
      readonly hash: string;
      readonly by: string;
      readonly reason: string;
      /** What is served instead, when there is something. */
      readonly live: string | undefined;
    }
  /** A sync failed; it is tried again. */
  | { readonly event: 'failed'; readonly reason: string; readonly error: string; readonly advice: string };

/** As many events of a sync are remembered: where it saw the ref, and the last of the rest. */
const RECENT = 200;

type Listener = (event: ProgressEvent) => void;

export class Progress {
  readonly #listeners = new Set<Listener>();
  readonly #recent: ProgressEvent[] = [];
  #sync = 0;

  /** A sync begins; its number. */
  begin(): number {
    this.#sync += 1;
    this.#recent.length = 0;
    return this.#sync;
  }

  /** The number of the last sync that began. */
  get sync(): number {
    return this.#sync;
  }

  /** True when somebody listens. */
  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  /** What was told since the last sync began: it may have seen a push before its webhook arrived. */
  get recent(): readonly ProgressEvent[] {
    return this.#recent;
  }

  emit(event: ProgressEvent): void {
    if (this.#recent.length >= RECENT) this.#recent.splice(1, 1);
    this.#recent.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** @returns what ends it */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
