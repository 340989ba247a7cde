/** A stored response. */
import { Fields, pushLines } from '#proxy/http/fields.ts';
import { urlOfKey } from '../policy/keys.ts';
import type { Reusable } from '../policy/reuse.ts';
import type { Selecting } from '../policy/vary.ts';

/** Fields as whole lines, read when somebody asks. */
export class FieldLines extends Fields {
  readonly #lines: string;
  constructor(lines: string) {
    super();
    this.#lines = lines;
  }
  protected override read(): string[] {
    const list: string[] = [];
    pushLines(list, this.#lines);
    return list;
  }
}

/** Everything of a stored response but its body: what a disk's file begins with. */
export interface StoredHead extends Reusable {
  readonly key: string;
  readonly status: number;
  /** Whole lines of its fields, Date's among them; Age and Cache-Status are each answer's own. */
  readonly lines: string;
  readonly selecting: Selecting;
  /** Index names: tags, and groups with their origin. */
  readonly tags: readonly string[];
}

/** What a response costs beyond its bytes: objects, and entries of the indexes. */
const OVERHEAD = 768;
const TAG_OVERHEAD = 128;

export class Stored {
  head: StoredHead;
  readonly body: Buffer;
  /** In bytes, with all that it costs. */
  readonly size: number;
  /** The application could not answer just now: it is not asked before then (milliseconds since the epoch). */
  askAgainAt = 0;
  /** It is in the store. */
  alive = false;
  // Neighbours in the order of use.
  older: Stored | undefined;
  newer: Stored | undefined;

  constructor(head: StoredHead, body: Buffer) {
    this.head = head;
    this.body = body;
    this.size = sizeOf(head, body.length);
  }

  /** Its key without what is no URL. */
  get url(): string {
    return urlOfKey(this.head.key);
  }

  get fields(): FieldLines {
    return new FieldLines(this.head.lines);
  }
}

/** What a response takes of a store, in bytes. */
export function sizeOf({ key, lines, tags }: Pick<StoredHead, 'key' | 'lines' | 'tags'>, body: number): number {
  return key.length + lines.length + body + OVERHEAD + tags.length * TAG_OVERHEAD;
}
