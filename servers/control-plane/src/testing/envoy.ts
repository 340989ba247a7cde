/**
 * An Envoy as a control plane sees it, without its data path: what it asks for, in its order, and what it waits for.
 * Clusters by wildcard first, then the endpoints of each; listeners by wildcard once all clusters are warm; then the
 * routes that they name. Its node is in the first request alone, each response is acknowledged, and a cluster that is
 * changed is in use only when its endpoints have come again: once it has listeners, it acknowledges clusters only then.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { Client, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { CDS, EDS, LDS, RDS } from '../xds/resources/types.ts';
import { show } from '../xds/resources/messages.ts';
import { typeNamed, violations } from './constraints.ts';

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const REQUEST = 'envoy.service.discovery.v3.DiscoveryRequest';
const RESPONSE = 'envoy.service.discovery.v3.DiscoveryResponse';
const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

interface Any {
  readonly type_url: string;
  readonly value: Buffer;
}
interface DiscoveryResponse {
  readonly type_url: string;
  readonly version_info: string;
  readonly nonce: string;
  readonly resources: readonly Any[];
}
/** A resource as plain data. */
export type Shown = Readonly<Record<string, any>>;

export class TestEnvoy {
  /** What was asked and answered, in order: `ask:Cluster`, `Cluster`, … */
  readonly events: string[] = [];
  /** What its own checks of messages would refuse. */
  readonly violations: string[] = [];
  readonly clusters = new Map<string, Shown>();
  /** Those that are not in use, since their endpoints have not come since the cluster has. */
  readonly warming = new Set<string>();
  readonly endpoints = new Map<string, Shown>();
  readonly listeners = new Map<string, Shown>();
  readonly routes = new Map<string, Shown>();
  /** Why it refuses a response; absent: it takes all. */
  refuse: ((type: string) => string | undefined) | undefined;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #last = new Map<string, { version: string; nonce: string; names: readonly string[] }>();
  /** The answer to clusters that are not warm yet. */
  #owed: (() => void) | undefined;
  #first = true;

  constructor(port: number, userAgent = 'envoy') {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(PATH, same, same, new Metadata());
    this.#stream.on('error', (error) => this.events.push(`ended: ${error.message}`));
    this.#stream.on('data', (bytes: Buffer) =>
      this.#take(typeNamed(RESPONSE).decode(bytes) as unknown as DiscoveryResponse),
    );
    this.#ask(CDS, [], userAgent);
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #ask(type: string, names: readonly string[], userAgent?: string): void {
    const last = this.#last.get(type);
    this.events.push(`ask:${short(type)}`);
    this.#last.set(type, { version: '', nonce: '', ...last, names });
    this.#say({
      type_url: type,
      version_info: last?.version ?? '',
      response_nonce: last?.nonce ?? '',
      resource_names: [...names],
      ...(userAgent !== undefined && { node: nodeOf(userAgent) }),
    });
  }

  #say(request: object): void {
    if (this.#first !== 'node' in request) throw new Error('the node is in the first request alone');
    this.#first = false;
    const type = typeNamed(REQUEST);
    this.#stream.write(Buffer.from(type.encode(type.fromObject(request)).finish()));
  }

  #take(response: DiscoveryResponse): void {
    const { type_url: type, version_info, nonce, resources } = response;
    const last = this.#last.get(type)!;
    this.events.push(short(type));
    const message = this.refuse?.(short(type));
    const version = message === undefined ? version_info : last.version;
    this.#last.set(type, { ...last, version, nonce });
    const follow = message === undefined ? this.#apply(type, resources) : () => {};
    const answer = (): void =>
      this.#say({
        type_url: type,
        version_info: version,
        response_nonce: nonce,
        resource_names: [...last.names],
        ...(message !== undefined && { error_detail: { code: 13, message } }),
      });
    if (type === CDS && this.warming.size > 0 && this.#last.has(LDS)) this.#owed = answer;
    else answer();
    follow();
    if (this.warming.size > 0) return;
    this.#owed?.();
    this.#owed = undefined;
  }

  /** @returns what it asks for next */
  #apply(type: string, resources: readonly Any[]): () => void {
    const shown = resources.map(({ type_url, value }): Shown => {
      if (type_url !== type) this.violations.push(`${type_url} among ${type}`);
      const name = type_url.slice(type_url.lastIndexOf('/') + 1);
      this.violations.push(...violations(name, value));
      return show(name, value);
    });
    const names = shown.map((each) => (each['name'] ?? each['cluster_name']) as string);
    if (new Set(names).size < names.length) this.violations.push(`${type}: a name stands twice`);
    const byName = new Map(names.map((name, index) => [name, shown[index]!]));
    if (type === CDS) return this.#applyClusters(byName);
    if (type === EDS) return this.#applyEndpoints(byName);
    if (type === LDS) return this.#applyListeners(byName);
    for (const [name, each] of byName) this.routes.set(name, each);
    return () => {};
  }

  #applyClusters(found: ReadonlyMap<string, Shown>): () => void {
    for (const [name, each] of found) {
      if (JSON.stringify(this.clusters.get(name)) !== JSON.stringify(each)) this.warming.add(name);
      this.clusters.set(name, each);
    }
    for (const name of [...this.clusters.keys()].filter((each) => !found.has(each))) {
      this.clusters.delete(name);
      this.warming.delete(name);
      this.endpoints.delete(name);
    }
    const names = [...this.clusters.keys()].toSorted();
    const asked = this.#last.get(EDS)?.names ?? [];
    return () => {
      if (names.join() !== asked.join()) this.#ask(EDS, names);
      this.#listen();
    };
  }

  #applyEndpoints(found: ReadonlyMap<string, Shown>): () => void {
    for (const [name, each] of found) {
      this.endpoints.set(name, each);
      this.warming.delete(name);
    }
    return () => this.#listen();
  }

  #listen(): void {
    if (this.warming.size === 0 && !this.#last.has(LDS)) this.#ask(LDS, []);
  }

  #applyListeners(found: ReadonlyMap<string, Shown>): () => void {
    this.listeners.clear();
    for (const [name, each] of found) this.listeners.set(name, each);
    const names = [...found.values()].flatMap((each) => routesOf(each)).toSorted();
    for (const name of [...this.routes.keys()].filter((each) => !names.includes(each))) this.routes.delete(name);
    const asked = this.#last.get(RDS)?.names ?? [];
    return () => {
      if (names.join() !== asked.join()) this.#ask(RDS, names);
    };
  }
}

const short = (type: string): string => type.slice(type.lastIndexOf('.') + 1);

const nodeOf = (userAgent: string): object => ({
  id: 'envoy',
  cluster: 'shop',
  locality: { zone: 'local' },
  user_agent_name: userAgent,
  user_agent_build_version: { version: { major_number: 1, minor_number: 39, patch: 1 } },
});

/** What a filter of a chain is configured with. */
export const filtersOf = ({ filter_chains = [] }: Shown): Shown[] =>
  (filter_chains as Shown[]).flatMap((chain) =>
    (chain['filters'] as Shown[]).map(({ typed_config: { type_url, value } }) => ({
      type: type_url,
      ...show((type_url as string).slice((type_url as string).lastIndexOf('/') + 1), value as Buffer),
    })),
  );

const routesOf = (listener: Shown): string[] =>
  filtersOf(listener)
    .filter(({ type }) => (type as string).endsWith(MANAGER))
    .map(({ rds }) => rds.route_config_name as string);
