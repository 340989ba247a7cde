/** A line for each request. */
import type { Parameters, Values } from '#kit/contract/parameters.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Filter } from './filter.ts';

export const accessLogParameters = {
  ACCESS_LOG: {
    type: 'boolean',
    default: 'false',
    description:
      'Writes a line for each request, whatever LOG_LEVEL says; with LOG_LEVEL=debug there is one in any case',
  },
} as const satisfies Parameters;

export interface AccessLogOptions {
  readonly parameters: Values<typeof accessLogParameters>;
  readonly log: Logger;
}

/** @returns the last of a proxy's filters: none where no request is written down */
export function accessLog({ parameters, log }: AccessLogOptions): readonly Filter[] {
  if (parameters.ACCESS_LOG) {
    const lines = log.child({}, { level: 'info' });
    return [filterTo((line) => lines.info(line, 'request'))];
  }
  return log.isLevelEnabled('debug') ? [filterTo((line) => log.debug(line, 'request'))] : [];
}

const filterTo = (write: (line: object) => void): Filter => ({
  onEnd({ request, status, outcome, downstream, startedAt, received, sent, route, span }) {
    write({
      // The query is left out: it may hold secrets.
      request: `${request.method} ${request.path}`,
      status,
      ...(outcome !== 'complete' && { outcome }),
      durationMs: Math.round((performance.now() - startedAt) * 1000) / 1000,
      requestBytes: received,
      responseBytes: sent,
      client: downstream.remoteAddress,
      ...(route !== undefined && { route }),
      ...(span && { traceId: span.traceId, spanId: span.spanId }),
    });
  },
});
