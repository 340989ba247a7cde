/** From the state of the mesh to what each client sees of it. */
import { DraftMemo, sameItems } from './drafts.ts';
import { withStandIns, type Failures, type StandIn } from './held.ts';
import { envoyClusters, envoyListener } from './resources/envoy.ts';
import { inboundDrafts } from './resources/inbound.ts';
import { callersOf, catchAll, namesDraft, portDrafts, routesDraft, unknownClusters } from './resources/outbound.ts';
import type { MeshState, ServiceState } from './resources/state.ts';
import {
  draftsOf,
  envoyDraftsOf,
  failuresIn,
  proxyDraftsOf,
  serviceDrafts,
  type ProxyAudience,
} from './service-drafts.ts';
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
  #own: ReadonlyMap<string, Layer> = new Map();
  /** Made once one has asked: what Envoys see that have no certificate of the mesh, and what those see that are proxies. */
  #envoy: Layer | undefined;
  #envoyProxies: Proxies | undefined;
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
      const envoy = this.#envoy && this.#envoyLayer(this.#envoy, shape, state, shared);
      const envoyProxies =
        this.#envoyProxies && this.#envoyProxyLayers(this.#envoyProxies, { shape, state, callers, shared });
      this.#shape = shape;
      this.#shared = shared;
      this.#own = own;
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

  /** Routes in place of those of our proxies; all else that these share. */
  #envoyProxyLayers(former: Proxies, of: Omit<Made, 'audience'>): Proxies {
    const { shape, state } = of;
    const drafts = [...servicesByPort(state)].flatMap(([port, services]) =>
      this.#memo.of(`envoy routes ${port}`, [shape, ...services], () =>
        routesDraft(port, services, state, undefined, 'envoy'),
      ),
    );
    const shared = former.shared.next(
      drafts.map((each) => this.#cache.resource(each, 'envoy routes')),
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

const NO_PROXIES: Proxies = { shared: new Layer(), own: new Map() };
