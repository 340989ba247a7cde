/** Filter: what reached the pod goes to the address that it was meant for, as its caller wrote it. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { Application } from '../destination/application.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

const XFCC = 'X-Forwarded-Client-Cert';

export function toApplication(application: Application): Filter {
  return {
    onRequest(exchange) {
      const record = requestStateOf(exchange);
      const { connection } = record;
      const { request } = exchange;
      // Who called is known by mTLS alone: what the request itself says of it is not, however it is spelt.
      request.delete(XFCC);
      if (connection.peer !== undefined) request.appendLines(`${XFCC}: ${connection.peer.xfcc}\r\n`);
      record.cluster = application.to(connection.destination);
      exchange.cluster = record.cluster;
      exchange.timeout = Infinity;
    },
  };
}
