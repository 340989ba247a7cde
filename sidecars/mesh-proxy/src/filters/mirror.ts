/** Filter: a copy of a request for another cluster, whose answers nobody waits for. */
import type { ProxyContext } from '#proxy/context.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { LENGTH, NO_BODY } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { ResponseUser } from '#proxy/upstream/cluster.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import { UpstreamRequest } from '#proxy/upstream/request.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Place } from '../cluster/limits.ts';
import { recordOf } from './record.ts';

/** Requests with longer bodies, in bytes, are not mirrored. */
const MAX_BODY = 64 * 1024;
/** How long an answer is waited for, in milliseconds, before the connection is given up. */
const TIMEOUT = 15_000;

export function mirror(context: () => ProxyContext): Filter {
  return {
    onRequest(exchange) {
      const mirrors = recordOf(exchange).route?.mirrors ?? [];
      const chosen = mirrors.filter(({ percent }) => percent >= 100 || Math.random() * 100 < percent);
      if (chosen.length === 0 || exchange.request.upgrade !== '') return;
      if (exchange.request.body === NO_BODY) {
        for (const { cluster } of chosen) send(context(), exchange, cluster, '');
        return;
      }
      return copyBody(context(), exchange, chosen);
    },
  };
}

async function copyBody(
  context: ProxyContext,
  exchange: FilteredExchange,
  chosen: readonly { readonly cluster: MeshCluster }[],
): Promise<undefined> {
  const body = await exchange.readBody(MAX_BODY);
  if (body !== undefined) for (const { cluster } of chosen) send(context, exchange, cluster, body.toString('latin1'));
}

function send(context: ProxyContext, exchange: FilteredExchange, cluster: MeshCluster, body: string): void {
  const place = cluster.limits.enter(false, () => exchange.signal);
  // A mirror that has too much to do already gets nothing more.
  if (place === undefined || place instanceof Promise) return;
  const { request } = exchange;
  const copy = new Request({
    method: request.method,
    target: request.target,
    // As Envoy marks it.
    authority: request.authority === '' ? '' : shadowOf(request.authority),
    lines: request.lines(),
    body: body === '' ? NO_BODY : LENGTH,
    length: body.length,
    acceptsTrailers: request.acceptsTrailers,
  });
  new Mirrored(context, copy, exchange, cluster, place).begin(body);
}

/** `shop:8080` becomes `shop-shadow:8080`. */
function shadowOf(authority: string): string {
  return authority.replace(/(?=:\d*$)|$/, '-shadow');
}

/** Reads an answer to its end, for nobody. */
class Mirrored implements ResponseUser {
  readonly requestDone = true;
  readonly #upstream: UpstreamRequest;
  readonly #place: Place;
  readonly #context: ProxyContext;
  readonly #timer: NodeJS.Timeout;

  constructor(context: ProxyContext, request: Request, exchange: FilteredExchange, cluster: MeshCluster, place: Place) {
    this.#context = context;
    this.#place = place;
    this.#upstream = new UpstreamRequest(context, this, {
      request,
      cluster,
      downstream: exchange.downstream,
      timeout: TIMEOUT,
      sendsChunks: false,
    });
    this.#timer = setTimeout(() => this.#late(), TIMEOUT).unref();
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
    this.#end();
  }
  #end(): void {
    clearTimeout(this.#timer);
    this.#place.leave();
  }
  onUpstreamConnect(): void {}
  onUpstreamInterim(): void {}
  onUpstreamResponse(): void {}
  onUpstreamData(): boolean {
    return true;
  }
  onUpstreamEnd(): void {
    this.#end();
  }
  onUpstreamSwitch(_response: unknown, _rest: Buffer, connection: UpstreamConnection): void {
    connection.destroy();
    this.#end();
  }
  onUpstreamFailure(): void {
    this.#end();
  }
  onUpstreamDrain(): void {}
  onInternalError(error: unknown): void {
    this.#context.stats.internalError();
    this.#context.log.error({ err: error }, 'a mirrored request failed');
    this.#end();
  }
}
