/** An endpoint that speaks HTTP/2, in the clear by prior knowledge or over TLS: a gRPC server, above all. */
import type { Request } from '#proxy/http/request.ts';
import type { Swept } from '#proxy/loop/sweeper.ts';
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
  /** Those that take no further requests, and have some under way. */
  readonly #leaving = new Set<Http2UpstreamConnection>();

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
    this.#connections.push(connection);
    this.#options.sweeper.add(this);
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
    if (index !== -1) this.#connections.splice(index, 1);
    this.#leaving.delete(connection);
    if (this.#connections.length + this.#leaving.size === 0) this.#options.sweeper.remove(this);
  }

  /** Close connections that were idle for too long, and those that had their last requests. */
  sweep(now: number): void {
    for (const connection of [...this.#connections, ...this.#leaving]) {
      connection.measure();
      const { http2, idleSince } = connection;
      if (http2.size > 0) continue;
      if (this.#leaving.has(connection) || now - idleSince >= this.#options.idleTimeout) this.#close(connection);
    }
  }

  #close(connection: Http2UpstreamConnection): void {
    this.remove(connection);
    connection.close();
  }

  /** `sweep` threw: none is used again. */
  onInternalError(): void {
    for (const connection of [...this.#connections, ...this.#leaving]) this.#close(connection);
  }

  /** Close what is idle; requests under way go on to their end. */
  close(): void {
    for (const connection of this.#connections.splice(0)) this.#leaving.add(connection);
    for (const connection of this.#leaving) if (connection.http2.size === 0) this.#close(connection);
  }
}
