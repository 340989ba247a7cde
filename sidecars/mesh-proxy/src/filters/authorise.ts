/** Filter: who may do what at the application. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { Snapshot } from '../compile/snapshot.ts';
import { refuse } from './refuse.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

/** Why STRICT refuses; the end of a sentence. */
export const PLAINTEXT_REFUSED = 'it came in the clear, and only mTLS of the mesh is let in here (STRICT)';

export function authorise(snapshot: () => Snapshot): Filter {
  return {
    onRequest(exchange) {
      const record = requestStateOf(exchange);
      const { connection } = record;
      if (connection.port?.mtls === 'STRICT' && connection.peer === undefined)
        return refuse(record, 403, 'UAEX', `The request is refused: ${PLAINTEXT_REFUSED}.`);
      const refusal = snapshot().authorizer.check({
        identity: connection.peer?.id.text,
        address: connection.remoteAddress,
        port: connection.destination.port,
        http: exchange.request,
      });
      if (refusal === undefined) return;
      const who = connection.peer?.id.text ?? 'a caller without an identity';
      return refuse(
        record,
        403,
        'UAEX',
        `${record.method} ${exchange.request.path} from ${who} is refused: ${refusal}.`,
      );
    },
  };
}
