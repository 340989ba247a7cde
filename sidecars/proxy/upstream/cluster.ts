/** Where a request may go: a cluster picks one of its endpoints for each try. */
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import type { ReadBuffer } from './buffers.ts';
import type { UpstreamConnection, UpstreamUser } from './connection.ts';

/** A failure behind the endpoint, of which a response tells. */
export interface ReportedFailure {
  readonly failure: 'connect' | 'closed';
  /** As for `onConnectFailure`. */
  readonly reason: string;
}

/** What came of a try: a response's status, why there was none, or `cancelled` by us or by the client. */
export type TryOutcome = { readonly status: number } | { readonly failure: UpstreamFailure | 'cancelled' };

/** What an endpoint is picked for: an exchange, or a connection that is relayed as a whole. */
export interface Pick {
  readonly downstream: DownstreamInfo;
  readonly request?: Request;
  /** Endpoints that were tried before, the last one last. */
  readonly tried: readonly Endpoint[];
}

export interface Cluster {
  /** How long an endpoint may take to accept a connection, in milliseconds; what the settings say where absent. */
  readonly connectTimeout?: number | undefined;
  /** @returns an endpoint for the next try; undefined when there is none, which the client is told by 503 */
  pick(pick: Pick): Endpoint | undefined;
  /** A connection to an endpoint was made. */
  onConnect?(endpoint: Endpoint): void;
  /** A connection could not be made. @param reason as the system calls it: ECONNREFUSED, timeout, … */
  onConnectFailure?(endpoint: Endpoint, reason: string): void;
  /**
   * A response may say, on behalf of who sent it, that nobody was reached behind it, or was lost before it answered: then
   * it counts as such a failure. @returns undefined for a response that is one
   */
  unreachedIn?(endpoint: Endpoint, response: Response): ReportedFailure | undefined;
  /** A try is over. @param duration until the response's head, or the failure, in milliseconds */
  onTryEnd?(endpoint: Endpoint, outcome: TryOutcome, duration: number): void;
}

/** One address of a cluster, and how it is spoken to. */
export interface Endpoint {
  /** For logs, and as Host where a client names none: `127.0.0.1:8080`. */
  readonly authority: string;
  /** Tries and tunnels that are under way. */
  active: number;
  /** It answered with HTTP/1.0 last: it knows neither 100 (Continue) nor chunks. */
  readonly http10: boolean;
  /** Chunked bodies pass as they are, both ways: the endpoint speaks HTTP/1, and nothing else. */
  readonly takesChunks: boolean;
  /**
   * Begin a request; nothing is called back before this returns. Where `user.requestDone`, it ends with `start`.
   * @param start the beginning of its body's data, or all of it, as Latin-1 text
   * @param fresh use a connection that is made for it
   */
  open(request: Request, start: string, user: ResponseUser, fresh: boolean): UpstreamStream;
  /** Connect, for bytes of any protocol. */
  connect(user: UpstreamUser): UpstreamConnection;
  /** Close idle connections. */
  close(): void;
}

/** A request that was begun: what every upstream protocol offers. */
export interface UpstreamStream {
  /** The connection is there. */
  readonly connected: boolean;
  /** The connection has served a request before: a close without an answer may be an idle connection's. */
  readonly reused: boolean;
  /** Nothing of the request has left yet: it may be sent elsewhere, whatever it is. */
  readonly unsent: boolean;
  /** What was written waits for the endpoint to read it. */
  readonly blocked: boolean;
  /**
   * Send a part of the request's body: its data, or the bytes of its chunks where `raw`.
   * @returns false when `onUpstreamDrain` should be waited for
   */
  write(data: Buffer, raw: boolean): boolean;
  /** The request's body is complete. @param trailers whole lines; of a raw body what is left to send */
  end(trailers: string, raw: boolean): void;
  /** Read on, after `onUpstreamData` said to stop. */
  resume(): void;
  /** End it; its user hears nothing more. */
  cancel(): void;
}

/** Who gets the response of an upstream stream: the exchange. */
export interface ResponseUser {
  /** The whole request has been handed over. */
  readonly requestDone: boolean;
  /** The connection is there. */
  onUpstreamConnect(): void;
  onUpstreamInterim(response: Response): void;
  /**
   * The final response's head. Where it lies in place (`response.inPlace`), `onUpstreamData` follows
   * in the same turn, perhaps with no bytes. A CHUNKED body is passed as the chunks it came in, unless
   * the user calls `response.dechunk()` here.
   */
  onUpstreamResponse(response: Response): void;
  /**
   * A part of the body: its data, or bytes of its chunks where `response.body` is CHUNKED. There are
   * HEADROOM bytes free before `start`, and TAILROOM after `end`, unless `from` is undefined.
   * @param from whose buffer `bytes` is; undefined when they belong to nobody else
   * @returns false to read no further
   */
  onUpstreamData(bytes: Buffer, start: number, end: number, from: ReadBuffer | undefined): boolean;
  /** The response is complete. @param trailers whole lines; of a CHUNKED body what is left to pass on */
  onUpstreamEnd(trailers: string): void;
  /** The endpoint switched protocols: the connection is the user's from here on. @param rest bytes of the new protocol */
  onUpstreamSwitch(response: Response, rest: Buffer, connection: UpstreamConnection): void;
  /** There will be no response, or no end of it. @param reason for logs */
  onUpstreamFailure(failure: UpstreamFailure, reason: string): void;
  /** More of the request may be sent. */
  onUpstreamDrain(): void;
  /** The upstream protocol's own code threw; its stream is gone. */
  onInternalError(error: unknown): void;
}

/** A cluster of one endpoint. */
export class SingleEndpoint implements Cluster {
  readonly #endpoint: Endpoint;
  readonly #health: { up(): void; down(reason: string): void };
  readonly #maxActive: number;

  /**
   * @param health is told of each connection that was made, or could not be
   * @param maxActive most requests and tunnels that are under way; further ones find no endpoint
   */
  constructor(endpoint: Endpoint, health: { up(): void; down(reason: string): void }, maxActive: number) {
    this.#endpoint = endpoint;
    this.#health = health;
    this.#maxActive = maxActive;
  }

  pick(): Endpoint | undefined {
    return this.#endpoint.active < this.#maxActive ? this.#endpoint : undefined;
  }
  onConnect(): void {
    this.#health.up();
  }
  onConnectFailure(_endpoint: Endpoint, reason: string): void {
    this.#health.down(reason);
  }
}
