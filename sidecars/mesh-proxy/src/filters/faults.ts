/** Filter: delays and failures that a route asks for, to see what callers do about them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Fault } from '#mesh/model/policy.ts';
import { refuse } from './refuse.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';

export const faults: Filter = {
  onRequest(exchange) {
    const record = requestStateOf(exchange);
    const compiled = record.route?.fault;
    if (compiled === undefined || compiled.applies?.(exchange.request) === false) return;
    const { fault } = compiled;
    if (fault.delay !== undefined && byChance(fault.delay.percent))
      return afterDelay(record, exchange, fault, fault.delay.duration);
    return abort(record, fault);
  },
};

async function afterDelay(
  record: RequestState,
  exchange: FilteredExchange,
  fault: Fault,
  duration: number,
): Promise<Reply | undefined> {
  record.flag('DI');
  await delay(duration, undefined, { signal: exchange.signal });
  return abort(record, fault);
}

function abort(record: RequestState, fault: Fault): Reply | undefined {
  if (fault.abort === undefined || !byChance(fault.abort.percent)) return undefined;
  record.injectedGrpcStatus = fault.abort.grpcStatus;
  return refuse(record, fault.abort.status, 'FI', `The route ${record.route!.name} makes it fail, as a test.`);
}

function byChance(percent: number): boolean {
  return percent >= 100 || Math.random() * 100 < percent;
}
