/** From the state of the mesh to what each client sees of it. */
import { DraftMemo, sameItems } from './drafts.ts';
import { clusterFor, endpointsFor } from './resources/clusters.ts';
import { envoyClusters, envoyListener } from './resources/envoy.ts';
import { grpcDrafts } from './resources/grpc.ts';
import { inboundDrafts } from './resources/inbound.ts';
import { catchAll, namesDraft, portDrafts, unknownClusters } from './resources/outbound.ts';
import type { MeshState, ServiceState } from './resources/state.ts';
import { trustBundle } from './resources/tls.ts';
import {
  CDS,
  draft,
  EDS,
  LDS,
  ORDER,
  RDS,
  ResourceCache,
  ResourceSet,
  SDS,
  type Draft,
  type Resource,
  type TypeUrl,
  type View,
} from './types.ts';

/** What all clients share, and what the proxies of a service have besides. */
export class Views {
  readonly #memo = new DraftMemo();
  readonly #cache = new ResourceCache();
  #shape: Shape = { key: '', mesh: undefined };
  #shared = new Layer();
  #own = new Map<string, Layer>();
  /** Made once one has asked. */
  #envoy: Layer | undefined;
  #state: MeshState | undefined;

  /** What was made and encoded so far. */
  get work(): { readonly drafts: number; readonly encoded: number } {
    return { drafts: this.#memo.made, encoded: this.#cache.encoded };
  }

  /**
   * Take a new state.
   * @param state whose services are the same objects as before where nothing of them has changed
   * @param roots PEM of the trust domain's roots
   */
  update(state: MeshState, roots: string): void {
    this.#shape = shapeOf(state, this.#shape);
    this.#shared.set(this.#sharedDrafts(state, roots).map((each) => this.#cache.resource(each)));
    const own = new Map<string, Layer>();
    for (const service of state.services) {
      const drafts = this.#memo.of(`inbound ${service.name}`, [this.#shape, service], () =>
        inboundDrafts(state, service),
      );
      const layer = this.#own.get(service.name) ?? new Layer();
      layer.set(
        drafts.map((each) => this.#cache.resource(each, service.name)),
        this.#shared.view,
      );
      own.set(service.name, layer);
    }
    this.#own = own;
    this.#state = state;
    if (this.#envoy) this.#fillEnvoy(this.#envoy, state);
    this.#cache.sweep();
    this.#memo.sweep();
  }

  /** @param service whose proxy asks; undefined for clients that have no proxy's part */
  of(service: string | undefined): View {
    return ((service === undefined ? undefined : this.#own.get(service)) ?? this.#shared).view;
  }

  /** What an Envoy sees: listeners and clusters of its own, and the endpoints of all. */
  ofEnvoy(): View {
    if (this.#envoy === undefined) {
      this.#envoy = new Layer();
      if (this.#state) this.#fillEnvoy(this.#envoy, this.#state);
    }
    return this.#envoy.view;
  }

  #fillEnvoy(layer: Layer, state: MeshState): void {
    const memo = this.#memo;
    const shape = this.#shape;
    const drafts = [
      ...[...servicesByPort(state)].flatMap(([port, services]) =>
        memo.of(`envoy port ${port}`, [shape, ...services], () => envoyListener(port, services, state)),
      ),
      ...state.services.flatMap((service) =>
        memo.of(`envoy service ${service.name}`, [shape, service], () => envoyClusters(state, service)),
      ),
    ];
    layer.set(
      drafts.map((each) => this.#cache.resource(each, 'envoy')),
      { ...EMPTY, [EDS]: this.#shared.view[EDS] },
    );
  }

  #sharedDrafts(state: MeshState, roots: string): Draft[] {
    const memo = this.#memo;
    const shape = this.#shape;
    return [
      ...memo.of('roots', [roots], () => [
        draft('envoy.extensions.transport_sockets.tls.v3.Secret', 'ROOTCA', trustBundle(roots)),
      ]),
      ...[...servicesByPort(state)].flatMap(([port, services]) =>
        memo.of(`port ${port}`, [shape, ...services], () => portDrafts(port, services, state)),
      ),
      ...memo.of('unknown', [shape], () => [catchAll(state), ...unknownClusters()]),
      ...memo.of('names', state.services, () => namesDraft(state)),
      ...state.services.flatMap((service) =>
        memo.of(`service ${service.name}`, [shape, service], () => [
          ...grpcDrafts(state, service),
          ...clusterDrafts(state, service),
        ]),
      ),
    ];
  }
}

/** What parts of a service's resources depend on besides the service: the mesh's policy, and where others listen. */
interface Shape {
  readonly key: string;
  readonly mesh: MeshState['mesh'] | undefined;
}

function shapeOf({ mesh, trustDomain, namespace, services }: MeshState, former: Shape): Shape {
  const ports = services.map(
    ({ name, ports: each }) => `${name} ${each.map(({ port, protocol }) => `${port}/${protocol}`).join()}`,
  );
  const key = [trustDomain, namespace, ...ports].join('\n');
  return former.key === key && former.mesh === mesh ? former : { key, mesh };
}

/** Services that listen on a port, by port, in order. */
function servicesByPort({ services }: MeshState): Map<number, ServiceState[]> {
  const found = new Map<number, ServiceState[]>();
  for (const service of services)
    for (const { port } of service.ports) {
      const on = found.get(port);
      if (on) on.push(service);
      else found.set(port, [service]);
    }
  return new Map([...found].toSorted(([a], [b]) => a - b));
}

const clusterDrafts = (state: MeshState, service: ServiceState): Draft[] =>
  service.ports.flatMap((port) =>
    [undefined, ...Object.keys(service.policy.subsets ?? {})].flatMap((subset) => {
      const place = { state, service, port, subset };
      const cluster = clusterFor(place);
      return [
        draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster),
        draft('envoy.config.endpoint.v3.ClusterLoadAssignment', cluster.name!, endpointsFor(place)),
      ];
    }),
  );

const NONE = new ResourceSet([]);
const EMPTY: View = { [CDS]: NONE, [EDS]: NONE, [LDS]: NONE, [RDS]: NONE, [SDS]: NONE };

/** A view that stays the same object, part by part, as long as its content does. */
class Layer {
  view: View = EMPTY;
  #resources = new Map<TypeUrl, readonly Resource[]>();
  #base: View = EMPTY;

  set(resources: readonly Resource[], base: View = EMPTY): void {
    const byType = Map.groupBy(resources, ({ any }) => any.type_url as TypeUrl);
    const parts = ORDER.map((type): [TypeUrl, ResourceSet] => {
      const own = byType.get(type) ?? [];
      const same = base[type] === this.#base[type] && sameItems(own, this.#resources.get(type) ?? []);
      if (same) return [type, this.view[type]];
      return [type, own.length === 0 ? base[type] : new ResourceSet(own, base[type])];
    });
    if (parts.some(([type, set]) => this.view[type] !== set)) this.view = Object.fromEntries(parts) as unknown as View;
    this.#resources = byType;
    this.#base = base;
  }
}
