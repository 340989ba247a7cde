/** The gRPC services of discovery: what is read from clients, and how responses are written. */
import type { ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { ClientStream, Response, StreamOptions, TypeStatus } from './client-stream.ts';
import { DeltaStream } from './delta.ts';
import { decode, encode, type Requests } from './resources/messages.ts';
import type { Resource, View } from './resources/types.ts';
import { WorldStream } from './state-of-the-world.ts';

const WORLD = 'envoy.service.discovery.v3.DiscoveryRequest';
const DELTA = 'envoy.service.discovery.v3.DeltaDiscoveryRequest';

/** What is looked at in a request of either variant. */
export type DiscoveryRequest = Requests[typeof WORLD] | Requests[typeof DELTA];
export type AdsCall = ServerDuplexStream<DiscoveryRequest, Buffer>;

/** One variant of the protocol. */
export interface Variant {
  /** A stream of it. @returns it, and what gives it a request */
  open(
    view: View,
    send: (response: Response) => void,
    options: StreamOptions,
  ): { readonly stream: ClientStream; readonly take: (request: DiscoveryRequest) => 'ack' | 'nack' | undefined };
  /** A response without what differs from client to client: it is encoded once for all that get the same. */
  readonly shared: (type: string, version: string, resources: readonly Resource[]) => Buffer;
  /** The rest of it: a later field of a message may stand apart. */
  readonly own: (response: Response) => Buffer;
}

const CONTROL_PLANE = { identifier: 'sidecar-stacks' };
const errorOf = ({ error_detail }: DiscoveryRequest): string | undefined => error_detail?.message;

export const STATE_OF_THE_WORLD: Variant = {
  open: (view, send, options) => {
    const stream = new WorldStream(view, send, options);
    const take = (request: Requests[typeof WORLD]) =>
      stream.request({
        type: request.type_url,
        nonce: request.response_nonce,
        names: request.resource_names,
        error: errorOf(request),
      });
    return { stream, take: take as (request: DiscoveryRequest) => 'ack' | 'nack' | undefined };
  },
  shared: (type_url, version_info, resources) =>
    encode('envoy.service.discovery.v3.DiscoveryResponse', {
      type_url,
      version_info,
      resources: resources.map(({ any }) => any),
      control_plane: CONTROL_PLANE,
    }),
  own: ({ nonce }) => encode('envoy.service.discovery.v3.DiscoveryResponse', { nonce }),
};

export const INCREMENTAL: Variant = {
  open: (view, send, options) => {
    const stream = new DeltaStream(view, send, options);
    const take = (request: Requests[typeof DELTA]) =>
      stream.request({
        type: request.type_url,
        nonce: request.response_nonce,
        subscribe: request.resource_names_subscribe,
        unsubscribe: request.resource_names_unsubscribe,
        known: request.initial_resource_versions,
        error: errorOf(request),
      });
    return { stream, take: take as (request: DiscoveryRequest) => 'ack' | 'nack' | undefined };
  },
  shared: (type_url, system_version_info, resources) =>
    encode('envoy.service.discovery.v3.DeltaDiscoveryResponse', {
      type_url,
      system_version_info,
      resources: resources.map(({ name, hash, any }) => ({ name, version: hash, resource: any })),
      control_plane: CONTROL_PLANE,
    }),
  own: ({ nonce, removed }) =>
    encode('envoy.service.discovery.v3.DeltaDiscoveryResponse', { nonce, removed_resources: [...removed] }),
};

const same = (bytes: Buffer): Buffer => bytes;
const method = (path: string, requestStream: boolean, requestDeserialize: (bytes: Buffer) => unknown) => ({
  path,
  requestStream,
  responseStream: requestStream,
  requestSerialize: same,
  requestDeserialize,
  responseSerialize: same,
  responseDeserialize: same,
});
const ads = (name: string, request: typeof WORLD | typeof DELTA) =>
  method(`/envoy.service.discovery.v3.AggregatedDiscoveryService/${name}`, true, (bytes) => decode(request, bytes));
const csds = (name: string, stream: boolean) =>
  method(`/envoy.service.status.v3.ClientStatusDiscoveryService/${name}`, stream, (bytes) =>
    decode('envoy.service.status.v3.ClientStatusRequest', bytes),
  );

/** Aggregated discovery. */
export const ADS: ServiceDefinition = {
  StreamAggregatedResources: ads('StreamAggregatedResources', WORLD),
  DeltaAggregatedResources: ads('DeltaAggregatedResources', DELTA),
};

/** The status of its clients. */
export const CSDS: ServiceDefinition = {
  FetchClientStatus: csds('FetchClientStatus', false),
  StreamClientStatus: csds('StreamClientStatus', true),
};

interface ClientStatus {
  readonly id: string;
  readonly userAgent: string;
  readonly types: readonly TypeStatus[];
}

/** What each client has, and what it refused. */
export const statusOf = (clients: readonly ClientStatus[]): Buffer =>
  encode('envoy.service.status.v3.ClientStatusResponse', {
    config: clients.map(({ id, userAgent, types }) => ({
      node: { id, user_agent_name: userAgent },
      generic_xds_configs: types.map(({ type, state, version, refused }) => ({
        type_url: type,
        version_info: version ?? '',
        config_status: state,
        ...(refused && {
          error_state: {
            details: refused.reason,
            version_info: refused.version,
            last_update_attempt: { seconds: Math.floor(refused.at / 1000) },
          },
        }),
      })),
    })),
  });
