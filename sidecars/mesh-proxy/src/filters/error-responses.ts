/**
 * Filter: the proxy's own answers to failures say what failed; to gRPC they are a status of gRPC, since its clients
 * make nothing of another (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 */
import type { Filter } from '#proxy/filters/filter.ts';
import type { Reply } from '#proxy/http/reply.ts';
import { plainReply } from '#proxy/http/responses.ts';
import { failureSentence } from '../stream-info/causes.ts';
import { requestStateOf, type RequestState } from '../stream-info/request-state.ts';

const GRPC_STATUS: Readonly<{ [status: number]: number }> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const UNKNOWN = 2;

export const errorResponses: Filter = {
  onResponse(exchange, { status }) {
    const record = requestStateOf(exchange);
    if (exchange.failure !== undefined && !record.local) {
      record.local = true;
      record.cause ??= failureSentence(record, exchange.failure);
      return record.grpc ? grpcReply(record, status) : plainReply(status, 0, record.cause);
    }
    return record.local && record.grpc ? grpcReply(record, status) : undefined;
  },
};

function grpcReply(record: RequestState, status: number): Reply {
  const code = record.injectedGrpcStatus ?? GRPC_STATUS[status] ?? UNKNOWN;
  record.grpcStatus = String(code);
  const message = (record.cause ?? '').replace(/[^ -$&-~]+/g, encodeURIComponent);
  return {
    status: 200,
    fields: [
      ['content-type', 'application/grpc'],
      ['grpc-status', String(code)],
      ['grpc-message', message],
    ],
  };
}
