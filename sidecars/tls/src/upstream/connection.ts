/** One connection to the application. */
import { connect, type Socket } from 'node:net';
import { HEADROOM, Reading, type Arena } from './arena.ts';

/** Who uses a connection at the moment. */
export interface UpstreamUser {
  /** The connection is there. */
  onUpstreamConnect(): void;
  /**
   * Bytes came: `arena.bytes` from `start` to `end`, with free room on both sides. Valid during the
   * call, unless `connection.reading.lend()` is called.
   * @returns false to read no further until `resume`
   */
  onUpstreamData(arena: Arena, start: number, end: number): boolean;
  /** The application sends nothing more. */
  onUpstreamEnd(): void;
  /** The connection is gone, or never came. */
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void;
  /** What was written is on its way: write on. */
  onUpstreamDrain(): void;
}

export class UpstreamConnection {
  readonly socket: Socket;
  readonly reading = new Reading();
  user: UpstreamUser | undefined;
  connected = false;
  /** It has served a request before: a close without an answer may be an idle connection's. */
  reused = false;
  /** When it became idle, on the sweeper's clock. */
  idleSince = 0;
  #lastRead = 0;
  /** The user wanted no more for now. */
  #stopped = false;
  #error: NodeJS.ErrnoException | undefined;

  /**
   * Begin to connect.
   * @param onGone called once, when the connection is closed
   */
  constructor(
    target: { readonly host: string; readonly port: number },
    user: UpstreamUser,
    onGone: (connection: UpstreamConnection) => void,
  ) {
    this.user = user;
    this.socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: () => this.reading.next(this.#lastRead).view,
        callback: (size) => this.#onRead(size),
      },
    });
    this.socket.on('connect', () => {
      this.connected = true;
      this.user?.onUpstreamConnect();
    });
    this.socket.on('end', () => {
      if (this.user === undefined) this.socket.destroy();
      else this.user.onUpstreamEnd();
    });
    this.socket.on('drain', () => this.user?.onUpstreamDrain());
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    this.socket.on('close', () => {
      this.reading.close();
      onGone(this);
      const { user: last } = this;
      this.user = undefined;
      last?.onUpstreamClose(this.#error);
    });
  }

  #onRead(size: number): boolean {
    this.#lastRead = size;
    if (this.user === undefined) {
      // Nobody asked: what it says belongs to no request.
      this.socket.destroy();
      return false;
    }
    const more = this.user.onUpstreamData(this.reading.arena, HEADROOM, HEADROOM + size);
    this.#stopped = !more;
    return more;
  }

  /** Read on, if `onUpstreamData` said to stop. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.socket.resume();
  }

  /** End it now; its user hears nothing more. */
  destroy(): void {
    this.user = undefined;
    this.socket.destroy();
  }
}
