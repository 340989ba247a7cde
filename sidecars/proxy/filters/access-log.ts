/** A line for each request, at debug level. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Filter } from './filter.ts';

/** The query is left out: it may hold secrets. */
export function accessLog(log: Pick<Logger, 'debug'>): Filter {
  return {
    onEnd({ request, status, outcome, downstream, span }) {
      log.debug(
        {
          request: `${request.method} ${request.path}`,
          status,
          ...(outcome !== 'complete' && { outcome }),
          client: downstream.remoteAddress,
          ...(span && { traceId: span.traceId, spanId: span.spanId }),
        },
        'request',
      );
    },
  };
}
