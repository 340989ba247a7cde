/** The end of a container's log, followed; of what comes too fast, only the latest lines are passed on. */
import type { EngineApi } from '../../scripts/lib/engine-api.ts';
import type { LogDocument } from './document.ts';

/** Lines that are shown at first, and passed on at most at a time. */
const LINES = 200;
/** Milliseconds between two portions. */
const EVERY = 250;
/** Longer lines are cut. */
const LONGEST = 2000;
/** A frame's head (Engine API, "Stream format"): stream, three zeros, length in big endian. */
const HEAD = 8;

/**
 * Follow a log until the signal, or until the container's end.
 * @param tell is given each portion
 */
export async function followLog(
  api: EngineApi,
  id: string,
  tell: (portion: LogDocument) => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await api.stream(`/containers/${id}/logs?follow=1&stdout=1&stderr=1&tail=${LINES}`, signal);
  const lines = new LastLines(LINES);
  const timer = setInterval(() => {
    const portion = lines.take();
    if (portion) tell(portion);
  }, EVERY);
  try {
    const frames = new Frames();
    for await (const piece of stream as AsyncIterable<Buffer>) for (const text of frames.read(piece)) lines.add(text);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(timer);
    const rest = lines.take();
    if (rest && !signal.aborted) tell(rest);
    stream.destroy();
  }
}

/** Keeps the latest lines, and counts those that it lets go. */
export class LastLines {
  readonly #most: number;
  #lines: string[] = [];
  #skipped = 0;
  #open = '';

  constructor(most: number) {
    this.#most = most;
  }

  /** @param text any piece of a log: lines may begin in one and end in the next */
  add(text: string): void {
    const parts = (this.#open + text).split('\n');
    this.#open = parts.pop()!.slice(0, LONGEST);
    for (const line of parts) this.#lines.push(line.slice(0, LONGEST).replace(/\r$/, ''));
    const over = this.#lines.length - this.#most;
    if (over > 0) {
      this.#lines = this.#lines.slice(over);
      this.#skipped += over;
    }
  }

  /** What has come since the last time; undefined when nothing. */
  take(): LogDocument | undefined {
    if (this.#lines.length === 0) return undefined;
    const portion = { lines: this.#lines, skipped: this.#skipped };
    this.#lines = [];
    this.#skipped = 0;
    return portion;
  }
}

/** Texts out of the engine's frames; a container with a terminal has none, and its bytes are the text. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);
  #plain: boolean | undefined;

  /** @returns the texts of all frames that are whole */
  read(piece: Buffer): string[] {
    this.#plain ??= !(piece[0]! <= 2 && piece[1] === 0 && piece[2] === 0 && piece[3] === 0);
    if (this.#plain) return [piece.toString()];
    let bytes: Buffer = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const texts: string[] = [];
    while (bytes.length >= HEAD) {
      const end = HEAD + bytes.readUInt32BE(4);
      if (bytes.length < end) break;
      texts.push(bytes.toString('utf8', HEAD, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return texts;
  }
}
