/** Filter: headers that a route, or a port of the application, sets, adds or removes. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { Fields } from '#proxy/http/fields.ts';
import type { HeaderEdits } from '#mesh/model/policy.ts';
import { requestStateOf } from '../stream-info/request-state.ts';

export const headerEdits: Filter = {
  onRequest(exchange) {
    const { route, connection } = requestStateOf(exchange);
    edit(exchange.request, route?.requestHeaders ?? connection.port?.model.requestHeaders);
  },
  onResponse(exchange, response) {
    const { route, connection } = requestStateOf(exchange);
    edit(response, route?.responseHeaders ?? connection.port?.model.responseHeaders);
  },
};

function edit(fields: Fields, edits: HeaderEdits | undefined): void {
  if (edits === undefined) return;
  for (const name of edits.remove ?? []) fields.delete(name);
  for (const [name, value] of Object.entries(edits.set ?? {})) fields.set(name, value);
  for (const [name, value] of Object.entries(edits.add ?? {})) fields.append(name, value);
}
