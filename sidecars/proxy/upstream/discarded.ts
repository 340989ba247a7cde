/** A copy of a request whose answer nobody waits for: it is read to its end and thrown away. */
import type { UpstreamContext } from './context.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { LENGTH, NO_BODY } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { Cluster, ResponseUser } from './cluster.ts';
import type { UpstreamConnection } from './connection.ts';
import { UpstreamRequest } from './request.ts';

export interface DiscardOptions {
  readonly context: UpstreamContext;
  /** What is copied. */
  readonly request: Request;
  /** The copy's authority; the request's own where absent. */
  readonly authority?: string;
  /** All of the request's body, as Latin-1 text. */
  readonly body: string;
  readonly cluster: Cluster;
  readonly downstream: DownstreamInfo;
  /** How long the copy may take to the end of its answer, in milliseconds; then it is given up. */
  readonly timeout: number;
  /** Called once. @param answered the answer came to its end */
  readonly onEnd: (answered: boolean) => void;
}

/** Send a copy. */
export function discard(options: DiscardOptions): void {
  new Discarded(options).begin(options.body);
}

class Discarded implements ResponseUser {
  readonly requestDone = true;
  readonly #upstream: UpstreamRequest;
  readonly #options: DiscardOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: DiscardOptions) {
    const { context, request, authority = request.authority, body, cluster, downstream, timeout } = options;
    this.#options = options;
    this.#upstream = new UpstreamRequest(context, this, {
      request: new Request({
        method: request.method,
        target: request.target,
        authority,
        lines: request.lines(),
        body: body === '' ? NO_BODY : LENGTH,
        length: body.length,
        acceptsTrailers: request.acceptsTrailers,
      }),
      cluster,
      downstream,
      timeout,
      sendsChunks: false,
    });
    this.#timer = setTimeout(() => this.#late(), timeout).unref();
  }

  begin(body: string): void {
    try {
      this.#upstream.begin(body);
    } catch (error) {
      this.onInternalError(error);
    }
  }

  #late(): void {
    this.#upstream.cancel();
    this.#end(false);
  }
  #end(answered: boolean): void {
    clearTimeout(this.#timer);
    this.#options.onEnd(answered);
  }
  onUpstreamConnect(): void {}
  onUpstreamInterim(): void {}
  onUpstreamResponse(): void {}
  onUpstreamData(): boolean {
    return true;
  }
  onUpstreamEnd(): void {
    this.#end(true);
  }
  onUpstreamSwitch(_response: unknown, _rest: Buffer, connection: UpstreamConnection): void {
    connection.destroy();
    this.#end(false);
  }
  onUpstreamFailure(): void {
    this.#end(false);
  }
  onUpstreamDrain(): void {}
  onInternalError(error: unknown): void {
    const { stats, log } = this.#options.context;
    stats.internalError();
    log.error({ err: error }, 'a mirrored request failed');
    this.#end(false);
  }
}
