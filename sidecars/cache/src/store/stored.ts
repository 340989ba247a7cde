/** A stored response. */
import { Fields, pushLines } from '#proxy/http/fields.ts';
import { urlOfKey } from '../policy/keys.ts';
import type { Reusable } from '../policy/reuse.ts';
import type { Selecting } from '../policy/vary.ts';
import type { Purgeable } from './purge-selector.ts';

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
const OVERHEAD = 512;
const ENTRY_OVERHEAD = 384;
/** Of each further name by which it is found or chosen. */
const TAG_OVERHEAD = 128;

export class Stored {
  head: StoredHead;
  readonly body: Buffer;
  /** In bytes, with all that it costs. */
  readonly size: number;
  /** The application could not answer just now: it is not asked before then (milliseconds since the epoch). */
  askAgainAt = 0;
  /** Its place in the index, once it is stored. */
  entry: Entry | undefined;
  /** It lies in memory. */
  inMemory = false;
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

/** A file of the disk; its name is made of its entry's key and variant and of its serial number (see `fileNameOf`). */
export interface DiskFile {
  readonly serial: number;
  /** What it takes of the disk, in bytes; 0 until it is written. */
  size: number;
}

const NO_SELECTING: Selecting = [];
const NO_TAGS: readonly string[] = [];

/** One stored response, wherever it lies. */
export class Entry implements Purgeable {
  readonly key: string;
  readonly selecting: Selecting;
  readonly tags: readonly string[];
  /** Since when it counts as stale, whatever its freshness, in milliseconds since the epoch. */
  staleSince: number | undefined;
  /** It is in the index. */
  alive = false;
  /** Its place in memory. */
  stored: Stored | undefined;
  /** Its place on the disk, where it may still have to be written. */
  file: DiskFile | undefined;

  constructor({ key, selecting, tags, staleSince }: Pick<Entry, 'key' | 'selecting' | 'tags' | 'staleSince'>) {
    this.key = key;
    // Most have none: they share one list.
    this.selecting = selecting.length === 0 ? NO_SELECTING : selecting;
    this.tags = tags.length === 0 ? NO_TAGS : tags;
    this.staleSince = staleSince;
  }

  /** Its key without what is no URL. */
  get url(): string {
    return urlOfKey(this.key);
  }
}

/** What a response takes of a store, in bytes. */
export function sizeOf(
  { key, lines, tags, selecting }: Pick<StoredHead, 'key' | 'lines' | 'tags' | 'selecting'>,
  body: number,
): number {
  return indexSizeOf({ key, tags, selecting }) + lines.length + body + OVERHEAD;
}

/** What a response's entry in the index takes, in bytes. */
export function indexSizeOf({ key, tags, selecting }: Pick<StoredHead, 'key' | 'tags' | 'selecting'>): number {
  let size = key.length + ENTRY_OVERHEAD + (urlOfKey(key) === key ? 0 : urlOfKey(key).length + TAG_OVERHEAD);
  for (const tag of tags) size += tag.length + TAG_OVERHEAD;
  for (const [name, value] of selecting) size += name.length + (value?.length ?? 0) + TAG_OVERHEAD;
  return size;
}
