/** Filter: tells browsers what pages of other origins may do (Fetch Standard, CORS protocol), as Envoy's CORS filter. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { CompiledCors } from '../compile/route.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';

/** Around the filter that explains failures: a page may read these answers, too. */
export const cors: Filter = {
  onResponse(exchange, response) {
    const { route, corsOrigin } = requestStateOf(exchange);
    if (route?.cors === undefined) return;
    // A cache must not give one origin's answer to another.
    if (response.get('vary')?.toLowerCase().includes('origin') !== true) response.append('Vary', 'Origin');
    if (corsOrigin === undefined) return;
    for (const [name, value] of granted(route.cors, corsOrigin)) response.set(name, value);
    const { exposeHeaders } = route.cors.cors;
    if (exposeHeaders !== undefined) response.set('Access-Control-Expose-Headers', exposeHeaders);
  },
};

/** Note an origin that the route allows. @returns the answer to its preflight request; undefined for any other request */
export function preflight(record: RequestState, request: Request): Reply | undefined {
  const policy = record.route?.cors;
  const origin = policy && request.get('origin');
  if (policy === undefined || origin === undefined || !policy.isAllowed(origin)) return undefined;
  record.corsOrigin = origin;
  const asks = record.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
  return asks ? preflightReply(record, policy, origin) : undefined;
}

type Field = [name: string, value: string];

const granted = ({ cors: { credentials } }: CompiledCors, origin: string): Field[] => [
  ['Access-Control-Allow-Origin', origin],
  ...(credentials === true ? [['Access-Control-Allow-Credentials', 'true'] as Field] : []),
];

function preflightReply(record: RequestState, policy: CompiledCors, origin: string): Reply {
  const { methods, headers, maxAge } = policy.cors;
  const optional = {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': headers,
    'Access-Control-Max-Age': maxAge,
  };
  record.local = true;
  record.cause = `The route ${record.route!.name} answers a preflight request.`;
  return {
    status: 200,
    fields: [
      ...granted(policy, origin),
      ...Object.entries(optional).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as Field])),
    ],
  };
}
