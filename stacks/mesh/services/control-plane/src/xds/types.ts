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

/** What one client may see. */
export type View = Readonly<Record<TypeUrl, ReadonlyMap<string, Resource>>>;

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
  #known = new Map<string, { source: string; resource: Resource }>();
  #next = new Map<string, { source: string; resource: Resource }>();

  /** The resource of a draft; `scope` tells apart drafts of one name for different clients. */
  resource({ type, name, message, wildcard = true }: Draft, scope = ''): Resource {
    const key = `${type} ${scope} ${name}`;
    const source = JSON.stringify(message);
    let entry = this.#known.get(key);
    if (entry?.source !== source || entry.resource.wildcard !== wildcard) {
      const encoded = any(type, message);
      const hash = createHash('sha256').update(encoded.value).digest('hex').slice(0, 16);
      entry = { source, resource: { name, hash, any: encoded, wildcard } };
    }
    this.#next.set(key, entry);
    return entry.resource;
  }

  /** Forget what was not asked for since the last call. */
  sweep(): void {
    this.#known = this.#next;
    this.#next = new Map();
  }
}
