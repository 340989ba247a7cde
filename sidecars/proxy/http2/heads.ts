/** Receiving heads and trailers: HEADERS with its CONTINUATION frames, decoded and checked (RFC 9113, sections 6.2 and 8). */
import { RESET_HERE, UNKNOWN } from './closed-streams.ts';
import {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from './codes.ts';
import type { Core } from './core.ts';
import { FieldBlock } from './field-block.ts';
import { HeadBuffer } from './head-buffer.ts';
import { isRequest, isResponse, isTrailers } from './head-rules.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { REQUEST_CREDIT } from './flood-limits.ts';
import type { Http2Stream } from './stream.ts';

/** Bytes by which a coded head may be longer than the head. */
const BLOCK_EXTRA = 16 * 1024;

// One block is decoded at a time, of all connections.
const blocks = new Map<number, FieldBlock>();

function sharedBlock(maxHeadSize: number): FieldBlock {
  let block = blocks.get(maxHeadSize);
  if (block === undefined) blocks.set(maxHeadSize, (block = new FieldBlock(maxHeadSize, maxHeadSize + BLOCK_EXTRA)));
  return block;
}

export class HeadReceiver<User> {
  readonly #core: Core<User>;
  readonly #decoder = new HpackDecoder();
  readonly #block: FieldBlock;
  /** The head that CONTINUATION frames go on with. */
  #head: HeadBuffer | undefined;

  constructor(core: Core<User>) {
    this.#core = core;
    this.#block = sharedBlock(core.options.maxHeadSize);
  }

  /** The stream of a head that is not complete; undefined when there is none. */
  get pending(): number | undefined {
    return this.#head?.id;
  }

  /** Forget a head that is not complete. */
  clear(): void {
    this.#head = undefined;
  }

  onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): boolean {
    if (id === 0 || (id & 1) === 0) return this.#core.fail(PROTOCOL_ERROR, 'stream_id');
    let from = start;
    let to = end;
    if ((flags & FLAG_PADDED) !== 0) {
      if (from === to) return this.#core.fail(FRAME_SIZE_ERROR, 'padding');
      to -= bytes[from++]!;
    }
    const prioritized = (flags & FLAG_PRIORITY) !== 0;
    if (prioritized) from += 5;
    if (from > to) return this.#core.fail(prioritized && from > end ? FRAME_SIZE_ERROR : PROTOCOL_ERROR, 'padding');
    const dependsOnItself = prioritized && dependsOn(bytes, from - 5) === id;
    const ends = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) return this.#onBlock(id, ends, dependsOnItself, bytes, from, to);
    this.#head = new HeadBuffer(id, ends, dependsOnItself, this.#core.options.maxHeadSize + BLOCK_EXTRA);
    return this.#head.add(bytes, from, to) || this.#core.fail(ENHANCE_YOUR_CALM, 'head_size');
  }

  onContinuation(flags: number, bytes: Buffer, start: number, end: number): boolean {
    const head = this.#head;
    if (head === undefined) return this.#core.fail(PROTOCOL_ERROR, 'continuation');
    if (!head.add(bytes, start, end)) return this.#core.fail(ENHANCE_YOUR_CALM, 'head_size');
    if ((flags & FLAG_END_HEADERS) === 0) return true;
    this.#head = undefined;
    return this.#onBlock(head.id, head.ends, head.dependsOnItself, head.bytes, 0, head.size);
  }

  #onBlock(id: number, ends: boolean, dependsOnItself: boolean, bytes: Buffer, start: number, end: number): boolean {
    const block = this.#block;
    if (!this.#decoder.decode(block, bytes, start, end))
      return this.#decoder.gaveUp
        ? this.#core.fail(ENHANCE_YOUR_CALM, 'head_size')
        : this.#core.fail(COMPRESSION_ERROR, 'hpack');
    const stream = this.#core.streams.get(id);
    if (stream !== undefined) {
      if (stream.remoteEnded) return this.#core.streamError(id, STREAM_CLOSED);
      if (dependsOnItself) return this.#core.streamError(id, PROTOCOL_ERROR);
      return stream.remoteHead ? this.#onTrailers(stream, ends) : this.#onResponse(stream, ends);
    }
    if (!this.#core.server || id <= this.#core.streams.lastPeerId) {
      if (this.#core.streams.isIdle(id)) return this.#core.fail(PROTOCOL_ERROR, 'head_on_idle');
      switch (this.#core.streams.howClosed(id)) {
        case RESET_HERE:
          return this.#core.spend(1);
        case UNKNOWN:
          return this.#core.fail(PROTOCOL_ERROR, 'stream_id');
        default:
          return this.#core.fail(STREAM_CLOSED, 'head_on_closed');
      }
    }
    this.#core.streams.lastPeerId = id;
    if (id > this.#core.streams.lastServed) {
      this.#core.streams.refuse(id);
      return true;
    }
    if (dependsOnItself) return this.#core.streamError(id, PROTOCOL_ERROR);
    if (this.#core.streams.size >= this.#core.options.maxStreams) return this.#core.streamError(id, REFUSED_STREAM);
    if (!block.tooLarge && (!isRequest(block, true) || (ends && block.contentLength > 0)))
      return this.#core.streamError(id, PROTOCOL_ERROR);
    this.#core.limits.overhead.give(REQUEST_CREDIT);
    this.#onRequest(id, ends);
    return !this.#core.over;
  }

  #onRequest(id: number, ends: boolean): void {
    const block = this.#block;
    const stream = this.#core.streams.add(id);
    stream.remoteHead = true;
    stream.remoteEnded = ends;
    stream.expected = block.contentLength;
    this.#core.handler.onHead(stream, block, ends);
  }

  #onResponse(stream: Http2Stream<User>, ends: boolean): boolean {
    const block = this.#block;
    const { status } = block;
    if (block.tooLarge || !isResponse(block) || status === 101)
      return this.#core.streamError(stream.id, PROTOCOL_ERROR);
    if (status < 200) {
      if (ends) return this.#core.streamError(stream.id, PROTOCOL_ERROR);
      if (!this.#core.spend(1)) return false;
      this.#core.handler.onHead(stream, block, false);
      return !this.#core.over;
    }
    stream.remoteHead = true;
    if (!stream.bodiless && status !== 304 && status !== 204) {
      stream.expected = block.contentLength;
      if (ends && stream.expected > 0) return this.#core.streamError(stream.id, PROTOCOL_ERROR);
    }
    if (ends) stream.remoteEnded = true;
    this.#core.handler.onHead(stream, block, ends);
    if (ends) this.#core.streams.remoteEnd(stream);
    return !this.#core.over;
  }

  #onTrailers(stream: Http2Stream<User>, ends: boolean): boolean {
    const block = this.#block;
    if (!ends || !isTrailers(block)) return this.#core.streamError(stream.id, PROTOCOL_ERROR);
    if (block.tooLarge) return this.#core.streamError(stream.id, ENHANCE_YOUR_CALM);
    if (!stream.discards) this.#core.handler.onTrailers(stream, block);
    return stream.closed ? !this.#core.over : peerEnds(this.#core, stream);
  }
}

/** The peer's body is complete, or ought to be. @returns false when the connection is over by that */
export function peerEnds<User>(core: Core<User>, stream: Http2Stream<User>): boolean {
  if (stream.expected > 0 && !stream.discards) return core.streamError(stream.id, PROTOCOL_ERROR);
  core.streams.remoteEnd(stream);
  if (!stream.discards) core.handler.onEnd(stream);
  return !core.over;
}

/** The stream that a priority, at its first byte, names. */
export function dependsOn(bytes: Buffer, start: number): number {
  return bytes.readUInt32BE(start) & 0x7fffffff;
}
