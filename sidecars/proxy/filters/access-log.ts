/** A line for each request. */
import type { Parameters, Values } from '#kit/contract/parameters.ts';
import { TRACE_MEMBERS, type LogMembers } from '#kit/contract/logs.ts';
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

/** What its lines hold, for a contract. */
export const accessLines = {
  message: 'request',
  members: {
    request: { type: 'text', description: 'Method and path, without the query, which may hold secrets', always: true },
    status: { type: 'count', description: 'Status of the answer; 0 where there was none', always: true },
    outcome: { type: 'text', description: 'How it ended, where the answer is not complete' },
    durationMs: {
      type: 'number',
      description: 'From its first byte to the answer’s last, in milliseconds',
      always: true,
    },
    requestBytes: { type: 'count', description: 'Bytes of the request’s body', always: true },
    responseBytes: { type: 'count', description: 'Bytes of the answer’s body', always: true },
    client: { type: 'text', description: 'Address of the connection', always: true },
    route: { type: 'text', description: 'The rule or route that the path matched' },
    ...TRACE_MEMBERS,
  },
} as const satisfies { readonly message: string; readonly members: LogMembers };

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
