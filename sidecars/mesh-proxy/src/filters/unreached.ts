/** Filter: tells callers of the mesh that their request reached no application, or that it was lost there. */
import type { Filter } from '#proxy/filters/filter.ts';
import { plainReply } from '#proxy/http/responses.ts';
import { LOST, LOST_STATUS, UNREACHED, UNREACHED_STATUS, unreachedValue } from '../cluster/unreached.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

/** Round the filter that explains, which may have made a status of gRPC of the answer. */
export const unreached: Filter = {
  onResponse(exchange, response) {
    const { failure } = exchange;
    if (failure === undefined) {
      // What the application itself says of this is no word of a proxy.
      if (response.status === UNREACHED_STATUS) response.delete(UNREACHED);
      else if (response.status === LOST_STATUS) response.delete(LOST);
      return undefined;
    }
    const { connection, cause } = requestStateOf(exchange);
    if (connection.peer === undefined) return undefined;
    const value = unreachedValue(exchange.failureReason);
    if (failure === 'closed' && response.status === LOST_STATUS) response.append(LOST, value);
    if (failure !== 'connect' && failure !== 'connect_timeout') return undefined;
    if (response.status === UNREACHED_STATUS) {
      response.append(UNREACHED, value);
      return undefined;
    }
    const { fields = [], ...reply } = plainReply(UNREACHED_STATUS, 0, cause);
    return { ...reply, fields: [...fields, [UNREACHED, value]] };
  },
};
