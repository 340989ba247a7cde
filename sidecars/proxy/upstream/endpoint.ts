/** An endpoint that speaks HTTP/1. */
import type { Request } from '#proxy/http/request.ts';
import { CHUNKED, isIdempotent, NO_BODY } from '#proxy/http/message.ts';
import type { Endpoint, ResponseUser, UpstreamStream } from './cluster.ts';
import { UpstreamConnection, type UpstreamUser } from './connection.ts';
import { Http1Pool, type PoolOptions } from './pool.ts';

export class Http1Endpoint implements Endpoint {
  readonly authority: string;
  readonly takesChunks = true;
  active = 0;
  http10 = false;
  readonly #options: PoolOptions;
  readonly #pool: Http1Pool;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { host, port } = options;
    this.authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#pool = new Http1Pool(options, (http10) => (this.http10 = http10));
  }

  open(request: Request, start: string, user: ResponseUser, fresh: boolean): UpstreamStream {
    const repeatable = request.body === NO_BODY && isIdempotent(request.method);
    const connection = this.#pool.acquire(repeatable, fresh);
    const head = request.toHttp1({
      authority: this.authority,
      http10: this.http10,
      close: !this.#pool.keepsAlive,
    });
    connection.begin(request, head + framed(request, start, user.requestDone), user, repeatable);
    return connection;
  }

  connect(user: UpstreamUser): UpstreamConnection {
    return new UpstreamConnection(this.#options, user, ignore);
  }

  close(): void {
    this.#pool.close();
  }
}

/** The beginning of a body as it is sent. */
function framed(request: Request, start: string, done: boolean): string {
  if (request.body !== CHUNKED) return start;
  const chunk = start === '' ? '' : `${start.length.toString(16)}\r\n${start}\r\n`;
  return done ? `${chunk}0\r\n\r\n` : chunk;
}

function ignore(): void {}
