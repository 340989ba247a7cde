/** A request or connection that is over, as a span. */
import { failureEvent, type Attributes, type SpanContext, type SpanRecord } from '#kit/tracing/span.ts';
import { METHODS } from '#proxy/http/methods.ts';
import { spanName } from '#proxy/tracing/name.ts';
import type { AccessEntry, Ended } from './access-log.ts';

/** By OpenTelemetry's conventions for HTTP, of a client where it leaves the pod, of a server where it enters. */
export function spanOf(context: SpanContext, ended: Ended): SpanRecord {
  const entry = ended.entry();
  const { pattern } = ended;
  const start = ended.began;
  const end = start + entry.durationMs;
  const { protocol, method, status, cause } = entry;
  const known = method !== undefined && METHODS.has(method);
  const outbound = entry.direction === 'outbound';
  // A client's failure is any status from 400 on, a server's from 500 on.
  const failed = cause !== undefined || (status ?? 0) >= (outbound ? 400 : 500);
  const type = status !== undefined && status >= 400 ? String(status) : entry.flags;
  return {
    context,
    name: protocol === 'TCP' ? 'TCP' : spanName(method, pattern),
    kind: outbound ? 'client' : 'server',
    start,
    end,
    attributes: {
      'http.request.method': known || method === undefined ? method : '_OTHER',
      'http.request.method_original': known ? undefined : method,
      'url.path': entry.path?.split('?', 1)[0],
      [outbound ? 'url.template' : 'http.route']: pattern,
      'server.address': entry.authority,
      'http.response.status_code': status,
      'rpc.grpc.status_code': entry.grpcStatus === undefined ? undefined : Number(entry.grpcStatus),
      'error.type': failed ? type : undefined,
      'peer.service': outbound ? entry.destination : entry.source,
      ...(protocol === 'TCP' && relayed(entry)),
      response_flags: entry.flags,
    },
    events: cause === undefined ? [] : [failureEvent(end, type, cause)],
    error: failed ? (cause ?? `The answer’s status is ${status}.`) : undefined,
  };
}

/** Of a connection: bytes by who sent them. */
const relayed = ({ requestBytes, responseBytes, upstream }: AccessEntry): Attributes => ({
  'network.transport': 'tcp',
  'mesh.received_bytes': requestBytes,
  'mesh.sent_bytes': responseBytes,
  'network.peer.address': upstream,
});
