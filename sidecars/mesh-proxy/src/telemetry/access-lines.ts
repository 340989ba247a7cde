/** What a line of a request or a connection holds, for the contract. */
import { TRACE_MEMBERS, type LogMembers } from '#kit/contract/logs.ts';

export const accessLines = {
  message: 'access',
  members: {
    began: { type: 'time', description: 'When it began, in UTC', always: true },
    direction: { type: 'text', description: '`inbound` or `outbound`', always: true },
    source: { type: 'text', description: 'The service that asks, as far as it is known', always: true },
    destination: { type: 'text', description: 'The service that is asked', always: true },
    sourcePrincipal: { type: 'text', description: 'SPIFFE id of the certificate that asks' },
    destinationPrincipal: { type: 'text', description: 'SPIFFE id of the certificate that answers' },
    mtls: { type: 'boolean', description: 'Both sides showed certificates of the mesh', always: true },
    protocol: { type: 'text', description: '`HTTP/1.1`, `HTTP/2`, `gRPC` or `TCP`', always: true },
    method: { type: 'text', description: 'The request’s method' },
    authority: { type: 'text', description: 'The request’s host' },
    path: { type: 'text', description: 'The request’s path with its query' },
    status: { type: 'count', description: 'Status of the answer; 0 where there was none' },
    grpcStatus: { type: 'text', description: 'Status of a gRPC call' },
    flags: { type: 'text', description: 'Envoy’s response flags with commas between, `-` for none', always: true },
    cause: { type: 'text', description: 'Why it did not go well, as a sentence' },
    durationMs: { type: 'number', description: 'How long it took, in milliseconds', always: true },
    requestBytes: { type: 'count', description: 'Bytes of the request’s body, or of the connection', always: true },
    responseBytes: { type: 'count', description: 'Bytes of the answer’s body, or of the connection', always: true },
    retries: { type: 'count', description: 'Further tries' },
    route: { type: 'text', description: 'The route that the request took' },
    cluster: { type: 'text', description: 'The cluster that the route named' },
    upstream: { type: 'text', description: 'The endpoint that was tried last' },
    originalDestination: { type: 'text', description: 'Where the connection was meant to go', always: true },
    client: { type: 'text', description: 'Address that the connection came from', always: true },
    traceId: TRACE_MEMBERS.traceId,
  },
} as const satisfies { readonly message: string; readonly members: LogMembers };
