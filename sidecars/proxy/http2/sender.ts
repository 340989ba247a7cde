/**
 * The sending half of a connection: frames, and data under flow control (RFC 9113, section 5.2).
 * Data leaves as the windows and the transport allow; what they do not allow waits in its stream, and
 * streams that wait take turns, a frame each.
 */
import {
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEAD,
  GOAWAY,
  HEADERS,
  MAX_WINDOW,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './codes.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { LineWriter } from './lines.ts';
import type { MemoryBudget } from '#proxy/memory/budget.ts';
import { ByteQueue } from '#proxy/memory/byte-queue.ts';
import { Output, type OutputChunk } from './output.ts';
import { PeerSettings, SETTING_SIZE } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** Bytes that may be on their way to the peer before data waits in its stream. */
const OUTPUT_HIGH = 128 * 1024;
/** Data frames of at least this size always count as useful. */
const WORTHWHILE = 256;
/** Bytes of data in a frame that fills one record of TLS, and is read in one piece. */
const FILLS_RECORD = 16 * 1024 - FRAME_HEAD;
/** A stream's user goes on when no more bytes than this wait in it. */
const STREAM_LOW = 16 * 1024;
/** With more bytes than this in all streams of a connection, each user waits until its own are sent. */
const CONNECTION_HIGH = 1024 * 1024;

export class Sender<User> {
  readonly encoder = new HpackEncoder();
  readonly lines = new LineWriter(this.encoder);
  readonly output: Output;
  readonly peer = new PeerSettings();
  /** The connection's own window. */
  window = DEFAULT_WINDOW;
  /** Bytes that wait in streams. */
  queued = 0;
  /** Bytes of data that were sent so far. */
  sent = 0;
  /** Counts frames of data that were worth their head; what a peer with tiny windows asks for is not. */
  useful = 0;
  readonly #memory: MemoryBudget;
  readonly #onDrain: (stream: Http2Stream<User>) => void;
  readonly #onSent: (stream: Http2Stream<User>) => void;
  readonly #turns: Http2Stream<User>[] = [];
  #pumping = false;
  #inFlight = 0;

  /**
   * @param onDrain a stream whose user was asked to stop may go on
   * @param onSent a stream's last frame was written
   * @param onOutput there are bytes where there were none
   */
  constructor(
    memory: MemoryBudget,
    onDrain: (stream: Http2Stream<User>) => void,
    onSent: (stream: Http2Stream<User>) => void,
    onOutput: () => void,
  ) {
    this.output = new Output(onOutput);
    this.#memory = memory;
    this.#onDrain = onDrain;
    this.#onSent = onSent;
  }

  /** Bytes that were taken from the output and not sent yet. */
  get inFlight(): number {
    return this.#inFlight;
  }
  set inFlight(bytes: number) {
    this.#memory.charge(bytes - this.#inFlight);
    this.#inFlight = bytes;
  }

  // Frames.

  #frame(type: number, flags: number, id: number, length: number): OutputChunk {
    const chunk = this.output.reserve(FRAME_HEAD + length);
    const { bytes } = chunk;
    const at = chunk.end;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = id >>> 24;
    bytes[at + 6] = id >>> 16;
    bytes[at + 7] = id >>> 8;
    bytes[at + 8] = id;
    chunk.end = at + FRAME_HEAD;
    return chunk;
  }

  #number(chunk: OutputChunk, value: number): void {
    const { bytes, end } = chunk;
    bytes[end] = value >>> 24;
    bytes[end + 1] = value >>> 16;
    bytes[end + 2] = value >>> 8;
    bytes[end + 3] = value;
    chunk.end = end + 4;
  }

  bytes(bytes: Uint8Array): void {
    const chunk = this.output.reserve(bytes.length);
    chunk.bytes.set(bytes, chunk.end);
    chunk.end += bytes.length;
  }

  settings(settings: readonly (readonly [number, number])[]): void {
    const chunk = this.#frame(SETTINGS, 0, 0, settings.length * SETTING_SIZE);
    for (const [id, value] of settings) {
      chunk.bytes[chunk.end] = id >>> 8;
      chunk.bytes[chunk.end + 1] = id;
      chunk.end += 2;
      this.#number(chunk, value);
    }
  }

  settingsAck(): void {
    this.#frame(SETTINGS, FLAG_ACK, 0, 0);
  }

  pingAck(bytes: Buffer, start: number, end: number): void {
    const chunk = this.#frame(PING, FLAG_ACK, 0, end - start);
    for (let index = start; index < end; index++) chunk.bytes[chunk.end++] = bytes[index]!;
  }

  windowUpdate(id: number, increment: number): void {
    this.#number(this.#frame(WINDOW_UPDATE, 0, id, 4), increment);
  }

  resetStream(id: number, code: number): void {
    this.#number(this.#frame(RST_STREAM, 0, id, 4), code);
  }

  goaway(lastId: number, code: number): void {
    const chunk = this.#frame(GOAWAY, 0, 0, 8);
    this.#number(chunk, lastId);
    this.#number(chunk, code);
  }

  /** Write the encoder's block as a stream's head or trailers. */
  head(stream: Http2Stream<User>, end: boolean): void {
    const { encoder } = this;
    const { bytes } = encoder;
    const length = encoder.end;
    const most = this.peer.maxFrameSize;
    let at = Math.min(length, most);
    const flags = (end ? FLAG_END_STREAM : 0) | (at === length ? FLAG_END_HEADERS : 0);
    this.#part(stream, HEADERS, flags, bytes, 0, at);
    while (at < length) {
      const next = Math.min(length, at + most);
      const chunk = this.#frame(CONTINUATION, next === length ? FLAG_END_HEADERS : 0, stream.id, next - at);
      bytes.copy(chunk.bytes, chunk.end, at, next);
      chunk.end += next - at;
      at = next;
    }
    encoder.sent();
    if (end) this.#ended(stream);
  }

  /** A frame that can still become the stream's last one. */
  #part(stream: Http2Stream<User>, type: number, flags: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const chunk = this.#frame(type, flags, stream.id, length);
    stream.lastFrame = chunk.end - FRAME_HEAD + 4;
    stream.lastGeneration = this.output.generation;
    if (length > 64) bytes.copy(chunk.bytes, chunk.end, start, end);
    else for (let index = 0; index < length; index++) chunk.bytes[chunk.end + index] = bytes[start + index]!;
    chunk.end += length;
  }

  // Data.

  /** How many bytes of a stream's data may leave now. */
  #room(stream: Http2Stream<User>): number {
    return Math.min(stream.sendWindow, this.window, OUTPUT_HIGH - this.output.pending - this.inFlight);
  }

  /** Bytes of data in a frame. */
  get #most(): number {
    return Math.min(this.peer.maxFrameSize, FILLS_RECORD);
  }

  #data(stream: Http2Stream<User>, bytes: Buffer, start: number, end: number): void {
    this.#part(stream, DATA, 0, bytes, start, end);
    const size = end - start;
    if (size >= WORTHWHILE || end === bytes.length) this.useful++;
    stream.sendWindow -= size;
    this.window -= size;
    stream.sent += size;
    this.sent += size;
  }

  /**
   * Send data, or keep what cannot leave yet: a copy of it, unless the bytes stay as they are.
   * @returns false when the user should stop until `onDrain`
   */
  send(stream: Http2Stream<User>, bytes: Buffer, start: number, end: number, stays: boolean): boolean {
    let at = start;
    if (stream.queued === 0) {
      const most = this.#most;
      for (let room = this.#room(stream); at < end && room > 0; room = this.#room(stream)) {
        const next = Math.min(end, at + Math.min(room, most));
        this.#data(stream, bytes, at, next);
        at = next;
      }
      if (at === end) return true;
    }
    (stream.queue ??= new ByteQueue()).add(bytes, at, end, stays);
    this.#count(end - at);
    this.#takeTurns(stream);
    stream.paused = true;
    return false;
  }

  /** Nothing more comes after what was sent. @param trailers as lines; '' for none */
  end(stream: Http2Stream<User>, trailers: string): void {
    stream.ends = true;
    stream.trailers = trailers;
    if (stream.queued === 0) this.#end(stream);
  }

  #end(stream: Http2Stream<User>): void {
    if (stream.trailers !== '') {
      this.encoder.begin();
      this.lines.write(stream.trailers);
      stream.trailers = '';
      this.head(stream, true);
      return;
    }
    const { current } = this.output;
    // The stream's last frame may not have left yet: it becomes the end.
    if (current !== undefined && stream.lastGeneration === this.output.generation)
      current.bytes[stream.lastFrame]! |= FLAG_END_STREAM;
    else this.#frame(DATA, FLAG_END_STREAM, stream.id, 0);
    this.#ended(stream);
  }

  #ended(stream: Http2Stream<User>): void {
    stream.localEnded = true;
    this.#onSent(stream);
  }

  #count(size: number): void {
    this.queued += size;
    this.#memory.charge(size);
  }

  #takeTurns(stream: Http2Stream<User>): void {
    if (stream.inTurn || stream.sendWindow <= 0) return;
    stream.inTurn = true;
    this.#turns.push(stream);
  }

  /** Send what may be sent now. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#turns.length > 0) {
      const stream = this.#turns[0]!;
      if (stream.queued > 0 && stream.sendWindow > 0) {
        const room = this.#room(stream);
        if (room <= 0) break;
        this.#turns.shift();
        stream.inTurn = false;
        this.#sendQueued(stream, room);
        if (stream.queued > 0) this.#takeTurns(stream);
      } else {
        this.#turns.shift();
        stream.inTurn = false;
      }
    }
    this.#pumping = false;
  }

  /** One frame of what waits in a stream. */
  #sendQueued(stream: Http2Stream<User>, room: number): void {
    const { front } = stream.queue!;
    const size = Math.min(front.length, room, this.#most);
    this.#data(stream, front, 0, size);
    this.#count(-size);
    stream.queue!.drop(size);
    if (stream.queued === 0 && stream.ends) this.#end(stream);
    else if (stream.paused && stream.queued <= (this.queued > CONNECTION_HIGH || this.#memory.full ? 0 : STREAM_LOW)) {
      stream.paused = false;
      this.#onDrain(stream);
    }
  }

  /** Forget what waits in a stream. */
  drop(stream: Http2Stream<User>): void {
    this.#count(-stream.queued);
    stream.queue = undefined;
  }

  /** The peer allows more on the connection. @returns false when that is more than there can be */
  grow(increment: number): boolean {
    this.window += increment;
    return this.window <= MAX_WINDOW;
  }

  /** The peer changed a stream's window. @returns false when it becomes larger than it can be */
  growStream(stream: Http2Stream<User>, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) return false;
    if (stream.queued > 0) this.#takeTurns(stream);
    return true;
  }
}
