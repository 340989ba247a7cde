/** A queue that members leave from any place; each operation costs the same, whatever its length. */
export class WaitingList<T> {
  length = 0;
  #first: Member<T> | undefined;
  #last: Member<T> | undefined;

  /** @returns what takes it out again; only the first call counts, and none after it was taken */
  push(item: T): () => void {
    const member: Member<T> = { item, before: this.#last, after: undefined, isIn: true };
    if (this.#last === undefined) this.#first = member;
    else this.#last.after = member;
    this.#last = member;
    this.length++;
    return () => this.#remove(member);
  }

  /** Take the one that has waited longest. */
  shift(): T | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#remove(first);
    return first.item;
  }

  #remove(member: Member<T>): void {
    if (!member.isIn) return;
    member.isIn = false;
    this.length--;
    if (member.before === undefined) this.#first = member.after;
    else member.before.after = member.after;
    if (member.after === undefined) this.#last = member.before;
    else member.after.before = member.before;
  }
}

interface Member<T> {
  readonly item: T;
  before: Member<T> | undefined;
  after: Member<T> | undefined;
  isIn: boolean;
}
