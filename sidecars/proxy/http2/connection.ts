/**
 * One HTTP/2 connection (RFC 9113), either side of it. Bytes come in by `receive` and leave by
 * `output`; nothing here knows of sockets or timers.
 */
import {
  CANCEL,
  COMPRESSION_ERROR,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW,
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  MAX_STREAM_ID,
  NO_ERROR,
  PING,
  PREFACE,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_HEADER_LIST_SIZE,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './codes.ts';
import { ENDED, RESET_BY_PEER, RESET_HERE, UNKNOWN, ClosedStreams } from './closed-streams.ts';
import { FieldBlock, MAX_FIELDS } from './field-block.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import type { Http2Handler, Http2Options } from './handler.ts';
import { isRequest, isResponse, isTrailers } from './head-rules.ts';
import { HeadBuffer } from './head-buffer.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import type { HpackEncoder } from './hpack-encoder.ts';
import type { OutputChunk } from './output.ts';
import { RateLimit } from './rate-limit.ts';
import { consume } from './receive-window.ts';
import { Sender } from './sender.ts';
import { SETTING_SIZE } from './settings.ts';
import { Http2Stream } from './stream.ts';

/** A coded head may be longer than the head: by so many bytes. */
const BLOCK_EXTRA = 16 * 1024;
/** Streams that the peer resets, or makes us reset (CVE-2023-44487, CVE-2025-8671): at once, and a second. */
const RESETS = [200, 20] as const;
/** Frames that carry nothing: at once, and a second. */
const OVERHEAD = [2000, 300] as const;
/** What each frame of SETTINGS costs of it: every stream's window may change. */
const SETTINGS_COST = 10;
/** What a request, and a frame of data, are worth. */
const REQUEST_WORTH = 4;
const DATA_WORTH = 2;
/** What counts as an entry's overhead in SETTINGS_MAX_HEADER_LIST_SIZE and not as a line's here. */
const LIST_OVERHEAD = 28;

/** Streams that a client begins before it has the server's settings. */
const FIRST_STREAMS = 100;

// One block is decoded at a time, whoever's it is.
const blocks = new Map<number, FieldBlock>();

function sharedBlock(maxHeadSize: number): FieldBlock {
  let block = blocks.get(maxHeadSize);
  if (block === undefined) blocks.set(maxHeadSize, (block = new FieldBlock(maxHeadSize, maxHeadSize + BLOCK_EXTRA)));
  return block;
}

export class Http2Connection<User> implements FrameSink {
  readonly #handler: Http2Handler<User>;
  readonly #options: Http2Options;
  readonly #server: boolean;
  readonly #reader: FrameReader;
  readonly #sender: Sender<User>;
  readonly #decoder = new HpackDecoder();
  readonly #block: FieldBlock;
  readonly #streams = new Map<number, Http2Stream<User>>();
  readonly #closed = new ClosedStreams();
  readonly #resets = new RateLimit(...RESETS);
  readonly #overhead = new RateLimit(...OVERHEAD);
  /** The highest stream that the peer has begun, and the next that this side begins. */
  #lastPeerId = 0;
  #nextId = 1;
  #settled = false;
  /** It has failed, or its transport is gone. */
  #over = false;
  /** The last stream that the final GOAWAY promised to serve; streams after it are ignored. */
  #lastServed = MAX_STREAM_ID;
  #peerLeaves = false;

  // Receiving.
  receiveWindow = DEFAULT_WINDOW;
  receiveLimit = DEFAULT_WINDOW;
  credit = 0;
  #held = 0;
  /** The stream of the current DATA frame; undefined when nobody wants its data. */
  #dataStream: Http2Stream<User> | undefined;
  #dataEnds = false;
  /** Bytes of the current DATA frame that were not data yet. */
  #dataLeft = 0;
  /** The head that CONTINUATION frames go on with. */
  #head: HeadBuffer | undefined;

  /** @param role whether this side is the server or the client */
  constructor(role: 'server' | 'client', handler: Http2Handler<User>, options: Http2Options) {
    this.#handler = handler;
    this.#options = options;
    this.#server = role === 'server';
    this.#reader = new FrameReader(this, this.#server);
    this.#block = sharedBlock(options.maxHeadSize);
    this.#sender = new Sender<User>(
      options.memory,
      (stream) => handler.onDrain(stream),
      (stream) => this.#afterSent(stream),
      () => handler.onOutput(),
    );
    this.#open();
  }

  #open(): void {
    const { maxHeadSize, maxStreams, streamWindow, connectionWindow } = this.#options;
    if (!this.#server) this.#sender.bytes(PREFACE);
    this.#sender.settings([
      [SETTINGS_INITIAL_WINDOW_SIZE, streamWindow[0]],
      [SETTINGS_MAX_HEADER_LIST_SIZE, maxHeadSize + MAX_FIELDS * LIST_OVERHEAD],
      ...(this.#server
        ? ([
            [SETTINGS_MAX_CONCURRENT_STREAMS, maxStreams],
            [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
          ] as const)
        : ([[SETTINGS_ENABLE_PUSH, 0]] as const)),
    ]);
    const increment = connectionWindow[0] - DEFAULT_WINDOW;
    if (increment <= 0) return;
    this.#sender.windowUpdate(0, increment);
    this.receiveWindow = this.receiveLimit = connectionWindow[0];
  }

  // What the user asks.

  /** Open streams. */
  get size(): number {
    return this.#streams.size;
  }
  /** All open streams. */
  streams(): Iterable<Http2Stream<User>> {
    return this.#streams.values();
  }
  /** The connection is over. */
  get over(): boolean {
    return this.#over;
  }
  /** The peer has introduced itself. */
  get settled(): boolean {
    return this.#settled;
  }
  /** A head, or any frame other than one of data, has begun and is not complete. */
  get midHead(): boolean {
    return this.#reader.midFrame || this.#head !== undefined;
  }
  /** Bytes in memory for this connection: data for the peer, and data of the peer that was not consumed. */
  get buffered(): number {
    return this.#sender.queued + this.#sender.output.pending + this.#sender.inFlight + this.#held;
  }
  /** Bytes that wait to be taken. */
  get pending(): number {
    return this.#sender.output.pending;
  }
  /** Streams that a client may still begin now. */
  get available(): number {
    if (this.#over || this.#peerLeaves || this.#nextId > MAX_STREAM_ID) return 0;
    // Before the server has said how many it takes, as many as it should take (section 6.5.2).
    const most = this.#settled ? this.#sender.peer.maxConcurrentStreams : FIRST_STREAMS;
    return Math.max(0, most - this.#streams.size);
  }
  /** The server takes extended CONNECT (RFC 8441). */
  get takesExtendedConnect(): boolean {
    return this.#sender.peer.enableConnectProtocol;
  }
  /** For heads: `begin`, the fields, then `sendHead` or `request` before anything else. */
  get encoder(): HpackEncoder {
    return this.#sender.encoder;
  }

  /** Read what the peer sent. */
  receive(bytes: Buffer, start: number, end: number): void {
    if (!this.#over) this.#reader.read(bytes, start, end);
  }

  /** The next bytes to send, the caller's to `recycle`. */
  take(): OutputChunk | undefined {
    return this.#sender.output.take();
  }

  /** Say how many bytes were taken and have not left; data goes on when they have. */
  transportHolds(bytes: number): void {
    this.#sender.inFlight = bytes;
    if (!this.#over) this.#sender.pump();
  }

  /** Bytes of bodies that were sent so far. */
  get sent(): number {
    return this.#sender.sent;
  }

  /** Begin a stream with the encoder's block as its head. Only while `available`. @param end there is no body */
  request(user: User, end: boolean): Http2Stream<User> {
    const stream = new Http2Stream<User>(
      this.#nextId,
      this.#options.streamWindow[0],
      this.#sender.peer.initialWindowSize,
      user,
    );
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#sender.head(stream, end);
    return stream;
  }

  /** Send the encoder's block as a response's head, or as an interim one. @param end there is no body */
  sendHead(stream: Http2Stream<User>, end: boolean): void {
    if (!stream.closed && !stream.localEnded) this.#sender.head(stream, end);
  }

  /**
   * Send a part of the body; what cannot leave yet is copied.
   * @returns false when no more should be sent until `onDrain`
   */
  sendData(stream: Http2Stream<User>, bytes: Buffer, start: number, end: number): boolean {
    if (stream.closed || stream.localEnded || stream.ends || start === end) return true;
    return this.#sender.send(stream, bytes, start, end);
  }

  /** The body is complete. @param trailers lines, each with CRLF; '' for none */
  sendEnd(stream: Http2Stream<User>, trailers = ''): void {
    if (!stream.closed && !stream.ends && !stream.localEnded) this.#sender.end(stream, trailers);
  }

  /** End a stream now. The user hears nothing more of it. */
  reset(stream: Http2Stream<User>, code: number): void {
    if (stream.closed) return;
    this.#sender.resetStream(stream.id, code);
    this.#close(stream, RESET_HERE);
  }

  /** What `onData` kept is consumed. */
  release(stream: Http2Stream<User>): void {
    const { held } = stream;
    if (held === 0) return;
    this.#unhold(stream);
    if (!this.#over) this.#consumed(stream, held);
  }

  /** What comes of the peer's body from here on is thrown away; it may be ended by `sendEnd` with NO_ERROR. */
  discard(stream: Http2Stream<User>): void {
    stream.discards = stream.resetsAfterEnd = true;
    this.release(stream);
    if (stream.localEnded && !stream.closed) this.reset(stream, NO_ERROR);
  }

  /** Begin nothing new, nothing begun is lost (RFC 9113, section 6.8); `finish` should follow. */
  announceEnd(): void {
    if (!this.#over) this.#sender.goaway(MAX_STREAM_ID, NO_ERROR);
  }

  /** Serve what was begun, and nothing after it. */
  finish(code = NO_ERROR): void {
    if (this.#over || this.#lastServed !== MAX_STREAM_ID) return;
    this.#lastServed = this.#lastPeerId;
    this.#sender.goaway(this.#lastPeerId, code);
  }

  /** End with an error. */
  fail(code: number, reason: string): void {
    if (this.#over) return;
    this.#sender.goaway(this.#lastPeerId, code);
    this.#end(code);
    this.#handler.onError(code, reason);
  }

  /** The transport is gone. */
  close(): void {
    if (!this.#over) this.#end(CANCEL);
    this.#sender.output.clear();
    this.#sender.inFlight = 0;
  }

  #end(code: number): void {
    this.#over = true;
    this.#reader.stop();
    this.#head = undefined;
    for (const stream of this.#streams.values()) {
      this.#close(stream, RESET_HERE);
      this.#handler.onReset(stream, code, false);
    }
  }

  /** End streams that have sent nothing for so long although they could, if the peer let them. */
  sweep(now: number, patience: number): void {
    for (const stream of this.#streams.values()) {
      if (!stream.waits || stream.sent !== stream.sweptSent) {
        stream.sweptSent = stream.waits ? stream.sent : -1;
        stream.sweptAt = now;
      } else if (now - stream.sweptAt >= patience) {
        this.reset(stream, CANCEL);
        this.#handler.onReset(stream, CANCEL, false);
      }
    }
  }

  // Streams.

  #close(stream: Http2Stream<User>, how: number): void {
    if (stream.closed) return;
    stream.closed = true;
    this.#streams.delete(stream.id);
    this.#closed.add(stream.id, how);
    this.#sender.drop(stream);
    const { held } = stream;
    if (held === 0) return;
    this.#unhold(stream);
    if (!this.#over) this.#consumed(undefined, held);
  }

  #afterSent(stream: Http2Stream<User>): void {
    if (stream.remoteEnded) this.#close(stream, ENDED);
    else if (stream.resetsAfterEnd) this.reset(stream, NO_ERROR);
  }

  #remoteEnd(stream: Http2Stream<User>): void {
    stream.remoteEnded = true;
    if (stream.localEnded) this.#close(stream, ENDED);
  }

  /** The peer broke a rule of one stream. */
  #streamError(id: number, code: number): boolean {
    if (!this.#resets.take(1, this.#options.now)) return this.#fail(ENHANCE_YOUR_CALM, 'resets');
    this.#sender.resetStream(id, code);
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#closed.add(id, RESET_HERE);
    else {
      this.#close(stream, RESET_HERE);
      this.#handler.onReset(stream, code, false);
    }
    return !this.#over;
  }

  #fail(code: number, reason: string): false {
    this.fail(code, reason);
    return false;
  }

  /** The peer's and this side's streams differ by their lowest bit. */
  #isIdle(id: number): boolean {
    const peers = (id & 1) === (this.#server ? 1 : 0);
    return peers ? id > this.#lastPeerId : id >= this.#nextId;
  }

  #spend(cost: number): boolean {
    if (this.#sender.useful > 0) {
      this.#overhead.give(this.#sender.useful * DATA_WORTH);
      this.#sender.useful = 0;
    }
    return this.#overhead.take(cost, this.#options.now) || this.#fail(ENHANCE_YOUR_CALM, 'overhead');
  }

  // Frames.

  onFrameError(code: number, reason: string): void {
    this.fail(code, reason);
  }

  onFrameHead(type: number, flags: number, id: number, length: number): boolean {
    if (!this.#settled && (type !== SETTINGS || (flags & FLAG_ACK) !== 0)) return this.#fail(PROTOCOL_ERROR, 'preface');
    if (this.#head !== undefined && (type !== CONTINUATION || id !== this.#head.id))
      return this.#fail(PROTOCOL_ERROR, 'continuation');
    switch (type) {
      case DATA:
        return this.#onDataHead(flags, id, length);
      case HEADERS:
        return true;
      case SETTINGS:
        return this.#spend(SETTINGS_COST);
      default:
        return this.#spend(1);
    }
  }

  #onDataHead(flags: number, id: number, length: number): boolean {
    this.#dataStream = undefined;
    this.#dataLeft = length;
    this.#dataEnds = (flags & FLAG_END_STREAM) !== 0;
    if (length === 0 && !this.#dataEnds && !this.#spend(2)) return false;
    if (id === 0 || this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, 'data_on_idle');
    if (length > this.receiveWindow) return this.#fail(FLOW_CONTROL_ERROR, 'connection_window');
    this.receiveWindow -= length;
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      if (stream === undefined && this.#closed.how(id) === RESET_HERE) return true;
      return this.#streamError(id, STREAM_CLOSED);
    }
    if (!stream.remoteHead) return this.#streamError(id, PROTOCOL_ERROR);
    if (length > stream.receiveWindow) return this.#streamError(id, FLOW_CONTROL_ERROR);
    stream.receiveWindow -= length;
    this.#dataStream = stream;
    return true;
  }

  onDataBytes(bytes: Buffer, start: number, end: number): boolean {
    const stream = this.#dataStream;
    const size = end - start;
    if (stream === undefined || stream.closed || stream.discards) return true;
    if (stream.expected >= 0) {
      stream.expected -= size;
      if (stream.expected < 0) return this.#streamError(stream.id, PROTOCOL_ERROR);
    }
    this.#dataLeft -= size;
    if (this.#handler.onData(stream, bytes, start, end)) this.#consumed(stream, size);
    else if (stream.closed) this.#consumed(undefined, size);
    else {
      stream.held += size;
      this.#held += size;
      this.#options.memory.used += size;
    }
    return !this.#over;
  }

  onDataEnd(): boolean {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    // Padding, and what nobody wanted.
    if (this.#dataLeft > 0) this.#consumed(stream, this.#dataLeft);
    if (stream === undefined || stream.closed || !this.#dataEnds) return !this.#over;
    return this.#peerEnds(stream);
  }

  #peerEnds(stream: Http2Stream<User>): boolean {
    if (stream.expected > 0 && !stream.discards) return this.#streamError(stream.id, PROTOCOL_ERROR);
    this.#remoteEnd(stream);
    if (!stream.discards) this.#handler.onEnd(stream);
    return !this.#over;
  }

  #unhold(stream: Http2Stream<User>): void {
    this.#held -= stream.held;
    this.#options.memory.used -= stream.held;
    stream.held = 0;
  }

  /** Bytes of a stream, or of one that is closed, are consumed. */
  #consumed(stream: Http2Stream<User> | undefined, size: number): void {
    const { memory, connectionWindow, streamWindow } = this.#options;
    const increment = consume(this, size, connectionWindow[1], memory);
    if (increment > 0) this.#sender.windowUpdate(0, increment);
    if (stream === undefined || stream.closed || stream.remoteEnded) return;
    const more = consume(stream, size, streamWindow[1], memory);
    if (more > 0) this.#sender.windowUpdate(stream.id, more);
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    switch (type) {
      case HEADERS:
        return this.#onHeaders(flags, id, bytes, start, end);
      case CONTINUATION:
        return this.#onContinuation(flags, bytes, start, end);
      case WINDOW_UPDATE:
        return this.#onWindowUpdate(id, bytes, start, end);
      case SETTINGS:
        return this.#onSettings(flags, id, bytes, start, end);
      case PING:
        if (id !== 0) return this.#fail(PROTOCOL_ERROR, 'ping');
        if (end - start !== 8) return this.#fail(FRAME_SIZE_ERROR, 'ping');
        if ((flags & FLAG_ACK) === 0) this.#sender.pingAck(bytes, start, end);
        return true;
      case RST_STREAM:
        return this.#onReset(id, bytes, start, end);
      case PRIORITY:
        if (id === 0) return this.#fail(PROTOCOL_ERROR, 'priority');
        if (end - start !== 5) return this.#streamError(id, FRAME_SIZE_ERROR);
        if (dependsOn(bytes, start) === id) return this.#streamError(id, PROTOCOL_ERROR);
        return true;
      case GOAWAY:
        return this.#onGoaway(id, bytes, start, end);
      case PUSH_PROMISE:
        return this.#fail(PROTOCOL_ERROR, 'push');
      default:
        return true;
    }
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id === 0 || (id & 1) === 0) return this.#fail(PROTOCOL_ERROR, 'stream_id');
    let from = start;
    let to = end;
    if ((flags & FLAG_PADDED) !== 0) {
      if (from === to) return this.#fail(FRAME_SIZE_ERROR, 'padding');
      to -= bytes[from++]!;
    }
    const prioritized = (flags & FLAG_PRIORITY) !== 0;
    if (prioritized) from += 5;
    if (from > to) return this.#fail(prioritized && from > end ? FRAME_SIZE_ERROR : PROTOCOL_ERROR, 'padding');
    const dependsOnItself = prioritized && dependsOn(bytes, from - 5) === id;
    const ends = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) return this.#onBlock(id, ends, dependsOnItself, bytes, from, to);
    this.#head = new HeadBuffer(id, ends, dependsOnItself, this.#options.maxHeadSize + BLOCK_EXTRA);
    return this.#head.add(bytes, from, to) || this.#fail(ENHANCE_YOUR_CALM, 'head_size');
  }

  #onContinuation(flags: number, bytes: Buffer, start: number, end: number): boolean {
    const head = this.#head;
    if (head === undefined) return this.#fail(PROTOCOL_ERROR, 'continuation');
    if (!head.add(bytes, start, end)) return this.#fail(ENHANCE_YOUR_CALM, 'head_size');
    if ((flags & FLAG_END_HEADERS) === 0) return true;
    this.#head = undefined;
    return this.#onBlock(head.id, head.ends, head.dependsOnItself, head.bytes, 0, head.size);
  }

  #onBlock(id: number, ends: boolean, dependsOnItself: boolean, bytes: Buffer, start: number, end: number): boolean {
    const block = this.#block;
    if (!this.#decoder.decode(block, bytes, start, end)) return this.#fail(COMPRESSION_ERROR, 'hpack');
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if (stream.remoteEnded) return this.#streamError(id, STREAM_CLOSED);
      if (dependsOnItself) return this.#streamError(id, PROTOCOL_ERROR);
      return stream.remoteHead ? this.#onTrailers(stream, ends) : this.#onResponse(stream, ends);
    }
    if (!this.#server || id <= this.#lastPeerId) {
      if (this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, 'head_on_idle');
      switch (this.#closed.how(id)) {
        case RESET_HERE:
          return this.#spend(1);
        case UNKNOWN:
          return this.#fail(PROTOCOL_ERROR, 'stream_id');
        default:
          return this.#fail(STREAM_CLOSED, 'head_on_closed');
      }
    }
    this.#lastPeerId = id;
    if (id > this.#lastServed) {
      this.#closed.add(id, RESET_HERE);
      return true;
    }
    if (dependsOnItself) return this.#streamError(id, PROTOCOL_ERROR);
    if (this.#streams.size >= this.#options.maxStreams) return this.#streamError(id, REFUSED_STREAM);
    if (!block.tooLarge && (!isRequest(block, true) || (ends && block.contentLength > 0)))
      return this.#streamError(id, PROTOCOL_ERROR);
    this.#overhead.give(REQUEST_WORTH);
    this.#onRequest(id, ends);
    return !this.#over;
  }

  #onRequest(id: number, ends: boolean): void {
    const block = this.#block;
    const stream = new Http2Stream<User>(id, this.#options.streamWindow[0], this.#sender.peer.initialWindowSize);
    stream.remoteHead = true;
    stream.remoteEnded = ends;
    stream.expected = block.contentLength;
    this.#streams.set(id, stream);
    this.#handler.onHead(stream, block, ends);
  }

  #onResponse(stream: Http2Stream<User>, ends: boolean): boolean {
    const block = this.#block;
    const { status } = block;
    if (block.tooLarge || !isResponse(block) || status === 101) return this.#streamError(stream.id, PROTOCOL_ERROR);
    if (status < 200) {
      if (ends) return this.#streamError(stream.id, PROTOCOL_ERROR);
      if (!this.#spend(1)) return false;
      this.#handler.onHead(stream, block, false);
      return !this.#over;
    }
    stream.remoteHead = true;
    if (!stream.bodiless && status !== 304 && status !== 204) {
      stream.expected = block.contentLength;
      if (ends && stream.expected > 0) return this.#streamError(stream.id, PROTOCOL_ERROR);
    }
    if (ends) stream.remoteEnded = true;
    this.#handler.onHead(stream, block, ends);
    if (ends) this.#remoteEnd(stream);
    return !this.#over;
  }

  #onTrailers(stream: Http2Stream<User>, ends: boolean): boolean {
    const block = this.#block;
    if (!ends || !isTrailers(block)) return this.#streamError(stream.id, PROTOCOL_ERROR);
    if (block.tooLarge) return this.#streamError(stream.id, ENHANCE_YOUR_CALM);
    if (!stream.discards) this.#handler.onTrailers(stream, block);
    return stream.closed ? !this.#over : this.#peerEnds(stream);
  }

  #onReset(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id === 0 || this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, 'reset_on_idle');
    if (end - start !== 4) return this.#fail(FRAME_SIZE_ERROR, 'rst_stream');
    const stream = this.#streams.get(id);
    if (stream === undefined) return true;
    if (this.#server && !this.#resets.take(1, this.#options.now)) return this.#fail(ENHANCE_YOUR_CALM, 'resets');
    this.#close(stream, RESET_BY_PEER);
    this.#handler.onReset(stream, bytes.readUInt32BE(start), true);
    return !this.#over;
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== 4) return this.#fail(FRAME_SIZE_ERROR, 'window_update');
    const increment = bytes.readUInt32BE(start) & 0x7fffffff;
    if (id === 0) {
      if (increment === 0) return this.#fail(PROTOCOL_ERROR, 'window_update');
      if (!this.#sender.grow(increment)) return this.#fail(FLOW_CONTROL_ERROR, 'window_update');
    } else {
      if (this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, 'window_update_on_idle');
      const stream = this.#streams.get(id);
      if (increment === 0) return stream === undefined || this.#streamError(id, PROTOCOL_ERROR);
      if (stream === undefined) return true;
      if (!this.#sender.growStream(stream, increment)) return this.#streamError(id, FLOW_CONTROL_ERROR);
    }
    this.#sender.pump();
    return !this.#over;
  }

  #onSettings(flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id !== 0) return this.#fail(PROTOCOL_ERROR, 'settings');
    if ((flags & FLAG_ACK) !== 0) return start === end || this.#fail(FRAME_SIZE_ERROR, 'settings');
    if ((end - start) % SETTING_SIZE !== 0) return this.#fail(FRAME_SIZE_ERROR, 'settings');
    const { peer, encoder } = this.#sender;
    const before = peer.initialWindowSize;
    for (let at = start; at < end; at += SETTING_SIZE) {
      const setting = bytes.readUInt16BE(at);
      const code = peer.take(setting, bytes.readUInt32BE(at + 2), !this.#server);
      if (code !== NO_ERROR) return this.#fail(code, 'settings');
      encoder.limitTable(peer.headerTableSize);
    }
    this.#sender.settingsAck();
    this.#settled = true;
    const change = peer.initialWindowSize - before;
    if (change !== 0) {
      for (const stream of this.#streams.values())
        if (!this.#sender.growStream(stream, change)) return this.#fail(FLOW_CONTROL_ERROR, 'settings');
      this.#sender.pump();
    }
    this.#handler.onSettings();
    return !this.#over;
  }

  #onGoaway(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id !== 0) return this.#fail(PROTOCOL_ERROR, 'goaway');
    if (end - start < 8) return this.#fail(FRAME_SIZE_ERROR, 'goaway');
    this.#peerLeaves = true;
    const last = bytes.readUInt32BE(start) & 0x7fffffff;
    if (!this.#server)
      for (const stream of this.#streams.values()) {
        if (stream.id <= last) continue;
        this.#close(stream, RESET_BY_PEER);
        this.#handler.onReset(stream, REFUSED_STREAM, true);
      }
    this.#handler.onGoaway(bytes.readUInt32BE(start + 4));
    return !this.#over;
  }
}

/** The stream that a priority, at its first byte, names. */
function dependsOn(bytes: Buffer, start: number): number {
  return bytes.readUInt32BE(start) & 0x7fffffff;
}
