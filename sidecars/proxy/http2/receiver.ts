/** The receiving half of a connection: what each frame means (RFC 9113, section 6). */
import { RESET_BY_PEER, RESET_HERE } from './closed-streams.ts';
import {
  CONTINUATION,
  DATA,
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLAG_END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  NO_ERROR,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './codes.ts';
import type { Core } from './core.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeadReceiver, dependsOn, peerEnds } from './heads.ts';
import { EMPTY_DATA_COST, SETTINGS_COST, SMALL_DATA } from './flood-limits.ts';
import { SETTING_SIZE } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** So much of a body that nobody wants is read for a peer to stop by itself, in bytes. */
const MAX_DISCARDED = 1024 * 1024;

export class Receiver<User> implements FrameSink {
  /** The peer has introduced itself. */
  settled = false;
  /** The peer takes no further streams. */
  peerLeaves = false;
  readonly #core: Core<User>;
  readonly #reader: FrameReader;
  readonly #heads: HeadReceiver<User>;
  /** The stream of the current DATA frame; undefined when nobody wants its data. */
  #dataStream: Http2Stream<User> | undefined;
  #dataEnds = false;
  /** Bytes of the current DATA frame that were not data yet. */
  #dataLeft = 0;

  constructor(core: Core<User>) {
    this.#core = core;
    this.#reader = new FrameReader(this, core.server);
    this.#heads = new HeadReceiver(core);
  }

  /** See FrameReader.read. */
  read(bytes: Buffer, start: number, end: number, most: number): number {
    return this.#reader.read(bytes, start, end, most);
  }

  /** Frames that have begun. */
  get frames(): number {
    return this.#reader.frames;
  }

  /** Read no further, whatever comes. */
  stop(): void {
    this.#reader.stop();
    this.#heads.clear();
  }

  /** A head, or any frame other than one of data, has begun and is not complete. */
  get midHead(): boolean {
    return this.#reader.midFrame || this.#heads.pending !== undefined;
  }

  onFrameError(code: number, reason: string): void {
    this.#core.fail(code, reason);
  }

  onFrameHead(type: number, flags: number, id: number, length: number): boolean {
    if (!this.settled && (type !== SETTINGS || (flags & FLAG_ACK) !== 0))
      return this.#core.fail(PROTOCOL_ERROR, 'preface');
    const { pending } = this.#heads;
    if (pending !== undefined && (type !== CONTINUATION || id !== pending))
      return this.#core.fail(PROTOCOL_ERROR, 'continuation');
    switch (type) {
      case DATA:
        return this.#onDataHead(flags, id, length);
      case HEADERS:
        return true;
      case SETTINGS:
        return this.#core.spend(SETTINGS_COST);
      default:
        return this.#core.spend(1);
    }
  }

  #onDataHead(flags: number, id: number, length: number): boolean {
    this.#dataStream = undefined;
    this.#dataLeft = length;
    this.#dataEnds = (flags & FLAG_END_STREAM) !== 0;
    if (!this.#dataEnds && length < SMALL_DATA) {
      if (length === 0 && !this.#core.spend(EMPTY_DATA_COST)) return false;
      if (this.#core.server && !this.#core.limits.smallData.take(1, this.#core.options.now))
        return this.#core.fail(ENHANCE_YOUR_CALM, 'small_data');
    }
    if (id === 0 || this.#core.streams.isIdle(id)) return this.#core.fail(PROTOCOL_ERROR, 'data_on_idle');
    if (length > this.#core.streams.receiveWindow) return this.#core.fail(FLOW_CONTROL_ERROR, 'connection_window');
    this.#core.streams.receiveWindow -= length;
    const stream = this.#core.streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      if (stream === undefined && this.#core.streams.howClosed(id) === RESET_HERE) return true;
      return this.#core.streamError(id, STREAM_CLOSED);
    }
    if (!stream.remoteHead) return this.#core.streamError(id, PROTOCOL_ERROR);
    if (length > stream.receiveWindow) return this.#core.streamError(id, FLOW_CONTROL_ERROR);
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
      if (stream.expected < 0) return this.#core.streamError(stream.id, PROTOCOL_ERROR);
    }
    this.#dataLeft -= size;
    if (this.#core.handler.onData(stream, bytes, start, end)) this.#core.streams.consumed(stream, size);
    else if (stream.closed) this.#core.streams.consumed(undefined, size);
    else this.#core.streams.hold(stream, size);
    return !this.#core.over;
  }

  onDataEnd(): boolean {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    // Padding, and what nobody wanted.
    if (this.#dataLeft > 0) this.#core.streams.consumed(stream, this.#dataLeft);
    if (stream?.discards === true) {
      stream.discarded += this.#dataLeft;
      if (stream.discarded > MAX_DISCARDED && stream.localEnded) this.#core.reset(stream, NO_ERROR);
    }
    if (stream === undefined || stream.closed || !this.#dataEnds) return !this.#core.over;
    return peerEnds(this.#core, stream);
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    switch (type) {
      case HEADERS:
        return this.#heads.onHeaders(flags, id, bytes, start, end);
      case CONTINUATION:
        return this.#heads.onContinuation(flags, bytes, start, end);
      case WINDOW_UPDATE:
        return this.#onWindowUpdate(id, bytes, start, end);
      case SETTINGS:
        return this.#onSettings(flags, id, bytes, start, end);
      case PING:
        if (id !== 0) return this.#core.fail(PROTOCOL_ERROR, 'ping');
        if (end - start !== 8) return this.#core.fail(FRAME_SIZE_ERROR, 'ping');
        if ((flags & FLAG_ACK) === 0) this.#core.sender.pingAck(bytes, start, end);
        return true;
      case RST_STREAM:
        return this.#onReset(id, bytes, start, end);
      case PRIORITY:
        if (id === 0) return this.#core.fail(PROTOCOL_ERROR, 'priority');
        if (end - start !== 5) return this.#core.streamError(id, FRAME_SIZE_ERROR);
        if (dependsOn(bytes, start) === id) return this.#core.streamError(id, PROTOCOL_ERROR);
        return true;
      case GOAWAY:
        return this.#onGoaway(id, bytes, start, end);
      case PUSH_PROMISE:
        return this.#core.fail(PROTOCOL_ERROR, 'push');
      default:
        return true;
    }
  }

  #onReset(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id === 0 || this.#core.streams.isIdle(id)) return this.#core.fail(PROTOCOL_ERROR, 'reset_on_idle');
    if (end - start !== 4) return this.#core.fail(FRAME_SIZE_ERROR, 'rst_stream');
    const stream = this.#core.streams.get(id);
    if (stream === undefined) return true;
    if (this.#core.server && !this.#core.limits.resets.take(1, this.#core.options.now))
      return this.#core.fail(ENHANCE_YOUR_CALM, 'resets');
    this.#core.streams.close(stream, RESET_BY_PEER);
    this.#core.handler.onReset(stream, bytes.readUInt32BE(start), true);
    return !this.#core.over;
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== 4) return this.#core.fail(FRAME_SIZE_ERROR, 'window_update');
    const increment = bytes.readUInt32BE(start) & 0x7fffffff;
    if (id === 0) {
      if (increment === 0) return this.#core.fail(PROTOCOL_ERROR, 'window_update');
      if (!this.#core.sender.grow(increment)) return this.#core.fail(FLOW_CONTROL_ERROR, 'window_update');
    } else {
      if (this.#core.streams.isIdle(id)) return this.#core.fail(PROTOCOL_ERROR, 'window_update_on_idle');
      const stream = this.#core.streams.get(id);
      if (increment === 0) return stream === undefined || this.#core.streamError(id, PROTOCOL_ERROR);
      if (stream === undefined) return true;
      if (!this.#core.sender.growStream(stream, increment)) return this.#core.streamError(id, FLOW_CONTROL_ERROR);
    }
    this.#core.sender.pump();
    return !this.#core.over;
  }

  #onSettings(flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id !== 0) return this.#core.fail(PROTOCOL_ERROR, 'settings');
    if ((flags & FLAG_ACK) !== 0) return start === end || this.#core.fail(FRAME_SIZE_ERROR, 'settings');
    if ((end - start) % SETTING_SIZE !== 0) return this.#core.fail(FRAME_SIZE_ERROR, 'settings');
    const { peer, encoder } = this.#core.sender;
    const before = peer.initialWindowSize;
    for (let at = start; at < end; at += SETTING_SIZE) {
      const setting = bytes.readUInt16BE(at);
      const code = peer.take(setting, bytes.readUInt32BE(at + 2), !this.#core.server);
      if (code !== NO_ERROR) return this.#core.fail(code, 'settings');
      encoder.limitTable(peer.headerTableSize);
    }
    this.#core.sender.settingsAck();
    this.settled = true;
    const change = peer.initialWindowSize - before;
    if (change !== 0) {
      for (const stream of this.#core.streams)
        if (!this.#core.sender.growStream(stream, change)) return this.#core.fail(FLOW_CONTROL_ERROR, 'settings');
      this.#core.sender.pump();
    }
    this.#core.handler.onSettings();
    return !this.#core.over;
  }

  #onGoaway(id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id !== 0) return this.#core.fail(PROTOCOL_ERROR, 'goaway');
    if (end - start < 8) return this.#core.fail(FRAME_SIZE_ERROR, 'goaway');
    this.peerLeaves = true;
    const last = bytes.readUInt32BE(start) & 0x7fffffff;
    if (!this.#core.server)
      for (const stream of this.#core.streams) {
        if (stream.id <= last) continue;
        this.#core.streams.close(stream, RESET_BY_PEER);
        this.#core.handler.onReset(stream, REFUSED_STREAM, true);
      }
    this.#core.handler.onGoaway(bytes.readUInt32BE(start + 4));
    return !this.#core.over;
  }
}
