/** Where events begin and end: at each line, or, with a pattern for first lines, at each of those. */
import type { Chunk } from './chunk.ts';

/** No more of a line is looked at to tell whether it begins an event, in bytes. */
export const GLANCE = 1024;

export interface Rest {
  /** Where the event begins whose end is not there yet. */
  readonly event: number;
  /** Where its last line begins that has no newline yet; the chunk's length when all have one. */
  readonly line: number;
}

/** Receives where an event begins and ends in a chunk, its newline included. */
export type OnEvent = (from: number, to: number) => void;

export class Splitter {
  readonly #first: RegExp | undefined;

  /** @param first matches the first line of an event; absent, each line is one */
  constructor(first?: RegExp) {
    this.#first = first;
  }

  /** Whether an event may have several lines. */
  get multiline(): boolean {
    return this.#first !== undefined;
  }

  /**
   * Find the events that end within a chunk that begins with one.
   * @returns what is left at its end
   */
  split(chunk: Chunk, onEvent: OnEvent): Rest {
    let event = 0;
    let line = 0;
    for (let newline = chunk.newline(0); newline !== -1; newline = chunk.newline(line)) {
      if (this.#first !== undefined && line > event && this.isFirst(chunk, line, newline)) {
        onEvent(event, line);
        event = line;
      }
      line = newline + chunk.unit;
      if (this.#first === undefined) {
        onEvent(event, line);
        event = line;
      }
    }
    return { event, line };
  }

  /** Matches the first line of an event, where one may have several. */
  get first(): RegExp | undefined {
    return this.#first;
  }

  /** Whether the end of a long event is looked for from the beginning of a line. */
  get byLine(): boolean {
    return this.multiline;
  }

  /** Whether a line, given without its newline, begins an event. */
  isFirst(chunk: Chunk, from: number, to: number): boolean {
    return this.#first === undefined || this.begins(chunk.text(from, Math.min(to, from + GLANCE)));
  }

  /** Whether a line does that is text already; no more than its beginning is looked at. */
  protected begins(text: string): boolean {
    if (this.#first === undefined) return true;
    // A byte order mark is no part of the first line of a file.
    const mark = text.startsWith('\ufeff') ? 1 : 0;
    return this.#first.test(text.slice(mark, GLANCE));
  }

  /**
   * Find the end of an event whose beginning is out of sight.
   * @param inLine whether the chunk begins within a line that belongs to it
   * @returns `found`: the event ends there; else where to look on, and whether that is within a line
   */
  findEnd(chunk: Chunk, inLine: boolean): { found: number } | { found: undefined; next: number; inLine: boolean } {
    let line = 0;
    let within = inLine;
    for (;;) {
      const newline = chunk.newline(line);
      if (!within) {
        const known = newline !== -1 || chunk.length - line >= GLANCE;
        if (!known) return { found: undefined, next: line, inLine: false };
        if (this.isFirst(chunk, line, newline === -1 ? chunk.length : newline)) return { found: line };
      }
      if (newline === -1) return { found: undefined, next: chunk.whole, inLine: true };
      line = newline + chunk.unit;
      if (!this.multiline) return { found: line };
      within = false;
    }
  }
}
