/** Methods of RFC 9110 and RFC 5789; telemetry calls further ones `_OTHER`, as OpenTelemetry does: clients invent them without end. */
export const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]);
