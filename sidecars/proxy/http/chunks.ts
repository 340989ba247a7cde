/** Walking a chunked body (RFC 9112, section 7.1) without copying it: is it well formed, and where does it end? */
import { charge } from '#proxy/loop/turn.ts';
import { PartialInput } from './partial-input.ts';
import { CR, HEX, LF, SEMICOLON, VALUE } from './bytes.ts';
import { OTHER, classify } from './field-names.ts';
import { BAD, DONE, Head, scanFields } from './scan-head.ts';

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILERS = 6;
const FINISHED = 7;

/** All extensions of a body together, in bytes: nobody uses them but to waste a reader's time. */
const MAX_EXTENSIONS = 4096;
const MAX_DIGITS = 13;
/** Bytes of sizes and extensions that cost as much CPU as a read does. */
const FRAMING_A_PIECE = 512;

const trailerHead = new Head();

/** Gets the data of chunks, as ranges of the bytes that were walked. */
export interface ChunkSink {
  chunk(start: number, end: number): void;
}

/** A chunked body's data, joined where the first chunk lies in its bytes: there may be a chunk for each byte. */
export class JoinedChunks implements ChunkSink {
  readonly #bytes: Buffer;
  /** Where the data begins and ends. */
  start: number;
  end: number;
  #empty = true;

  /** @param at where walking begins */
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.start = this.end = at;
  }

  chunk(start: number, end: number): void {
    if (this.#empty) this.start = this.end = start;
    else this.#bytes.copyWithin(this.end, start, end);
    this.#empty = false;
    this.end += end - start;
  }
}

export class ChunkWalker {
  #state = SIZE;
  #remaining = 0;
  #digits = 0;
  #extensions = 0;
  readonly #trailers = new PartialInput();
  /** The body is not well formed. */
  bad = false;
  /** The body has ended. */
  finished = false;
  /** After `walk`: the end of the bytes that may be passed on as they are. */
  passEnd = 0;
  /** Once finished: what must follow the bytes that were passed on, which is the trailers and a blank line, or nothing. */
  tail = '';
  /** Once finished: the trailers that are passed on, as whole lines. */
  trailers = '';
  readonly #maxTrailers: number;

  /** @param maxTrailers largest trailer section, in bytes */
  constructor(maxTrailers: number) {
    this.#maxTrailers = maxTrailers;
  }

  /** Begin another body. */
  reset(): void {
    this.#state = SIZE;
    this.#remaining = this.#digits = this.#extensions = 0;
    this.#trailers.clear();
    this.bad = this.finished = false;
    this.tail = this.trailers = '';
  }

  /**
   * Walk the next bytes. Any split of a body into calls ends the same.
   * @param sink gets the data; none where bytes are only passed on
   * @returns the first byte that is not of this body; look at `bad`, `finished`, `passEnd` and `tail`
   */
  walk(bytes: Buffer, start: number, end: number, sink?: ChunkSink): number {
    let at = start;
    let data = 0;
    while (at < end && this.#state < TRAILERS) {
      if (this.#state === DATA) {
        const next = Math.min(end, at + this.#remaining);
        this.#remaining -= next - at;
        data += next - at;
        sink?.chunk(at, next);
        at = next;
        if (this.#remaining === 0) this.#state = DATA_CR;
      } else if (!this.#frame(bytes[at++]!)) {
        this.bad = true;
        return (this.passEnd = at - 1);
      }
    }
    this.passEnd = at;
    const pieces = Math.floor((at - start - data) / FRAMING_A_PIECE);
    if (pieces > 0) charge(pieces);
    return this.#state === TRAILERS && at < end ? this.#trailer(bytes, at, end) : at;
  }

  /** One byte between data; false when it is wrong there. */
  #frame(byte: number): boolean {
    switch (this.#state) {
      case SIZE: {
        const digit = HEX[byte]!;
        if (digit > 0) {
          this.#remaining = this.#remaining * 16 + digit - 1;
          return ++this.#digits <= MAX_DIGITS;
        }
        if (this.#digits === 0) return false;
        if (byte === CR) this.#state = SIZE_LF;
        else if (byte === SEMICOLON) this.#state = EXTENSION;
        else return false;
        return true;
      }
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_LF;
        else if (VALUE[byte] === 0 || byte > 126 || ++this.#extensions > MAX_EXTENSIONS) return false;
        return true;
      case SIZE_LF:
        this.#digits = 0;
        this.#state = this.#remaining === 0 ? TRAILERS : DATA;
        return byte === LF;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === CR;
      default:
        this.#state = SIZE;
        return byte === LF;
    }
  }

  /** After the last chunk: mostly CRLF at once, otherwise fields that are gathered and sifted. */
  #trailer(bytes: Buffer, start: number, end: number): number {
    if (this.#trailers.size === 0 && end - start >= 2 && bytes[start] === CR && bytes[start + 1] === LF) {
      this.#end('', '');
      return (this.passEnd = start + 2);
    }
    const before = this.#trailers.size;
    const part = bytes.subarray(start, end);
    this.#trailers.add(Buffer.from(part));
    const fits = this.#trailers.size <= this.#maxTrailers;
    // Only whole lines are looked at, so that it does not matter how they arrive.
    const lines = part.lastIndexOf(LF) + 1;
    if (lines === 0 && fits) return end;
    const all = this.#trailers.take();
    const scanned = scanFields(trailerHead, all, 0, before + lines, false);
    const size = scanned === DONE ? trailerHead.end : all.length;
    if (scanned === BAD || size > this.#maxTrailers) {
      this.bad = true;
      return start;
    }
    if (scanned !== DONE) {
      this.#trailers.add(all);
      return end;
    }
    const trailers = sift(trailerHead, all);
    this.#end(trailers, `${trailers}\r\n`);
    return start + trailerHead.end - before;
  }

  #end(trailers: string, tail: string): void {
    this.trailers = trailers;
    this.#state = FINISHED;
    this.finished = true;
    this.tail = tail;
  }
}

/** Trailers that say nothing about framing, routing or the caller (RFC 9110, section 6.5.1). */
function sift(head: Head, bytes: Buffer): string {
  let kept = '';
  for (let field = 0; field < head.count; field++) {
    if (classify(bytes, head.fields[field * 4]!, head.fields[field * 4 + 1]!) === OTHER)
      kept += bytes.toString('latin1', head.lineStart(field), head.lineStart(field + 1));
  }
  return kept;
}
