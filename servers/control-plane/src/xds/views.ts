/** From the state of the mesh to what each client sees of it. */
import { errorOf } from './boundary.ts';
import { DraftMemo, sameItems } from './drafts.ts';
import { withStandIns, type Failures, type StandIn } from './held.ts';
import { clusterFor, endpointsFor } from './resources/clusters.ts';
import { envoyClusters, envoyListener } from './resources/envoy.ts';
import { grpcDrafts } from './resources/grpc.ts';
import { inboundDrafts } from './resources/inbound.ts';
import { callersOf, catchAll, namesDraft, portDrafts, routesDraft, unknownClusters } from './resources/outbound.ts';
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
} from './resources/types.ts';

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
  /** Services that could not be made the last time. */
  #failures: Failures = new Map();

  /** What was made and encoded so far. */
  get work(): { readonly drafts: number; readonly encoded: number } {
    return { drafts: this.#memo.made, encoded: this.#cache.encoded };
  }

  /**
   * Take a new state. A service that cannot be made or encoded stays as it was taken last, or is left out.
   * @param wanted whose services are the same objects as before where nothing of them has changed
   * @param roots PEM of the trust domain's roots
   * @param unmade services that are to be there and could not even be put together
   * @returns the state that was taken, and why services of it are not as they are wanted
   * @throws what is no service's fault: then all clients see what they saw before
   */
  update(
    wanted: MeshState,
    roots: string,
    unmade: Failures = new Map(),
  ): { readonly state: MeshState; readonly failures: Failures } {
    const failures = new Map(unmade);
    const standIns = new Map<string, StandIn>([...unmade.keys()].map((name) => [name, 'last']));
    const last = this.#state?.services ?? [];
    const fail = (found: Failures): void => {
      for (const [name, error] of found) {
        if (!failures.has(name)) failures.set(name, error);
        // What fails in the place of another is not there either.
        standIns.set(name, standIns.has(name) ? 'nothing' : 'last');
      }
    };
    // What failed the last time is looked at by itself first, so that it costs the others nothing.
    fail(this.#failed(wanted, ({ name }) => this.#failures.has(name)));
    for (;;) {
      const state = withStandIns(wanted, standIns, last);
      try {
        this.#take(state, roots);
        this.#failures = failures;
        return { state, failures };
      } catch (error) {
        const found = this.#failed(state);
        // Each time there are fewer services that can fail.
        if (found.size === 0) throw error;
        fail(found);
      }
    }
  }

  /** Services, each made and encoded by itself, that cannot be. */
  #failed(state: MeshState, which: (service: ServiceState) => boolean = () => true): Failures {
    const envoy = this.#envoy !== undefined;
    return failuresIn(state.services.filter(which), (service) => [
      ...draftsOf(service, state),
      ...(envoy ? envoyDraftsOf(service, state) : []),
    ]);
  }

  /** All of a state or nothing. */
  #take(state: MeshState, roots: string): void {
    try {
      const shape = shapeOf(state, this.#shape);
      const drafts = this.#sharedDrafts(shape, state, roots);
      const callers = portsByCaller(state);
      const shared = this.#shared.next(drafts.map((each) => this.#cache.resource(each)));
      const own = new Map(
        state.services.map((service) => [
          service.name,
          this.#ownLayer(shape, state, service, callers.get(service.name) ?? [], shared),
        ]),
      );
      const envoy = this.#envoy && this.#envoyLayer(this.#envoy, shape, state, shared);
      this.#shape = shape;
      this.#shared = shared;
      this.#own = own;
      this.#envoy = envoy;
      this.#state = state;
      this.#cache.sweep();
      this.#memo.sweep();
    } catch (error) {
      this.#cache.drop();
      this.#memo.drop();
      throw error;
    }
  }

  /** @param service whose proxy asks; undefined for clients that have no proxy's part */
  of(service: string | undefined): View {
    return ((service === undefined ? undefined : this.#own.get(service)) ?? this.#shared).view;
  }

  /** What an Envoy sees: listeners and clusters of its own, and the endpoints of all. */
  ofEnvoy(): View {
    this.#envoy ??= this.#state ? this.#firstEnvoy(this.#state) : new Layer();
    return this.#envoy.view;
  }

  /** Until the next publication without services that it cannot be told of. */
  #firstEnvoy(state: MeshState): Layer {
    const layer = (of: MeshState): Layer => this.#envoyLayer(new Layer(), this.#shape, of, this.#shared);
    try {
      return layer(state);
    } catch (error) {
      const failures = failuresIn(state.services, (service) => envoyDraftsOf(service, state));
      if (failures.size === 0) throw error;
      return layer({ ...state, services: state.services.filter(({ name }) => !failures.has(name)) });
    }
  }

  /** What the proxies of a service have besides. */
  #ownLayer(shape: Shape, state: MeshState, service: ServiceState, ports: readonly OnPort[], shared: Layer): Layer {
    const { name } = service;
    const memo = this.#memo;
    const drafts = [
      ...memo.of(`inbound ${name}`, [shape, service], () => inboundDrafts(state, service)),
      ...ports.flatMap(([port, services]) =>
        memo.of(`port ${port} of ${name}`, [shape, ...services], () => routesDraft(port, services, state, name)),
      ),
    ];
    return (this.#own.get(service.name) ?? new Layer()).next(
      drafts.map((each) => this.#cache.resource(each, service.name)),
      shared.view,
    );
  }

  #envoyLayer(former: Layer, shape: Shape, state: MeshState, shared: Layer): Layer {
    const memo = this.#memo;
    const drafts = [
      ...[...servicesByPort(state)].flatMap(([port, services]) =>
        memo.of(`envoy port ${port}`, [shape, ...services], () => envoyListener(port, services, state)),
      ),
      ...state.services.flatMap((service) =>
        memo.of(`envoy service ${service.name}`, [shape, service], () => envoyClusters(state, service)),
      ),
    ];
    return former.next(
      drafts.map((each) => this.#cache.resource(each, 'envoy')),
      { ...EMPTY, [EDS]: shared.view[EDS] },
    );
  }

  #sharedDrafts(shape: Shape, state: MeshState, roots: string): Draft[] {
    const memo = this.#memo;
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
        memo.of(`service ${service.name}`, [shape, service], () => serviceDrafts(state, service)),
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

type OnPort = readonly [port: number, services: readonly ServiceState[]];

/** Ports that have routes for requests of some callers alone, by caller. */
function portsByCaller(state: MeshState): ReadonlyMap<string, readonly OnPort[]> {
  const found = new Map<string, OnPort[]>();
  for (const each of servicesByPort(state))
    for (const caller of new Set(each[1].flatMap(callersOf)))
      if (found.get(caller)?.push(each) === undefined) found.set(caller, [each]);
  return found;
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

/** Services whose drafts cannot be made or encoded. */
function failuresIn(
  services: readonly ServiceState[],
  draftsFor: (service: ServiceState) => Iterable<Draft>,
): Failures {
  const failures = new Map<string, Error>();
  for (const service of services) {
    const cache = new ResourceCache();
    try {
      for (const each of draftsFor(service)) cache.resource(each);
    } catch (error) {
      failures.set(service.name, errorOf(error));
    }
  }
  return failures;
}

const serviceDrafts = (state: MeshState, service: ServiceState): Draft[] => [
  ...grpcDrafts(state, service),
  ...clusterDrafts(state, service),
];

/** All that a service has a part in, as if it were alone. */
function* draftsOf(service: ServiceState, state: MeshState): Generator<Draft> {
  yield* serviceDrafts(state, service);
  yield* inboundDrafts(state, service);
  for (const { port } of service.ports) {
    yield* portDrafts(port, [service], state);
    for (const caller of callersOf(service)) yield* routesDraft(port, [service], state, caller);
  }
  yield* namesDraft({ ...state, services: [service] });
}

function* envoyDraftsOf(service: ServiceState, state: MeshState): Generator<Draft> {
  for (const { port } of service.ports) yield* envoyListener(port, [service], state);
  yield* envoyClusters(state, service);
}

const NONE = new ResourceSet([]);
const EMPTY: View = { [CDS]: NONE, [EDS]: NONE, [LDS]: NONE, [RDS]: NONE, [SDS]: NONE };

/** A view, and what it was made of. Never changed once made. */
class Layer {
  readonly view: View;
  readonly #resources: ReadonlyMap<TypeUrl, readonly Resource[]>;
  readonly #base: View;

  constructor(view = EMPTY, resources: ReadonlyMap<TypeUrl, readonly Resource[]> = new Map(), base = EMPTY) {
    this.view = view;
    this.#resources = resources;
    this.#base = base;
  }

  /** The one that follows: its view is the same object, part by part, where the content is the same. */
  next(resources: readonly Resource[], base: View = EMPTY): Layer {
    const byType = Map.groupBy(resources, ({ any }) => any.type_url as TypeUrl);
    const parts = ORDER.map((type): [TypeUrl, ResourceSet] => {
      const own = byType.get(type) ?? [];
      const same = base[type] === this.#base[type] && sameItems(own, this.#resources.get(type) ?? []);
      if (same) return [type, this.view[type]];
      return [type, own.length === 0 ? base[type] : new ResourceSet(own, base[type])];
    });
    const other = parts.some(([type, set]) => this.view[type] !== set);
    return new Layer(other ? (Object.fromEntries(parts) as unknown as View) : this.view, byType, base);
  }
}
