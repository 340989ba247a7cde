/** Tests' sides of an HTTP/2 connection: an engine that writes down what it is told, and hand-made frames. */
import { Duplex } from 'node:stream';
import { FRAME_HEAD } from '#proxy/http2/codes.ts';
import { Http2Connection } from '#proxy/http2/connection.ts';
import type { FieldBlock } from '#proxy/http2/field-block.ts';
import { DEFAULTS, type Http2Handler, type Http2Options } from '#proxy/http2/handler.ts';
import { MemoryBudget } from '#proxy/memory/budget.ts';
import { recycle } from '#proxy/http2/output.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';

/** What has come on a stream. */
export interface Message {
  /** `name: value`, pseudo-header fields first; interim heads are in `interim`. */
  lines: string[];
  readonly interim: string[][];
  body: Buffer[];
  trailers: string[];
  ended: boolean;
  /** The code of a reset. */
  reset: number | undefined;
}

export const linesOf = (block: FieldBlock): string[] =>
  block.bytes.toString('latin1', 0, block.fieldsEnd).split('\r\n').slice(0, -1);

export type TestStream = Http2Stream<Message>;

/** A connection whose user only writes down, and calls `onMessage` for each message that has ended. */
export class TestConnection implements Http2Handler<Message> {
  readonly connection: Http2Connection<Message>;
  readonly memory = new MemoryBudget(64 * 1024 * 1024);
  readonly messages: Message[] = [];
  onMessage: (stream: TestStream, message: Message) => void = () => {};
  onHeadOf: (stream: TestStream, block: FieldBlock) => void = () => {};
  /** Data is consumed as it comes. */
  consumes = true;
  drained: TestStream[] = [];
  error: { readonly code: number; readonly reason: string } | undefined;
  goaway: number | undefined;
  onReady: () => void = () => {};
  time = 1;

  constructor(role: 'server' | 'client', options: Partial<Http2Options> = {}) {
    this.connection = new Http2Connection<Message>(role, this, {
      ...DEFAULTS,
      maxHeadSize: 16 * 1024,
      memory: this.memory,
      now: () => this.time,
      ...options,
    });
  }

  onHead(stream: TestStream, block: FieldBlock, end: boolean): void {
    const message = (stream.user ??= newMessage());
    if (!this.messages.includes(message)) this.messages.push(message);
    const { status } = block;
    if (status >= 100 && status < 200) message.interim.push(linesOf(block));
    else message.lines = linesOf(block);
    this.onHeadOf(stream, block);
    if (end) this.onEnd(stream);
  }
  onTrailers(stream: TestStream, block: FieldBlock): void {
    stream.user!.trailers = linesOf(block);
  }
  onData(stream: TestStream, bytes: Buffer, start: number, end: number): boolean {
    stream.user!.body.push(Buffer.from(bytes.subarray(start, end)));
    return this.consumes;
  }
  onEnd(stream: TestStream): void {
    stream.user!.ended = true;
    this.onMessage(stream, stream.user!);
  }
  onReset(stream: TestStream, code: number): void {
    if (stream.user) stream.user.reset = code;
  }
  onDrain(stream: TestStream): void {
    this.drained.push(stream);
  }
  onSettings(): void {}
  onGoaway(code: number): void {
    this.goaway = code;
  }
  onOutput(): void {
    this.onReady();
  }
  onError(code: number, reason: string): void {
    this.error = { code, reason };
  }

  /** Everything that waits to be sent; data that a transport would hold back included. */
  output(): Buffer {
    const parts: Buffer[] = [];
    for (let chunk = this.connection.take(); chunk !== undefined; chunk = this.connection.take()) {
      parts.push(Buffer.from(chunk.bytes.subarray(0, chunk.end)));
      recycle(chunk);
      this.connection.transportHolds(0);
    }
    return Buffer.concat(parts);
  }

  /** Read bytes, in pieces of a given size where there is one. */
  receive(bytes: Buffer, pieces = bytes.length): void {
    for (let at = 0; at < bytes.length; at += pieces) {
      // A copy of its own, so that nothing can be kept that is valid during the call only.
      const piece = Buffer.from(bytes.subarray(at, at + pieces));
      this.connection.receive(piece, 0, piece.length);
      piece.fill(0xee);
    }
  }

  /** Send a head. @param fields pseudo-header fields first */
  head(stream: TestStream, fields: Iterable<readonly [string, string]>, end: boolean): void {
    const { encoder } = this.connection;
    encoder.begin();
    for (const [name, value] of fields) encoder.text(name, value);
    this.connection.sendHead(stream, end);
  }

  /** Begin a request. */
  request(fields: Iterable<readonly [string, string]>, end: boolean): TestStream {
    const { encoder } = this.connection;
    encoder.begin();
    for (const [name, value] of fields) encoder.text(name, value);
    const message = newMessage();
    this.messages.push(message);
    return this.connection.request(message, end);
  }
}

export const newMessage = (): Message => ({
  lines: [],
  interim: [],
  body: [],
  trailers: [],
  ended: false,
  reset: undefined,
});

/** A stream for node:http2 to write to and read from; the other end of it is a TestConnection. */
export function linkTo(side: TestConnection, pieces: () => number): Duplex {
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    const bytes = side.output();
    for (let at = 0; at < bytes.length;) {
      const next = Math.min(bytes.length, at + pieces());
      duplex.push(bytes.subarray(at, next));
      at = next;
    }
    if (side.error !== undefined) duplex.push(null);
  };
  side.onReady = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const duplex = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, callback) {
      for (let at = 0; at < bytes.length;) {
        const next = Math.min(bytes.length, at + pieces());
        side.receive(bytes.subarray(at, next));
        at = next;
      }
      setImmediate(callback);
    },
    final(callback) {
      side.connection.close();
      callback();
    },
    destroy(error, callback) {
      side.connection.close();
      callback(error);
    },
  });
  side.onReady();
  return duplex;
}

/** Let a side speak over a socket. */
export function speakOver(side: TestConnection, socket: Duplex): void {
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    const bytes = side.output();
    if (bytes.length > 0 && !socket.destroyed) socket.write(bytes);
  };
  side.onReady = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  socket.on('data', (bytes: Buffer) => side.connection.receive(bytes, 0, bytes.length));
  socket.on('close', () => side.connection.close());
  side.onReady();
}

/** A frame by hand. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | readonly number[] = []): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Bytes as frames. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + FRAME_HEAD <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, id: bytes.readUInt32BE(at + 5), payload });
    at += FRAME_HEAD + length;
  }
  return frames;
}

/** Fields as a coded block: literals without indexing. */
export function coded(fields: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = [];
  const text = (value: string): void => {
    const bytes = Buffer.from(value, 'latin1');
    if (bytes.length < 127) parts.push(Buffer.from([bytes.length]));
    else {
      const rest = bytes.length - 127;
      parts.push(Buffer.from([127, (rest & 127) | 128, ((rest >> 7) & 127) | 128, rest >> 14]));
    }
    parts.push(bytes);
  };
  for (const [name, value] of fields) {
    parts.push(Buffer.from([0]));
    text(name);
    text(value);
  }
  return Buffer.concat(parts);
}
