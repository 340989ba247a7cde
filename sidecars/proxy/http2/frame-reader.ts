/** Cutting the peer's bytes into frames (RFC 9113, section 4), however they arrive. */
import {
  CONTINUATION,
  DATA,
  FLAG_PADDED,
  FRAME_HEAD,
  FRAME_SIZE_ERROR,
  MAX_FRAME_SIZE,
  PREFACE,
  PROTOCOL_ERROR,
} from './codes.ts';

/** Who gets the frames. */
export interface FrameSink {
  /** A frame begins. @returns false to read no further */
  onFrameHead(type: number, flags: number, id: number, length: number): boolean;
  /** A whole payload, of all known types but DATA; valid during the call. @returns false to read no further */
  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean;
  /** A part of a DATA frame's data, without padding. @returns false to read no further */
  onDataBytes(bytes: Buffer, start: number, end: number): boolean;
  /** A DATA frame has ended. @returns false to read no further */
  onDataEnd(): boolean;
  /** The bytes are no frames. */
  onFrameError(code: number, reason: string): void;
}

/** The first buffer for a payload that arrives in pieces. */
const FIRST_CARRY = 512;

// What the next bytes are.
const IN_PREFACE = 0;
const IN_HEAD = 1;
const IN_PAYLOAD = 2;
const IN_PAD_LENGTH = 3;
const IN_DATA = 4;
const IN_PADDING = 5;
const STOPPED = 6;

export class FrameReader {
  readonly #sink: FrameSink;
  #state: number;
  /** Bytes that were read of the preface, or of a frame's head. */
  #read = 0;
  readonly #head = new Uint8Array(FRAME_HEAD);
  #type = 0;
  #flags = 0;
  #id = 0;
  /** Bytes to come of the payload; of a DATA frame without its padding. */
  #left = 0;
  #padding = 0;
  #carry: Buffer | undefined;
  #buffered = 0;
  /** Frames that have begun. */
  frames = 0;

  /** @param expectsPreface a client's bytes begin with one */
  constructor(sink: FrameSink, expectsPreface: boolean) {
    this.#sink = sink;
    this.#state = expectsPreface ? IN_PREFACE : IN_HEAD;
  }

  /** A frame other than one of data has begun, or one's head, and is not complete. */
  get midFrame(): boolean {
    return this.#state === IN_PAYLOAD || (this.#state === IN_HEAD && this.#read > 0);
  }

  /** Read no further, whatever comes. */
  stop(): void {
    this.#state = STOPPED;
    this.#carry = undefined;
  }

  /**
   * Read the next bytes.
   * @param most frames that may begin
   * @returns the first byte that was not read: `end`, or where one frame more would begin
   */
  read(bytes: Buffer, start: number, end: number, most: number): number {
    const last = this.frames + most;
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case IN_HEAD:
          if (this.frames >= last) return at;
          at = this.#readHead(bytes, at, end);
          break;
        case IN_PAYLOAD:
          at = this.#readPayload(bytes, at, end);
          break;
        case IN_DATA: {
          const next = Math.min(end, at + this.#left);
          this.#left -= next - at;
          if (!this.#sink.onDataBytes(bytes, at, next)) {
            this.stop();
            return end;
          }
          at = next;
          if (this.#left === 0) this.#afterData();
          break;
        }
        case IN_PADDING: {
          const next = Math.min(end, at + this.#padding);
          this.#padding -= next - at;
          at = next;
          if (this.#padding === 0) this.#endData();
          break;
        }
        case IN_PAD_LENGTH:
          this.#padding = bytes[at++]!;
          this.#left -= 1 + this.#padding;
          if (this.#left < 0) return this.#fail(PROTOCOL_ERROR, 'padding', end);
          this.#afterPadLength();
          break;
        case IN_PREFACE:
          if (bytes[at++] !== PREFACE[this.#read++]) return this.#fail(PROTOCOL_ERROR, 'preface', end);
          if (this.#read === PREFACE.length) this.#nextFrame();
          break;
        default:
          return end;
      }
    }
    return at;
  }

  #nextFrame(): void {
    this.#state = IN_HEAD;
    this.#read = 0;
  }

  /** @returns `end`: nothing more is read */
  #fail(code: number, reason: string, end: number): number {
    this.stop();
    this.#sink.onFrameError(code, reason);
    return end;
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    let head: Uint8Array = bytes;
    let from = start;
    let next = start + FRAME_HEAD;
    if (this.#read > 0 || next > end) {
      head = this.#head;
      from = 0;
      for (next = start; next < end && this.#read < FRAME_HEAD; next++) head[this.#read++] = bytes[next]!;
      if (this.#read < FRAME_HEAD) return next;
    }
    const length = (head[from]! << 16) | (head[from + 1]! << 8) | head[from + 2]!;
    const type = (this.#type = head[from + 3]!);
    const flags = (this.#flags = head[from + 4]!);
    const id = (this.#id =
      ((head[from + 5]! & 0x7f) << 24) | (head[from + 6]! << 16) | (head[from + 7]! << 8) | head[from + 8]!);
    this.frames++;
    if (length > MAX_FRAME_SIZE) return this.#fail(FRAME_SIZE_ERROR, 'frame_size', end);
    if (!this.#sink.onFrameHead(type, flags, id, length)) {
      this.stop();
      return end;
    }
    this.#left = length;
    if (type === DATA) this.#beginData(flags);
    else if (length > 0) {
      this.#state = IN_PAYLOAD;
      this.#buffered = 0;
    } else this.#payload(bytes, next, next);
    return next;
  }

  #beginData(flags: number): void {
    this.#padding = 0;
    if ((flags & FLAG_PADDED) === 0) this.#afterPadLength();
    else if (this.#left === 0) this.#fail(FRAME_SIZE_ERROR, 'padding', 0);
    else this.#state = IN_PAD_LENGTH;
  }

  #afterPadLength(): void {
    if (this.#left > 0) this.#state = IN_DATA;
    else this.#afterData();
  }

  #afterData(): void {
    if (this.#padding > 0) this.#state = IN_PADDING;
    else this.#endData();
  }

  #endData(): void {
    this.#nextFrame();
    if (!this.#sink.onDataEnd()) this.stop();
  }

  #readPayload(bytes: Buffer, start: number, end: number): number {
    const next = Math.min(end, start + this.#left);
    const size = next - start;
    if (this.#buffered === 0 && size === this.#left) {
      this.#payload(bytes, start, next);
      return next;
    }
    this.#keep(bytes, start, size);
    this.#left -= size;
    if (this.#left === 0) {
      const carry = this.#carry!;
      this.#carry = undefined;
      this.#payload(carry, 0, this.#buffered);
    }
    return next;
  }

  #payload(bytes: Buffer, start: number, end: number): void {
    this.#nextFrame();
    // Unknown types mean nothing (section 5.5).
    if (this.#type > CONTINUATION) return;
    if (!this.#sink.onFrame(this.#type, this.#flags, this.#id, bytes, start, end)) this.stop();
  }

  /** Put a part of a payload by. The buffer grows with what has come, not with what was announced. */
  #keep(bytes: Buffer, start: number, size: number): void {
    const total = this.#buffered + size;
    const carry = this.#carry;
    if (carry === undefined || carry.length < total) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(this.#buffered + this.#left, Math.max(total, 2 * this.#buffered, FIRST_CARRY)),
      );
      if (this.#buffered > 0) carry!.copy(larger, 0, 0, this.#buffered);
      this.#carry = larger;
    }
    bytes.copy(this.#carry!, this.#buffered, start, start + size);
    this.#buffered = total;
  }
}
