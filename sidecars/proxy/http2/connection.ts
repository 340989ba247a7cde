/**
 * One HTTP/2 connection (RFC 9113), either side of it. Bytes come in by `receive` and leave by
 * `take`; nothing here knows of sockets or timers.
 */
import { ENDED, RESET_HERE } from './closed-streams.ts';
import {
  CANCEL,
  DEFAULT_WINDOW,
  ENHANCE_YOUR_CALM,
  MAX_STREAM_ID,
  NO_ERROR,
  PREFACE,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from './codes.ts';
import type { Core } from './core.ts';
import { MAX_FIELDS } from './field-block.ts';
import type { Http2Handler, Http2Options } from './handler.ts';
import type { HpackEncoder } from './hpack-encoder.ts';
import type { LineWriter } from './lines.ts';
import { DATA_CREDIT, FloodLimits } from './flood-limits.ts';
import type { OutputChunk } from './output.ts';
import { Receiver } from './receiver.ts';
import { Sender } from './sender.ts';
import type { Http2Stream } from './stream.ts';
import { Streams } from './streams.ts';

/** What counts as an entry's overhead in SETTINGS_MAX_HEADER_LIST_SIZE and not as a line's here. */
const LIST_OVERHEAD = 28;
/** Streams that a client begins before it has the server's settings. */
const FIRST_STREAMS = 100;
/** How long a peer may go on with a body that nobody wants, in milliseconds. */
const DISCARD_TIME = 2000;

export class Http2Connection<User> implements Core<User> {
  readonly handler: Http2Handler<User>;
  readonly options: Http2Options;
  readonly server: boolean;
  readonly sender: Sender<User>;
  readonly streams: Streams<User>;
  readonly limits: FloodLimits;
  readonly #receiver: Receiver<User>;
  /** The transport is gone. */
  #closed = false;
  /** Bytes that were sent when a sweep looked last. */
  #sweptSent = 0;

  /** @param role whether this side is the server or the client */
  constructor(role: 'server' | 'client', handler: Http2Handler<User>, options: Http2Options) {
    this.handler = handler;
    this.options = options;
    this.server = role === 'server';
    this.limits = new FloodLimits(options.trusted);
    this.sender = new Sender<User>(
      options.memory,
      (stream) => handler.onDrain(stream),
      (stream) => this.#afterSent(stream),
      () => handler.onOutput(),
    );
    this.streams = new Streams(this.server, options, this.sender);
    this.#receiver = new Receiver(this);
    this.#open();
  }

  #open(): void {
    const { maxHeadSize, maxStreams, streamWindow, connectionWindow } = this.options;
    if (!this.server) this.sender.bytes(PREFACE);
    this.sender.settings([
      [SETTINGS_INITIAL_WINDOW_SIZE, streamWindow[0]],
      [SETTINGS_MAX_HEADER_LIST_SIZE, maxHeadSize + MAX_FIELDS * LIST_OVERHEAD],
      ...(this.server
        ? ([
            [SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams],
            [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
          ] as const)
        : ([[SETTINGS_ENABLE_PUSH, 0]] as const)),
    ]);
    const increment = connectionWindow[0] - DEFAULT_WINDOW;
    if (increment <= 0) return;
    this.sender.windowUpdate(0, increment);
    this.streams.receiveWindow = this.streams.receiveLimit = connectionWindow[0];
  }

  // What the user asks.

  /** Open streams. */
  get size(): number {
    return this.streams.size;
  }
  /** The connection is over. */
  get over(): boolean {
    return this.streams.over;
  }
  /** The peer has introduced itself. */
  get settled(): boolean {
    return this.#receiver.settled;
  }
  /** A head, or any frame other than one of data, has begun and is not complete. */
  get midHead(): boolean {
    return this.#receiver.midHead;
  }
  /** Bytes in memory for this connection: data for the peer, and data of the peer that was not consumed. */
  get buffered(): number {
    return this.sender.queued + this.sender.output.pending + this.sender.inFlight + this.streams.held;
  }
  /** Bytes that wait to be taken. */
  get pending(): number {
    return this.sender.output.pending;
  }
  /** Streams that a client may still begin now. */
  get available(): number {
    if (this.over || this.#receiver.peerLeaves || this.streams.nextId > MAX_STREAM_ID) return 0;
    // Before the server has said how many it takes, as many as it should take (section 6.5.2).
    const most = this.#receiver.settled ? this.sender.peer.maxConcurrentStreams : FIRST_STREAMS;
    return Math.max(0, most - this.streams.size);
  }
  /** The server takes extended CONNECT (RFC 8441). */
  get takesExtendedConnect(): boolean {
    return this.sender.peer.enableConnectProtocol;
  }
  /** For heads: `begin`, the fields, then `sendHead` or `request` before anything else. */
  get encoder(): HpackEncoder {
    return this.sender.encoder;
  }
  /** Writes lines of HTTP/1 into the encoder's block. */
  get lines(): LineWriter {
    return this.sender.lines;
  }

  /**
   * Read what the peer sent.
   * @param most frames that may begin
   * @returns the first byte that was not read: `end`, or where one frame more would begin
   */
  receive(bytes: Buffer, start: number, end: number, most = Infinity): number {
    return this.over ? end : this.#receiver.read(bytes, start, end, most);
  }

  /** Frames of the peer that have begun so far. */
  get framesReceived(): number {
    return this.#receiver.frames;
  }

  /** The next bytes to send, the caller's to `recycle`. */
  take(): OutputChunk | undefined {
    return this.sender.output.take();
  }

  /** Say how many bytes were taken and have not left; data goes on when they have. */
  transportHolds(bytes: number): void {
    // A socket that was destroyed goes on to name what it never sent.
    if (this.#closed) return;
    this.sender.inFlight = bytes;
    if (!this.over) this.sender.pump();
  }

  /** Bytes of bodies that were sent so far. */
  get sent(): number {
    return this.sender.sent;
  }

  /** Begin a stream with the encoder's block as its head. Only while `available`. @param end there is no body */
  request(user: User | undefined, end: boolean): Http2Stream<User> {
    const stream = this.streams.add(this.streams.nextId, user);
    this.streams.nextId += 2;
    this.sender.head(stream, end);
    return stream;
  }

  /** Send the encoder's block as a response's head, or as an interim one. @param end there is no body */
  sendHead(stream: Http2Stream<User>, end: boolean): void {
    if (!stream.closed && !stream.localEnded) this.sender.head(stream, end);
  }

  /**
   * Send a part of the body; what cannot leave yet is copied.
   * @param stays the bytes belong to nobody else, and stay as they are: large ones are not copied to wait
   * @returns false when no more should be sent until `onDrain`
   */
  sendData(stream: Http2Stream<User>, bytes: Buffer, start: number, end: number, stays = false): boolean {
    if (stream.closed || stream.localEnded || stream.ends || start === end) return true;
    return this.sender.send(stream, bytes, start, end, stays);
  }

  /** The body is complete. @param trailers lines, each with CRLF; '' for none */
  sendEnd(stream: Http2Stream<User>, trailers = ''): void {
    if (!stream.closed && !stream.ends && !stream.localEnded) this.sender.end(stream, trailers);
  }

  /** End a stream now. The user hears nothing more of it. */
  reset(stream: Http2Stream<User>, code: number): void {
    if (stream.closed) return;
    this.sender.resetStream(stream.id, code);
    this.streams.close(stream, RESET_HERE);
  }

  /** What `onData` kept is consumed. */
  release(stream: Http2Stream<User>): void {
    this.streams.release(stream);
  }

  /**
   * The rest of the peer's body is discarded; after this side's end the stream is reset with NO_ERROR.
   * @param patient the peer has a while to stop by itself: clients take a reset that comes with an answer for a failure
   */
  discard(stream: Http2Stream<User>, patient = false): void {
    stream.discards = true;
    stream.resetsAfterEnd = !patient;
    this.release(stream);
    if (!patient && stream.localEnded && !stream.closed) this.reset(stream, NO_ERROR);
  }

  /** Begin nothing new, nothing begun is lost (RFC 9113, section 6.8); `finish` should follow. */
  announceEnd(): void {
    if (!this.over) this.sender.goaway(MAX_STREAM_ID, NO_ERROR);
  }

  /** Serve what was begun, and nothing after it. */
  finish(code = NO_ERROR): void {
    if (this.over || this.streams.lastServed !== MAX_STREAM_ID) return;
    this.streams.lastServed = this.streams.lastPeerId;
    this.sender.goaway(this.streams.lastPeerId, code);
  }

  /** End with an error. */
  fail(code: number, reason: string): false {
    if (this.over) return false;
    this.sender.goaway(this.streams.lastPeerId, code);
    this.#end(code);
    this.handler.onError(code, reason);
    return false;
  }

  /** The transport is gone. */
  close(): void {
    if (!this.over) this.#end(CANCEL);
    this.sender.output.clear();
    this.sender.inFlight = 0;
    this.#closed = true;
  }

  #end(code: number): void {
    this.streams.over = true;
    this.#receiver.stop();
    for (const stream of this.streams) {
      this.streams.close(stream, RESET_HERE);
      this.handler.onReset(stream, code, false);
    }
  }

  /**
   * End streams of which the peer has taken nothing for so long. One that only waits for its turn,
   * while others move, is not meant.
   */
  sweep(now: number, patience: number): void {
    const moves = this.sender.sent !== this.#sweptSent;
    this.#sweptSent = this.sender.sent;
    for (const stream of this.streams) {
      if (stream.discards && stream.localEnded) {
        if (stream.sweptAt === 0) stream.sweptAt = now;
        else if (now - stream.sweptAt >= DISCARD_TIME) this.reset(stream, NO_ERROR);
        continue;
      }
      if (!stream.waits || stream.sent !== stream.sweptSent || (moves && stream.sendWindow > 0)) {
        stream.sweptSent = stream.waits ? stream.sent : -1;
        stream.sweptAt = now;
      } else if (now - stream.sweptAt >= patience) {
        this.reset(stream, CANCEL);
        this.handler.onReset(stream, CANCEL, false);
      }
    }
  }

  #afterSent(stream: Http2Stream<User>): void {
    if (stream.remoteEnded) this.streams.close(stream, ENDED);
    else if (stream.resetsAfterEnd) this.reset(stream, NO_ERROR);
    // From here on the peer's time counts.
    else stream.sweptAt = 0;
  }

  streamError(id: number, code: number): boolean {
    if (!this.limits.resets.take(1, this.options.now)) return this.fail(ENHANCE_YOUR_CALM, 'resets');
    this.sender.resetStream(id, code);
    const stream = this.streams.get(id);
    if (stream === undefined) this.streams.refuse(id);
    else {
      this.streams.close(stream, RESET_HERE);
      this.handler.onReset(stream, code, false);
    }
    return !this.over;
  }

  spend(cost: number): boolean {
    const { overhead } = this.limits;
    overhead.give(this.sender.useful * DATA_CREDIT);
    this.sender.useful = 0;
    return overhead.take(cost, this.options.now) || this.fail(ENHANCE_YOUR_CALM, 'overhead');
  }
}
