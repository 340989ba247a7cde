/** Filter: a copy of a request for another cluster, whose answers nobody waits for. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import { discard } from '#proxy/upstream/discarded.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

/** Requests with longer bodies, in bytes, are not mirrored. */
const MAX_BODY = 64 * 1024;
/** How long an answer is waited for, in milliseconds, before the connection is given up. */
const TIMEOUT = 15_000;

export function mirror(context: () => ProxyContext): Filter {
  return {
    onRequest(exchange) {
      const mirrors = requestStateOf(exchange).route?.mirrors;
      if (mirrors === undefined || mirrors.length === 0) return;
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
  discard({
    context,
    request,
    // As Envoy marks it.
    authority: request.authority === '' ? '' : shadowOf(request.authority),
    body,
    cluster,
    downstream: exchange.downstream,
    timeout: TIMEOUT,
    onEnd: () => place.leave(),
  });
}

/** `shop:8080` becomes `shop-shadow:8080`. */
function shadowOf(authority: string): string {
  return authority.replace(/(?=:\d*$)|$/, '-shadow');
}
