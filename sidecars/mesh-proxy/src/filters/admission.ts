/** Filter: a place in the cluster for each request, or a refusal (circuit breaking). */
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Place } from '../cluster/circuit-breaker.ts';
import { refuse } from './refuse.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';

export const admission: Filter = {
  onRequest(exchange) {
    const record = requestStateOf(exchange);
    const { cluster } = record;
    if (cluster === undefined) return;
    const entered = cluster.limits.enter(record.connection.protocol !== 'h2', () => exchange.signal);
    if (entered instanceof Promise) return admitLater(record, exchange, entered);
    return admit(record, entered);
  },
  onEnd(exchange) {
    const record = requestStateOf(exchange);
    record.place?.leave();
    if (record.retrying) record.cluster?.limits.retries.end();
  },
};

function admit(record: RequestState, place: Place | undefined): Reply | undefined {
  record.place = place;
  if (place !== undefined) return undefined;
  return refuse(record, 503, 'UO', `${record.cluster!.name} has as much under way as its circuit breaker allows.`);
}

async function admitLater(
  record: RequestState,
  exchange: FilteredExchange,
  entering: Promise<Place | undefined>,
): Promise<Reply | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = exchange.timeout === Infinity ? undefined : setTimeout(() => resolve('late'), exchange.timeout);
  try {
    const first = await Promise.race([entering, late]);
    if (first === 'late') {
      // The request has been refused already: give its place back.
      void entering.then((place) => place?.leave());
      return refuse(record, 504, 'UT', `No connection to ${record.cluster!.name} became free in time.`);
    }
    if (!exchange.signal.aborted) return admit(record, first);
    first?.leave();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
