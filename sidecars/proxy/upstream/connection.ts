/** One connection to an endpoint. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { BYTES_A_PIECE, charge, charges, CONNECT, TurnShare } from '#proxy/loop/turn.ts';
import { reset } from '#proxy/sockets/reset.ts';
import { HEADROOM, ReadBuffer, type PooledBuffer } from './buffers.ts';

/** Work that may be charged to a connection in one turn of the event loop, in pieces. */
const WORK_A_TURN = 64;

/** Who uses a connection at the moment. */
export interface UpstreamUser {
  /** The connection is there; for TLS, its handshake has ended. */
  onUpstreamConnect(): void;
  /**
   * Bytes came: `buffer.bytes` from `start` to `end`, with free room on both sides. Valid during the
   * call, unless `connection.reading.lend()` is called.
   * @returns false to read no further until `resume`
   */
  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean;
  /** The endpoint sends nothing more. */
  onUpstreamFinish(): void;
  /** The connection is gone, or never came. */
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void;
  /** What was written is on its way: write on. */
  onUpstreamDrain(): void;
  /** One of the above threw. The connection is closed. */
  onInternalError(error: unknown): void;
}

/** Who has a connection that is multiplexed by another one. */
export interface MultiplexedUser {
  /** Bytes came; they are valid during the call. @returns false to read no further until `resume` on the socket */
  onBytes(bytes: Buffer, start: number, end: number): boolean;
  /** The endpoint does not take it: there is no connection, whatever was sent. */
  onRefused(): void;
  /** It is of no use any more; the socket says `close` later in the same turn of the event loop. */
  onGone(): void;
  /** The carrier's own code threw. */
  onInternalError(error: unknown): void;
}

/** What carries connections to an endpoint on few others: see multiplexed/carriers.ts. */
export interface Multiplexer {
  /** There is a carrier. */
  readonly ready: boolean;
  /** A connection on a carrier; undefined where there is none with room. */
  open(user: MultiplexedUser): Socket | undefined;
  /** One more would be of use: make it, in its own time. */
  want(): void;
  /** Open no more; what is open goes on to its end. */
  close(): void;
}

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  /** TLS towards the endpoint: server name, authorities, client certificate, ALPN, as node:tls names them. */
  readonly tls?: UpstreamTls;
  /**
   * After how long without a byte the kernel asks whether the other end still has the connection, in milliseconds. Whole
   * seconds; absent: never. A machine that was started anew answers that it has not.
   */
  readonly keepAlive?: number;
  /** Holds its connections that have a socket of their own, while they are open. */
  readonly open?: Set<UpstreamConnection>;
  /** Told of each handshake of TLS that has ended well. */
  readonly onSecure?: ((socket: TLSSocket) => void) | undefined;
}

export type UpstreamTls = Pick<
  ConnectionOptions,
  'servername' | 'ca' | 'cert' | 'key' | 'ALPNProtocols' | 'checkServerIdentity' | 'minVersion' | 'secureContext'
>;

export class UpstreamConnection {
  readonly socket: Socket;
  readonly reading = new ReadBuffer();
  user: UpstreamUser | undefined;
  connected = false;
  /** It has no socket of its own. */
  readonly multiplexed: boolean;
  /** It has served a request before: a close without an answer may be an idle connection's. */
  reused = false;
  /** When it became idle, on the sweeper's clock. */
  idleSince = 0;
  #lastRead = 0;
  /** The user wanted no more for now. */
  #stopped = false;
  /** From the first read on that was charged for anything. */
  #share: TurnShare | undefined;
  #error: NodeJS.ErrnoException | undefined;
  #onGone: (() => void) | undefined;

  /**
   * Begin to connect.
   * @param onGone called once, as soon as the connection is of no use any more: before its socket says `close`,
   * which is later in the same turn of the event loop, when another request may have taken it
   * @param carriers take it where they can: it is connected at once then
   */
  constructor(target: ConnectionTarget, user: UpstreamUser, onGone: () => void, carriers?: Multiplexer) {
    this.user = user;
    this.#onGone = onGone;
    const multiplexed = carriers?.open({
      onBytes: (bytes, start, end) => this.#onCarried(bytes, start, end),
      onRefused: () => (this.connected = false),
      onGone: () => this.#leave(),
      onInternalError: (error) => this.#onInternalError(error),
    });
    this.multiplexed = this.connected = multiplexed !== undefined;
    this.socket = multiplexed ?? this.#connect(target);
    if (!this.multiplexed) target.open?.add(this);
    this.socket.on('end', () => this.#guard((current) => current.onUpstreamFinish()));
    this.socket.on('drain', () => {
      if (this.user !== undefined) this.#guard((current) => current.onUpstreamDrain());
    });
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    this.socket.on('close', () => {
      target.open?.delete(this);
      this.reading.close();
      this.#leave();
      const { user: last } = this;
      this.user = undefined;
      try {
        last?.onUpstreamClose(this.#error);
      } catch (error) {
        last?.onInternalError(error);
      }
    });
  }

  #connect({ host, port, tls, keepAlive, onSecure }: ConnectionTarget): Socket {
    const options = {
      host,
      port,
      allowHalfOpen: true,
      ...(keepAlive !== undefined && { keepAlive: true, keepAliveInitialDelay: keepAlive }),
      onread: {
        // Who wants no more for now needs no larger buffer either.
        buffer: () => this.reading.next(this.#stopped ? 0 : this.#lastRead).view,
        // Of TLS more may come after a stop: what was deciphered with the part that was refused, a record or four.
        callback: (size: number) => this.#onRead(size),
      },
    };
    charge(CONNECT);
    if (tls === undefined) return connect({ ...options, noDelay: true }).on('connect', () => this.#onConnect());
    const socket = connectTls({ ...tls, ...options } as ConnectionOptions);
    socket.setNoDelay(true);
    return socket.on('secureConnect', () => {
      onSecure?.(socket);
      this.#onConnect();
    });
  }

  #onConnect(): void {
    this.connected = true;
    this.#guard((user) => user.onUpstreamConnect());
  }

  /** Tell the user; whatever it throws ends this connection and is told to it, nothing else. */
  #guard(tell: (user: UpstreamUser) => void): void {
    const { user } = this;
    // No request is under way: what comes answers none, and the connection is of no use.
    if (user === undefined) this.destroy();
    else
      try {
        tell(user);
      } catch (error) {
        this.destroy();
        user.onInternalError(error);
      }
  }

  #onRead(size: number): boolean {
    this.#lastRead = size;
    const { user } = this;
    if (user === undefined) {
      this.destroy();
      return false;
    }
    try {
      const before = charges();
      const more = user.onUpstreamBytes(this.reading.buffer, HEADROOM, HEADROOM + size);
      this.#stopped = !more;
      const together = Math.floor(size / BYTES_A_PIECE);
      const cost = together + charges() - before;
      return cost === 0 ? more : this.#spend(cost, together) && more;
    } catch (error) {
      this.destroy();
      user.onInternalError(error);
      return false;
    }
  }

  /** @returns whether there is something left of this turn; otherwise it is read on in a later one */
  #spend(cost: number, together: number): boolean {
    const share = (this.#share ??= new TurnShare(WORK_A_TURN, () => this.#onTurn()));
    share.spend(cost, together);
    if (share.left > 0) return true;
    share.wait();
    return false;
  }

  #onTurn(): void {
    if (!this.#stopped && !this.socket.destroyed) this.socket.resume();
  }

  /** Bytes of a carrier, which other connections' lie around: they are given room of their own. */
  #onCarried(bytes: Buffer, start: number, end: number): boolean {
    let more = true;
    for (let at = start; at < end && !this.socket.destroyed;) {
      const { view } = this.reading.next(this.#stopped ? 0 : this.#lastRead);
      const next = Math.min(end, at + view.length);
      bytes.copy(view, 0, at, next);
      more = this.#onRead(next - at);
      at = next;
    }
    return more;
  }

  #onInternalError(error: unknown): void {
    const { user } = this;
    this.destroy();
    user?.onInternalError(error);
  }

  /** Read on, if `onUpstreamBytes` said to stop. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (this.#share === undefined || this.#share.asks()) this.socket.resume();
  }

  /** End it now: its user is told why. */
  fail(error: NodeJS.ErrnoException): void {
    this.#leave();
    this.socket.destroy(error);
  }

  /** End it now; its user hears nothing more. */
  destroy(): void {
    this.user = undefined;
    this.socket.destroy();
    this.#leave();
  }

  /**
   * End it now in the middle of things; its user hears nothing more. The endpoint learns that nobody waits for an answer,
   * and the kernel keeps nothing: thousands of ports that wait for a minute would make each connect search for one.
   */
  reset(): void {
    this.user = undefined;
    reset(this.socket);
    this.#leave();
  }

  #leave(): void {
    const onGone = this.#onGone;
    this.#onGone = undefined;
    onGone?.();
  }
}
