/** The state of one request: what filters tell each other, and what the access log and metrics read at its end. */
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Place } from '../cluster/circuit-breaker.ts';
import type { CompiledRoute } from '../compile/route.ts';
import type { Connection } from './connection.ts';

/** Envoy's response flags, as far as they can happen here. */
export type ResponseFlag =
  | 'UH' // no healthy upstream
  | 'UF' // connecting failed
  | 'UO' // overflow: circuit breaking
  | 'NR' // no route
  | 'NC' // no such cluster
  | 'UT' // upstream's time is over
  | 'UC' // upstream closed the connection
  | 'UR' // upstream reset the stream
  | 'URX' // the limit of retries is reached
  | 'LR' // reset by the proxy
  | 'RL' // rate limited
  | 'DC' // the client went away
  | 'DI' // a delay was injected
  | 'FI' // a fault was injected
  | 'DPE' // the client broke the protocol
  | 'UPE' // the upstream broke the protocol
  | 'DT' // the client's body came too slowly
  | 'UAEX'; // denied by authorisation

export class RequestState {
  readonly exchange: FilteredExchange;
  readonly connection: Connection;
  readonly startedAt = performance.now();
  route: CompiledRoute | undefined;
  cluster: MeshCluster | undefined;
  /** Held in the cluster until the end. */
  place: Place | undefined;
  /** A retry is under way. */
  retrying = false;
  retries = 0;
  /** Another try was worth making, and the budget was spent. */
  retriesDenied = false;
  flags: readonly ResponseFlag[] = NONE;
  /** A sentence that says why it ended as it did, where that is known before the end. */
  cause: string | undefined;
  /** The answer is the proxy's own. */
  local = false;
  /** What was asked for, before it was rewritten. */
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** Of a page that the route's CORS policy allows. */
  corsOrigin: string | undefined;
  /** The request is gRPC's. */
  readonly grpc: boolean;
  grpcStatus: string | undefined;
  /** What a fault says instead of a status of HTTP. */
  injectedGrpcStatus: number | undefined;

  constructor(exchange: FilteredExchange) {
    const { request } = exchange;
    this.exchange = exchange;
    this.connection = exchange.downstream as Connection;
    this.method = request.method;
    this.target = request.target;
    this.authority = request.authority;
    this.grpc = request.acceptsTrailers && request.get('content-type')?.startsWith('application/grpc') === true;
  }

  flag(flag: ResponseFlag, cause?: string): void {
    if (!this.flags.includes(flag)) this.flags = [...this.flags, flag];
    if (cause !== undefined) this.cause ??= cause;
  }
}

const NONE: readonly ResponseFlag[] = [];

export function requestStateOf(exchange: FilteredExchange): RequestState {
  return (exchange.state ??= new RequestState(exchange)) as RequestState;
}
