/** From the state of the mesh to what each client sees of it. */
import { DraftMemo } from './drafts.ts';
import { EMPTY, Layer, NONE } from './layers.ts';
import { withStandIns, type Failures, type StandIn } from './held.ts';
import { envoyClusters, envoyListener } from './resources/envoy.ts';
import { inboundDrafts } from './resources/inbound.ts';
import { localityOf, type Locality } from '#mesh/model/locality.ts';
import { localityKey } from './resources/locality.ts';
import { callersOf, catchAll, namesDraft, portDrafts, routesDraft, unknownClusters } from './resources/outbound.ts';
import type { MeshState, ServiceState } from './resources/state.ts';
import {
  draftsOf,
  envoyDraftsOf,
  envoyProxyClusters,
  envoyProxyPort,
  failuresIn,
  nearEndpoints,
  proxyDraftsOf,
  serviceDrafts,
  type ProxyAudience,
} from './service-drafts.ts';
import { trustBundle } from './resources/tls.ts';
import { collectorDrafts } from './resources/tracing.ts';
import { draft, EDS, RDS, ResourceCache, type Draft, type View } from './resources/types.ts';

/** Callers of further localities are told of all replicas as equally near. */
const MOST_LOCALITIES = 100;

/** What all clients share, and what the proxies of a service have besides. */
export class Views {
  readonly #memo = new DraftMemo();
  readonly #cache = new ResourceCache();
  #shape: Shape = { key: '', mesh: undefined };
  #shared = new Layer();
  #own: ReadonlyMap<string, Layer> = new Map();
  /** Made once one has asked: what Envoys see that have no certificate of the mesh, and what those see that are proxies. */
  #envoy: Layer | undefined;
  #envoyProxies: Proxies | undefined;
  /** Endpoints as callers of a locality are told of them, by locality. */
  #near: ReadonlyMap<string, Layer> = new Map();
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
    const proxies = this.#envoyProxies !== undefined;
    return failuresIn(state.services.filter(which), (service) => [
      ...draftsOf(service, state),
      ...(proxies ? proxyDraftsOf(service, state, 'envoy') : []),
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
      const own = this.#ownLayers(this.#own, { shape, state, callers, shared, audience: 'proxy' });
      const near = this.#nearLayers(this.#near, shape, state, shared);
      const envoy = this.#envoy && this.#envoyLayer(this.#envoy, shape, state, shared);
      const envoyProxies =
        this.#envoyProxies && this.#envoyProxyLayers(this.#envoyProxies, { shape, state, callers, shared });
      this.#shape = shape;
      this.#shared = shared;
      this.#own = own;
      this.#near = near;
      this.#envoy = envoy;
      this.#envoyProxies = envoyProxies;
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

  /** The same for an Envoy: routes and what reaches the application are told in its own words. */
  ofEnvoyProxy(service: string): View {
    if (!this.#state) return this.#shared.view;
    this.#envoyProxies ??= this.#firstOf(this.#state, (state) =>
      this.#envoyProxyLayers(NO_PROXIES, {
        shape: this.#shape,
        state,
        callers: portsByCaller(state),
        shared: this.#shared,
      }),
    );
    return (this.#envoyProxies.own.get(service) ?? this.#envoyProxies.shared).view;
  }

  /** What an Envoy without a certificate of the mesh sees: listeners and clusters of its own, and the endpoints of all. */
  ofEnvoy(): View {
    this.#envoy ??= this.#state
      ? this.#firstOf(this.#state, (state) => this.#envoyLayer(new Layer(), this.#shape, state, this.#shared))
      : new Layer();
    return this.#envoy.view;
  }

  /** A view as a caller of a locality has it: the nearest endpoints first, where their service wants that. */
  near(view: View, locality: Locality): View {
    const layer = this.#near.get(localityKey(locality));
    return layer ? { ...view, [EDS]: layer.view[EDS] } : view;
  }

  /** Made between publications: until the next one without services that Envoys cannot be told of. */
  #firstOf<T>(state: MeshState, make: (state: MeshState) => T): T {
    try {
      return make(state);
    } catch (error) {
      const failures = failuresIn(state.services, (service) => [
        ...envoyDraftsOf(service, state),
        ...proxyDraftsOf(service, state, 'envoy'),
      ]);
      if (failures.size === 0) throw error;
      return make({ ...state, services: state.services.filter(({ name }) => !failures.has(name)) });
    }
  }

  /** Of localities that replicas have: what a caller says of itself makes none. */
  #nearLayers(former: ReadonlyMap<string, Layer>, shape: Shape, state: MeshState, shared: Layer) {
    const services = state.services.filter(({ policy }) => policy.trafficDistribution !== undefined);
    const localities = new Map(
      services
        .flatMap(({ replicas }) => replicas.flatMap(({ labels }) => localityOf(labels) ?? []))
        .map((locality) => [localityKey(locality), locality]),
    );
    return new Map(
      [...localities].slice(0, MOST_LOCALITIES).map(([key, locality]) => {
        const drafts = services.flatMap((service) =>
          this.#memo.of(`near ${key} ${service.name}`, [shape, service], () => nearEndpoints(state, service, locality)),
        );
        const resources = drafts.map((each) => this.#cache.resource(each, `near ${key}`));
        return [key, (former.get(key) ?? new Layer()).next(resources, shared.view)] as const;
      }),
    );
  }

  /** What the proxies of each service have besides what all share. */
  #ownLayers(former: ReadonlyMap<string, Layer>, of: Made): ReadonlyMap<string, Layer> {
    const { shape, state, callers, shared, audience } = of;
    return new Map(
      state.services.map((service) => {
        const { name } = service;
        const drafts = [
          ...this.#memo.of(`${audience} inbound ${name}`, [shape, service], () =>
            inboundDrafts(state, service, audience),
          ),
          ...(callers.get(name) ?? []).flatMap(([port, services]) =>
            this.#memo.of(`${audience} port ${port} of ${name}`, [shape, ...services], () =>
              routesDraft(port, services, state, name, audience),
            ),
          ),
        ];
        const resources = drafts.map((each) => this.#cache.resource(each, `${audience} ${name}`));
        return [name, (former.get(name) ?? new Layer()).next(resources, shared.view)];
      }),
    );
  }

  /** Clusters, routes and, where Envoys send spans, listeners in place of those of our proxies; all else that these share. */
  #envoyProxyLayers(former: Proxies, of: Omit<Made, 'audience'>): Proxies {
    const { shape, state } = of;
    const memo = this.#memo;
    const drafts = [
      ...memo.of('envoy collector', [shape], () => collectorDrafts(state)),
      ...[...servicesByPort(state)].flatMap(([port, services]) =>
        memo.of(`envoy proxy port ${port}`, [shape, ...services], () => envoyProxyPort(port, services, state)),
      ),
      ...state.services.flatMap((service) =>
        memo.of(`envoy proxy service ${service.name}`, [shape, service], () => envoyProxyClusters(state, service)),
      ),
    ];
    const shared = former.shared.next(
      drafts.map((each) => this.#cache.resource(each, 'envoy proxies')),
      { ...of.shared.view, [RDS]: NONE },
    );
    return { shared, own: this.#ownLayers(former.own, { ...of, shared, audience: 'envoy' }) };
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

/** What proxies see: all of them, and those of each service. */
interface Proxies {
  readonly shared: Layer;
  readonly own: ReadonlyMap<string, Layer>;
}

/** What layers are made from. */
interface Made {
  readonly shape: Shape;
  readonly state: MeshState;
  readonly callers: ReadonlyMap<string, readonly OnPort[]>;
  readonly shared: Layer;
  readonly audience: ProxyAudience;
}

const NO_PROXIES: Proxies = { shared: new Layer(), own: new Map() };
