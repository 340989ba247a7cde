/** The resource types that are served, and resources as they go out. */
import { createHash } from 'node:crypto';
import { any, type Messages } from './messages.ts';

export const CDS = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
export const EDS = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
export const LDS = 'type.googleapis.com/envoy.config.listener.v3.Listener';
export const RDS = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
export const SDS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/**
 * In the order in which changes are made before others are broken: a route names only clusters that the
 * client has (xDS protocol, "Eventual consistency considerations").
 */
export const ORDER = [SDS, CDS, EDS, LDS, RDS] as const;
export type TypeUrl = (typeof ORDER)[number];

export const isTypeUrl = (text: string): text is TypeUrl => (ORDER as readonly string[]).includes(text);

export interface Resource {
  readonly name: string;
  /** Of its content. */
  readonly hash: string;
  /** `google.protobuf.Any` */
  readonly any: { readonly type_url: string; readonly value: Buffer };
  /** Whether it belongs to those that a client gets that asks for no names. */
  readonly wildcard: boolean;
}

/** Resources of one type, by name; it may lie over others that many clients share. Never changed once made. */
export class ResourceSet {
  readonly #own: ReadonlyMap<string, Resource>;
  readonly #base: ResourceSet | undefined;
  /** Those that a client gets that asks for no names. */
  readonly wildcards: readonly Resource[];

  constructor(resources: readonly Resource[], base?: ResourceSet) {
    this.#own = new Map(resources.map((resource) => [resource.name, resource]));
    this.#base = base;
    const below = (base?.wildcards ?? []).filter(({ name }) => !this.#own.has(name));
    this.wildcards = [...below, ...[...this.#own.values()].filter(({ wildcard }) => wildcard)];
  }

  get(name: string): Resource | undefined {
    return this.#own.get(name) ?? this.#base?.get(name);
  }

  /** All, for what has no name to ask by. */
  *all(): Generator<Resource> {
    for (const resource of this.#base?.all() ?? []) if (!this.#own.has(resource.name)) yield resource;
    yield* this.#own.values();
  }
}

/** What one client may see. Two of the same content are one object, as are their parts. */
export type View = Readonly<Record<TypeUrl, ResourceSet>>;

/** What is seen in no resource: a message with the name under which it is asked for. */
export interface Draft<Name extends keyof Messages = keyof Messages> {
  readonly type: Name;
  readonly name: string;
  readonly message: Messages[Name];
  readonly wildcard?: boolean;
}

export const draft = <Name extends keyof Messages>(
  type: Name,
  name: string,
  message: Messages[Name],
  wildcard = true,
): Draft => ({ type, name, message, wildcard }) as Draft;

/** Encodes what has changed, and hands out what was encoded before for what has not. */
export class ResourceCache {
  /** How many were encoded so far. */
  encoded = 0;
  #known = new Map<string, CacheEntry>();
  #next = new Map<string, CacheEntry>();

  /** The resource of a draft; `scope` tells apart drafts of one name for different clients. */
  resource(given: Draft, scope = ''): Resource {
    const { type, name, message, wildcard = true } = given;
    const key = `${type} ${scope} ${name}`;
    let entry = this.#known.get(key);
    if (entry?.draft !== given) entry = this.#renewed(entry, given, JSON.stringify({ message, wildcard }));
    this.#next.set(key, entry);
    return entry.resource;
  }

  /** Forget what was not asked for since the last call of `sweep`. */
  sweep(): void {
    this.#known = this.#next;
    this.drop();
  }

  /** Forget what was asked for since the last call of `sweep`. */
  drop(): void {
    this.#next = new Map();
  }

  #renewed(entry: CacheEntry | undefined, given: Draft, source: string): CacheEntry {
    if (entry?.source === source) return { ...entry, draft: given };
    this.encoded++;
    const encoded = any(given.type, given.message);
    const hash = createHash('sha256').update(encoded.value).digest('hex').slice(0, 16);
    return {
      draft: given,
      source,
      resource: { name: given.name, hash, any: encoded, wildcard: given.wildcard ?? true },
    };
  }
}

interface CacheEntry {
  readonly draft: Draft;
  readonly source: string;
  readonly resource: Resource;
}
