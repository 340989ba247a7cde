/** From the state of the mesh to what each client sees of it. */
import { clusterFor, endpointsFor } from './resources/clusters.ts';
import { grpcDrafts } from './resources/grpc.ts';
import { inboundDrafts } from './resources/inbound.ts';
import { outboundDrafts } from './resources/outbound.ts';
import type { MeshState } from './resources/state.ts';
import { trustBundle } from './resources/tls.ts';
import {
  CDS,
  draft,
  EDS,
  LDS,
  RDS,
  ResourceCache,
  SDS,
  type Draft,
  type Resource,
  type TypeUrl,
  type View,
} from './types.ts';

/** What all clients share, and what the proxies of a service have besides. */
export class Views {
  readonly #cache = new ResourceCache();
  #shared: View = EMPTY;
  #own = new Map<string, View>();

  /**
   * Take a new state.
   * @param roots PEM of the trust domain's roots
   */
  update(state: MeshState, roots: string): void {
    const shared = [
      draft('envoy.extensions.transport_sockets.tls.v3.Secret', 'ROOTCA', trustBundle(roots)),
      ...outboundDrafts(state),
      ...grpcDrafts(state),
      ...state.services.flatMap((service) =>
        service.ports.flatMap((port) =>
          [undefined, ...Object.keys(service.policy.subsets ?? {})].flatMap((subset) => {
            const place = { state, service, port, subset };
            const cluster = clusterFor(place);
            return [
              draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster),
              draft('envoy.config.endpoint.v3.ClusterLoadAssignment', cluster.name!, endpointsFor(place)),
            ];
          }),
        ),
      ),
    ];
    this.#shared = viewOf(shared.map((each) => this.#cache.resource(each)));
    this.#own = new Map(
      state.services.map((service) => {
        const drafts: Draft[] = inboundDrafts(state, service);
        return [
          service.name,
          viewOf(
            drafts.map((each) => this.#cache.resource(each, service.name)),
            this.#shared,
          ),
        ];
      }),
    );
    this.#cache.sweep();
  }

  /** @param service whose proxy asks; undefined for clients that have no proxy's part */
  of(service: string | undefined): View {
    return (service === undefined ? undefined : this.#own.get(service)) ?? this.#shared;
  }
}

const EMPTY: View = { [CDS]: new Map(), [EDS]: new Map(), [LDS]: new Map(), [RDS]: new Map(), [SDS]: new Map() };

function viewOf(resources: readonly Resource[], base: View = EMPTY): View {
  const view = { ...base } as Record<TypeUrl, Map<string, Resource>>;
  for (const type of new Set(resources.map(({ any }) => any.type_url as TypeUrl))) view[type] = new Map(base[type]);
  for (const resource of resources) view[resource.any.type_url as TypeUrl].set(resource.name, resource);
  return view;
}
