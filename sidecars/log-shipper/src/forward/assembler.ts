/**
 * From what a container wrote to events: Docker cuts lines at 16 KiB and says so (`partial_*`), and
 * sends each line of a stack trace as a message of its own. Pieces wait here until the rest has come, or
 * for a time; what waits can be saved and brought back (see held.ts), and the same pieces in the same order
 * make the same events.
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
  /** It waited here. */
  readonly waited: boolean;
}

interface Open<T> {
  readonly first: T;
  readonly texts: string[];
  /** Texts at the end that were not joined. */
  loose: number;
  length: number;
  foreign: boolean;
  cut: boolean;
  changedAt: number;
}

/** What waits, as it is saved. */
export type Saved<T> = readonly [kind: Kind, key: string, open: Omit<Open<T>, 'changedAt' | 'loose'>];
/** A line of which pieces are missing, or an event that may go on. */
type Kind = 'partial' | 'event';

/** Events of a kind that wait at a time; the oldest goes before one more begins. */
const MOST = 256;
/** Characters of all events of a kind that wait, with what their senders say of them: the oldest go, all but one. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

const JOINED = 256;

/** Events of a kind that wait, the oldest first, and their characters. */
class Waiting<T> extends Map<string, Open<T>> {
  characters = 0;
}

export class Assembler<T> {
  readonly #splitter: Splitter;
  readonly #limit: number;
  readonly #patience: number;
  readonly #sizeOf: (first: T) => number;
  readonly #partials = new Waiting<T>();
  readonly #events = new Waiting<T>();

  /**
   * @param limit the most characters of an event
   * @param patience how long an event waits for more, in milliseconds
   * @param sizeOf the characters of what is given with a piece
   */
  constructor(splitter: Splitter, limit: number, patience: number, sizeOf: (first: T) => number) {
    this.#sizeOf = sizeOf;
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
    if (partial === undefined) return this.#line(stream, { first, text, foreign, cut: false, waited: false }, now);
    const key = `${stream} ${partial.id}`;
    const evicted = this.#put(this.#partials, key, first, text, foreign, '', now);
    const whole = partial.last ? this.#take(this.#partials, key) : undefined;
    return [...evicted, ...(whole ? this.#line(stream, whole, now) : [])];
  }

  /**
   * What has waited long enough, as `end` takes it; everything when `now` is Infinity. A line whose rest is given up
   * may become an event that waits in turn.
   */
  due(now: number): (readonly [kind: Kind, key: string])[] {
    const waited = (map: Waiting<T>): string[] =>
      [...map].filter(([, { changedAt }]) => now - changedAt >= this.#patience).map(([key]) => key);
    return [
      ...waited(this.#partials).map((key) => ['partial', key] as const),
      ...waited(this.#events).map((key) => ['event', key] as const),
    ];
  }

  /**
   * Wait no longer for the rest of something.
   * @returns the events that are complete by that
   */
  end(kind: Kind, key: string, now: number): Assembled<T>[] {
    const whole = this.#take(kind === 'partial' ? this.#partials : this.#events, key);
    if (whole === undefined) return [];
    return kind === 'partial' ? this.#line(streamOf(key), whole, now) : [whole];
  }

  /** What waits now. */
  save(): Saved<T>[] {
    const of = (kind: Kind, map: Waiting<T>): Saved<T>[] =>
      [...map].map(([key, { first, texts, length, foreign, cut }]) => [
        kind,
        key,
        { first, texts, length, foreign, cut },
      ]);
    return [...of('partial', this.#partials), ...of('event', this.#events)];
  }

  /**
   * Let something wait that was saved.
   * @returns the events that wait no longer because of it
   */
  restore([kind, key, open]: Saved<T>, now: number): Assembled<T>[] {
    const map = kind === 'partial' ? this.#partials : this.#events;
    const characters = this.#charactersOf(key, open);
    this.#take(map, key);
    map.set(key, { ...open, loose: 0, changedAt: now });
    map.characters += characters;
    return this.#evict(map);
  }

  /** Whether a piece changes what waits. */
  keeps({ partial }: Piece): boolean {
    return partial !== undefined || this.#splitter.multiline;
  }

  /** A line that is whole: an event, or part of one. */
  #line(stream: string, line: Assembled<T>, now: number): Assembled<T>[] {
    if (!this.#splitter.multiline) return [line];
    const begins = this.#splitter.isFirst(new Chunk(Buffer.from(line.text)), 0, Buffer.byteLength(line.text));
    const before = begins || !this.#events.has(stream) ? this.#take(this.#events, stream) : undefined;
    const evicted = this.#put(this.#events, stream, line.first, line.text, line.foreign, '\n', now);
    const open = this.#events.get(stream);
    if (line.cut && open !== undefined) open.cut = true;
    return [...(before ? [before] : []), ...evicted];
  }

  #put(
    map: Waiting<T>,
    key: string,
    first: T,
    text: string,
    foreign: boolean,
    separator: string,
    now: number,
  ): Assembled<T>[] {
    let open = map.get(key);
    if (open === undefined) {
      open = { first, texts: [], loose: 0, length: 0, foreign: false, cut: false, changedAt: now };
      map.set(key, open);
      map.characters += this.#charactersOf(key, open);
    }
    const added = open.texts.length === 0 ? text : separator + text;
    const room = this.#limit - open.length;
    if (added.length > room) open.cut = true;
    // Of pieces that say nothing there may be any number.
    if (room > 0 && (added !== '' || open.texts.length === 0)) {
      open.texts.push(added.length > room ? copyOf(added.slice(0, room)) : added);
      join(open);
    }
    const taken = Math.min(room, added.length);
    open.length += taken;
    map.characters += taken;
    open.foreign ||= foreign;
    open.changedAt = now;
    return this.#evict(map);
  }

  /** Wait no longer for the rest of the oldest, while there is too much; the last one stays. */
  #evict(map: Waiting<T>): Assembled<T>[] {
    const evicted: Assembled<T>[] = [];
    while (map.size > MOST || (map.size > 1 && map.characters > MOST_CHARACTERS))
      evicted.push(this.#take(map, map.keys().next().value!)!);
    return evicted;
  }

  #charactersOf(key: string, { first, length }: Pick<Open<T>, 'first' | 'length'>): number {
    return key.length + this.#sizeOf(first) + length;
  }

  #take(map: Waiting<T>, key: string): Assembled<T> | undefined {
    const open = map.get(key);
    if (open === undefined) return undefined;
    map.delete(key);
    map.characters -= this.#charactersOf(key, open);
    const { first, texts, foreign, cut } = open;
    return { first, text: texts.join(''), foreign, cut, waited: true };
  }
}

/** A text of a character costs some forty bytes by itself: so many texts are made one, each once. */
function join(open: Pick<Open<unknown>, 'texts' | 'loose'>): void {
  if (++open.loose < JOINED) return;
  open.texts.push(open.texts.splice(-JOINED).join(''));
  open.loose = 0;
}

const streamOf = (partialKey: string): string => partialKey.slice(0, partialKey.lastIndexOf(' '));

/** The same characters, without the longer text that a slice of it keeps in memory. */
const copyOf = (slice: string): string => Buffer.from(slice, 'utf16le').toString('utf16le');
