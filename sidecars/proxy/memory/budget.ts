/**
 * How many bytes a process keeps in memory for its peers: every protocol, both directions. Memory that is needed to
 * go on is never refused; while the limit is reached, users take nothing new in, and the holders that keep most and
 * read least are ended until a tenth of the limit is free again.
 */

/** A connection that keeps bytes for a peer. */
export interface MemoryHolder {
  /** Bytes that are kept now. */
  readonly kept: number;
  /** Bytes that the peer has taken in all. */
  readonly taken: number;
  /** End it; what it keeps is given back before long. */
  shed(): void;
}

/** Who has a claim. */
export type MemoryOwner = Pick<MemoryHolder, 'taken' | 'shed'>;

const MiB = 1024 * 1024;
const LARGEST = 64 * MiB;
const SMALLEST = 16 * MiB;
/** The part of a container's memory that may be kept for peers. */
const SHARE = 1 / 8;
/** Who keeps no more than this is never ended, in bytes. */
const SPARED = 16 * 1024;
/** After holders were ended, this part of the limit is free. */
const FREED = 1 / 10;

export class MemoryBudget {
  /** Bytes. */
  limit: number;
  #used = 0;
  /** Holders, and what each peer had taken when it was looked at last. */
  readonly #holders = new Map<MemoryHolder, number>();
  #scheduled = false;
  /** Bytes in use above which it is checked again. */
  #next = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Nothing new should be taken in. */
  get full(): boolean {
    return this.#used >= this.limit;
  }

  /** Count bytes that are kept; negative ones are given back. */
  charge(bytes: number): void {
    this.#used += bytes;
    if (bytes <= 0 || this.#used <= this.limit || this.#scheduled || this.#used < this.#next) return;
    this.#scheduled = true;
    setImmediate(() => this.#relieve());
  }

  /** From here on the holder may be ended. */
  add(holder: MemoryHolder): void {
    this.#holders.set(holder, holder.taken);
  }

  remove(holder: MemoryHolder): void {
    this.#holders.delete(holder);
  }

  /** End holders, those first that keep most for each byte that was taken since the last look. */
  #relieve(): void {
    this.#scheduled = false;
    const target = this.limit * (1 - FREED);
    let rest = this.#used;
    if (rest > this.limit) {
      const ranked = [...this.#holders].map(([holder, before]) => {
        const { kept, taken } = holder;
        this.#holders.set(holder, taken);
        return { holder, kept, rank: kept / (1 + Math.max(0, taken - before)) };
      });
      ranked.sort((one, other) => other.rank - one.rank);
      for (const { holder, kept } of ranked) {
        if (rest <= target) break;
        if (kept <= SPARED) continue;
        this.remove(holder);
        rest -= kept;
        holder.shed();
      }
    }
    // What nobody can be ended for, or is not given back yet, is no reason to look again at once.
    this.#next = rest <= target ? 0 : rest + this.limit * FREED;
  }
}

/** What one connection keeps, counted in a budget as it changes. */
export class MemoryClaim implements MemoryHolder {
  readonly #budget: MemoryBudget;
  readonly #owner: MemoryOwner;
  #kept = 0;

  constructor(budget: MemoryBudget, owner: MemoryOwner) {
    this.#budget = budget;
    this.#owner = owner;
  }

  get kept(): number {
    return this.#kept;
  }
  get taken(): number {
    return this.#owner.taken;
  }
  shed(): void {
    this.#owner.shed();
  }

  /** Say how much is kept now. */
  set(bytes: number): void {
    const before = this.#kept;
    if (bytes === before) return;
    this.#kept = bytes;
    if (before === 0) this.#budget.add(this);
    else if (bytes === 0) this.#budget.remove(this);
    this.#budget.charge(bytes - before);
  }
}

/** A share of the memory that a container may use; without such a limit the most that a budget has. */
function shareOfProcess(): number {
  const constrained = process.constrainedMemory();
  // Without a limit the system names none, or one beyond all memory.
  return constrained > 0 ? Math.min(LARGEST, Math.max(SMALLEST, Math.floor(constrained * SHARE))) : LARGEST;
}

/** The budget of this process. */
export const memoryBudget = new MemoryBudget(shareOfProcess());
