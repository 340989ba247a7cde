/** Who waits, peer by peer in rounds: a peer with many connections waits no less than one with a single one. */
import { Fifo } from '#proxy/memory/fifo.ts';

interface Group<T> {
  readonly peer: unknown;
  readonly members: Fifo<T>;
}

export class FairQueue<T> {
  readonly #groups = new Fifo<Group<T>>();
  readonly #byPeer = new Map<unknown, Group<T>>();
  size = 0;

  /** @param peer what is compared by identity: an address, or the member itself */
  add(peer: unknown, member: T): void {
    let group = this.#byPeer.get(peer);
    if (group === undefined) {
      group = { peer, members: new Fifo() };
      this.#byPeer.set(peer, group);
      this.#groups.push(group);
    }
    group.members.push(member);
    this.size++;
  }

  /** The next one: of each peer one, in turn. */
  take(): T | undefined {
    const group = this.#groups.shift();
    if (group === undefined) return undefined;
    const member = group.members.shift();
    this.size--;
    if (group.members.length > 0) this.#groups.push(group);
    else this.#byPeer.delete(group.peer);
    return member;
  }
}
