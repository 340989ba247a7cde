/**
 * From what a container wrote to events: Docker cuts lines at 16 KiB and says so (`partial_*`), and
 * sends each line of a stack trace as a message of its own. Pieces wait here, in memory, until the rest
 * has come, or for a time.
 */
import { Chunk } from '../lines/chunk.ts';
import { MARGIN } from '../lines/document.ts';
import type { Splitter } from '../lines/splitter.ts';

/** A line, or a piece of one. */
export interface Piece {
  /** Whose lines these are: a container's stream. */
  readonly stream: string;
  readonly text: string;
  readonly foreign: boolean;
  /** The same for all pieces of a line; absent for a whole one. */
  readonly partial: { readonly id: string; readonly last: boolean } | undefined;
}

/** An event that is complete; `first` is what was given with its first piece. */
export interface Assembled<T> {
  readonly first: T;
  readonly text: string;
  readonly foreign: boolean;
  readonly cut: boolean;
}

interface Open<T> {
  readonly first: T;
  texts: string[];
  length: number;
  foreign: boolean;
  cut: boolean;
  changedAt: number;
}

/** Events that wait at a time; the oldest goes before one more begins. */
const MOST = 256;

export class Assembler<T> {
  readonly #splitter: Splitter;
  readonly #limit: number;
  readonly #patience: number;
  readonly #partials = new Map<string, Open<T>>();
  readonly #events = new Map<string, Open<T>>();

  /**
   * @param limit the most characters of an event
   * @param patience how long an event waits for more, in milliseconds
   */
  constructor(splitter: Splitter, limit: number, patience: number) {
    this.#splitter = splitter;
    this.#limit = limit + MARGIN;
    this.#patience = patience;
  }

  /** Whether something waits. */
  get waiting(): boolean {
    return this.#partials.size + this.#events.size > 0;
  }

  /**
   * Take a piece in.
   * @returns the events that are complete now, in their order
   */
  add(first: T, { stream, text, foreign, partial }: Piece, now: number): Assembled<T>[] {
    if (partial === undefined) return this.#line(stream, { first, text, foreign, cut: false }, now);
    const key = `${stream} ${partial.id}`;
    const evicted = this.#put(this.#partials, key, first, text, foreign, '', now);
    const whole = partial.last ? this.#take(this.#partials, key) : undefined;
    return [...evicted, ...(whole ? this.#line(stream, whole, now) : [])];
  }

  /** What has waited long enough; everything when `now` is Infinity. */
  expire(now: number): Assembled<T>[] {
    const due: Assembled<T>[] = [];
    for (const [key, { changedAt }] of this.#partials) {
      if (now - changedAt < this.#patience) continue;
      due.push(...this.#line(key.slice(0, key.lastIndexOf(' ')), this.#take(this.#partials, key)!, now));
    }
    for (const [key, { changedAt }] of this.#events)
      if (now - changedAt >= this.#patience) due.push(this.#take(this.#events, key)!);
    return due;
  }

  /** A line that is whole: an event, or part of one. */
  #line(stream: string, line: Assembled<T>, now: number): Assembled<T>[] {
    if (!this.#splitter.multiline) return [line];
    const begins = this.#splitter.isFirst(new Chunk(Buffer.from(line.text)), 0, Buffer.byteLength(line.text));
    const before = begins || !this.#events.has(stream) ? this.#take(this.#events, stream) : undefined;
    const evicted = this.#put(this.#events, stream, line.first, line.text, line.foreign, '\n', now);
    if (line.cut) this.#events.get(stream)!.cut = true;
    return [...(before ? [before] : []), ...evicted];
  }

  #put(
    map: Map<string, Open<T>>,
    key: string,
    first: T,
    text: string,
    foreign: boolean,
    separator: string,
    now: number,
  ): Assembled<T>[] {
    const evicted: Assembled<T>[] = [];
    let open = map.get(key);
    if (open === undefined) {
      if (map.size >= MOST) evicted.push(this.#take(map, map.keys().next().value!)!);
      open = { first, texts: [], length: 0, foreign: false, cut: false, changedAt: now };
      map.set(key, open);
    }
    const added = open.texts.length === 0 ? text : separator + text;
    const room = this.#limit - open.length;
    if (added.length > room) open.cut = true;
    if (room > 0) open.texts.push(added.slice(0, room));
    open.length += Math.min(room, added.length);
    open.foreign ||= foreign;
    open.changedAt = now;
    return evicted;
  }

  #take(map: Map<string, Open<T>>, key: string): Assembled<T> | undefined {
    const open = map.get(key);
    if (open === undefined) return undefined;
    map.delete(key);
    const { first, texts, foreign, cut } = open;
    return { first, text: texts.join(''), foreign, cut };
  }
}
