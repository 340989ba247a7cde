/** A connection whose protocol is not known yet: its first bytes are waited for, or its silence. */
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handle, handlerOf, type DownstreamHandler } from '#proxy/sockets/connection.ts';
import { detectProtocol, type DetectedProtocol } from '../detect/protocol.ts';

/** A client that says nothing for so long waits for its server, in milliseconds. */
export const SILENCE = 100;

/** How late a timer may be, in milliseconds, without this process counting as busy meanwhile. */
const PUNCTUAL = 10;
/** Of the time in which this process was busy, so much is waited for again at most, in milliseconds. */
const MOST_AGAIN = 500;

const NOTHING = Buffer.alloc(0);
/** Room for what comes in more than one piece, in bytes. */
const LEAST = 1024;

export interface FirstBytesOptions {
  /** Milliseconds of silence after which the protocol counts as `tcp`. */
  readonly patience: number;
  /**
   * The protocol is known. The callback takes the connection over by calling `handle`, and gets the bytes so far; or
   * it returns true and takes these too.
   */
  readonly onDetected: (spoken: DetectedProtocol, first: Buffer) => boolean | void;
}

export class FirstBytes implements DownstreamHandler {
  /** What the connection went on as, where that is another socket: TLS. */
  inner: Socket | undefined;
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #options: FirstBytesOptions;
  /** What has come, and room for more: a peer may send it byte by byte. */
  #bytes: Buffer = NOTHING;
  #length = 0;
  #timer: NodeJS.Timeout;
  /** When silence is believed. */
  #due: number;
  /** What may still be waited for again, in milliseconds. */
  #again = MOST_AGAIN;
  #over = false;

  constructor(context: ProxyContext, socket: Socket, options: FirstBytesOptions) {
    this.#context = context;
    this.#socket = socket;
    this.#options = options;
    // Not the loop's own time, which stands still while many connections are accepted in one turn of it.
    this.#due = performance.now() + options.patience;
    this.#timer = this.#wait(options.patience);
    handle(socket, this);
  }

  onClientData(chunk: Buffer): void {
    // Of a connection that was turned away nothing is looked at any more.
    if (this.#over) return;
    this.#add(chunk);
    const spoken = detectProtocol(this.#bytes.subarray(0, this.#length));
    if (spoken !== undefined) this.#end(spoken);
  }

  #add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0) this.#bytes = chunk;
    else {
      if (length > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * length, LEAST));
        this.#bytes.copy(larger, 0, 0, this.#length);
        this.#bytes = larger;
      }
      chunk.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** What has come meanwhile is read first, before silence is believed. */
  #wait(time: number): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#protect(() => this.#silent())), time);
  }

  /** Nothing was read for so long. Time in which this process was busy is no silence of the client's. */
  #silent(): void {
    if (this.#over) return;
    const now = performance.now();
    const late = now - this.#due;
    const again = late < 0 ? -late : late > PUNCTUAL ? Math.min(late, this.#again) : 0;
    if (again === 0 || this.#options.patience === 0) return this.#end({ protocol: 'tcp' });
    if (late > 0) this.#again -= again;
    this.#due = now + again;
    this.#timer = this.#wait(again);
  }

  #end(spoken: DetectedProtocol): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const first = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    if (this.#options.onDetected(spoken, first) === true) return;
    const next = handlerOf(this.#socket);
    if (next === undefined || next === this) this.#socket.destroy();
    else if (first.length > 0) next.onClientData(first);
  }

  onClientEnd(): void {
    this.#end({ protocol: 'tcp' });
    const next = handlerOf(this.#socket);
    if (next !== undefined && next !== this) next.onClientEnd();
  }
  onClientDrain(): void {}
  onClientClose(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** For what a timer calls. */
  #protect(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.onInternalError(error);
    }
  }

  onInternalError(error: unknown): void {
    const next = handlerOf(this.#socket);
    if (next !== undefined && next !== this) next.onInternalError(error);
    else {
      internalError(this.#context, error);
      this.#socket.destroy();
    }
  }

  sweep(): void {}
  drain(): void {
    if (this.inner !== undefined) handlerOf(this.inner)?.drain();
  }
  destroy(): void {
    this.#socket.destroy();
  }
}
