/** A connection whose protocol is not known yet: its first bytes are waited for, or its silence. */
import type { Socket } from 'node:net';
import { internalError, type ProxyContext } from '#proxy/context.ts';
import { handle, handlerOf, type DownstreamHandler } from '#proxy/downstream/connection.ts';
import { spokenIn, type Spoken } from '../detect/protocol.ts';

/** A client that says nothing for so long waits for its server, in milliseconds. */
export const SILENCE = 100;

export interface FirstBytesOptions {
  /** How long silence is waited for, in milliseconds, before it is `tcp`. */
  readonly patience: number;
  /**
   * It is known what is spoken. Whoever takes the connection over calls `handle`, and gets the bytes so far then; or
   * returns true and takes these too.
   */
  readonly onSpoken: (spoken: Spoken, first: Buffer) => boolean | void;
}

export class FirstBytes implements DownstreamHandler {
  /** What the connection went on as, where that is another socket: TLS. */
  inner: Socket | undefined;
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #options: FirstBytesOptions;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #timer: NodeJS.Timeout;
  #over = false;

  constructor(context: ProxyContext, socket: Socket, options: FirstBytesOptions) {
    this.#context = context;
    this.#socket = socket;
    this.#options = options;
    // Who is late may be this process: what has come meanwhile is read first, before silence is believed.
    this.#timer = setTimeout(
      () => setImmediate(() => this.#protect(() => this.#end({ protocol: 'tcp' }))),
      options.patience,
    );
    handle(socket, this);
  }

  onClientData(chunk: Buffer): void {
    // Of a connection that was turned away nothing is looked at any more.
    if (this.#over) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const spoken = spokenIn(this.#bytes);
    if (spoken !== undefined) this.#end(spoken);
  }

  #end(spoken: Spoken): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const first = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    if (this.#options.onSpoken(spoken, first) === true) return;
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
