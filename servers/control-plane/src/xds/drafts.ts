/** Drafts of parts of the mesh, made again only when something that they are made of is another. */
import type { Draft } from './resources/types.ts';

interface Known {
  readonly inputs: readonly unknown[];
  readonly drafts: readonly Draft[];
}

export class DraftMemo {
  /** How often some were made so far. */
  made = 0;
  #known = new Map<string, Known>();
  #next = new Map<string, Known>();

  /** @param inputs all that the drafts are made of; the same objects mean the same content */
  of(key: string, inputs: readonly unknown[], make: () => Draft[]): readonly Draft[] {
    let known = this.#known.get(key);
    if (!known || !sameItems(known.inputs, inputs)) {
      this.made++;
      known = { inputs, drafts: make() };
    }
    this.#next.set(key, known);
    return known.drafts;
  }

  /** Forget what was not asked for since the last call of `sweep`. */
  sweep(): void {
    this.#known = this.#next;
    this.drop();
  }

  /** Forget what was asked for since the last call of `sweep`. */
  drop(): void {
    this.#next = new Map();
  }
}

/** Whether two lists are of the same objects. */
export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);
