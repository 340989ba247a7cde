/** Filter: tells callers of the mesh that their request reached no application. */
import type { Filter } from '#proxy/filters/filter.ts';
import { plainReply } from '#proxy/http/responses.ts';
import { UNREACHED, UNREACHED_STATUS, unreachedValue } from '../cluster/unreached.ts';
import { recordOf } from './record.ts';

/** Round the filter that explains, which may have made a status of gRPC of the answer. */
export const unreached: Filter = {
  onResponse(exchange, response) {
    const { failure } = exchange;
    if (failure === undefined) {
      // What the application itself says of this is no word of a proxy.
      if (response.status === UNREACHED_STATUS) response.delete(UNREACHED);
      return undefined;
    }
    const { connection, cause } = recordOf(exchange);
    if ((failure !== 'connect' && failure !== 'connect_timeout') || connection.peer === undefined) return undefined;
    const value = unreachedValue(exchange.failureReason);
    if (response.status === UNREACHED_STATUS) {
      response.append(UNREACHED, value);
      return undefined;
    }
    const { fields = [], ...reply } = plainReply(UNREACHED_STATUS, 0, cause);
    return { ...reply, fields: [...fields, [UNREACHED, value]] };
  },
};
