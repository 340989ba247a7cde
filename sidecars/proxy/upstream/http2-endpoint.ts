/** An endpoint that speaks HTTP/2, in the clear by prior knowledge or over TLS: a gRPC server, above all. */
import type { Request } from '#proxy/http/request.ts';
import type { Swept } from '#proxy/sweeper.ts';
import type { Endpoint, ResponseUser, UpstreamStream } from './cluster.ts';
import { UpstreamConnection, type UpstreamUser } from './connection.ts';
import { Http2UpstreamConnection, type Http2Owner } from './http2.ts';
import type { PoolOptions } from './pool.ts';

/** Streams that one connection gets before another is made, whatever the endpoint allows. */
const MAX_STREAMS = 1000;

export class Http2Endpoint implements Endpoint, Http2Owner, Swept {
  readonly authority: string;
  readonly takesChunks = false;
  readonly http10 = false;
  active = 0;
  readonly #options: PoolOptions;
  readonly #connections: Http2UpstreamConnection[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
    const { host, port } = options;
    this.authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  open(request: Request, start: string, user: ResponseUser, fresh: boolean): UpstreamStream {
    return this.#acquire(fresh).begin(request, start, user, this.authority);
  }

  /** A connection with room for a request. */
  #acquire(fresh: boolean): Http2UpstreamConnection {
    if (!fresh)
      for (const connection of this.#connections)
        if (Math.min(connection.http2.available, MAX_STREAMS - connection.http2.size) > 0) return connection;
    const connection = new Http2UpstreamConnection(this.#options, this.#options.maxHeaderSize, this);
    if (this.#connections.push(connection) === 1) this.#options.sweeper.add(this);
    return connection;
  }

  connect(user: UpstreamUser): UpstreamConnection {
    return new UpstreamConnection(this.#options, user, () => {});
  }

  onIdle(connection: Http2UpstreamConnection): void {
    connection.idleSince = this.#options.sweeper.now;
  }

  remove(connection: Http2UpstreamConnection): void {
    const index = this.#connections.indexOf(connection);
    if (index === -1) return;
    this.#connections.splice(index, 1);
    if (this.#connections.length === 0) this.#options.sweeper.remove(this);
  }

  /** Close connections that were idle for too long. */
  sweep(now: number): void {
    for (const connection of this.#connections) connection.measure();
    const old = this.#connections.filter(
      ({ http2, idleSince }) => http2.size === 0 && now - idleSince >= this.#options.idleTimeout,
    );
    for (const connection of old) {
      this.remove(connection);
      connection.close();
    }
  }

  onInternalError(): void {
    this.close();
  }

  close(): void {
    for (const connection of this.#connections.splice(0)) connection.close();
    this.#options.sweeper.remove(this);
  }
}
