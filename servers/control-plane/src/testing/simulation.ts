/** Many proxies on one control plane: streams over mTLS that take what they are sent, without data paths. */
import { checkServerIdentity } from 'node:tls';
import { makeRequest } from '#mesh/identity/csr.ts';
import { Enrolment } from '#mesh/identity/enrolment.ts';
import { GrpcStream } from '#mesh/xds/grpc.ts';
import { decode } from '#mesh/xds/wire/protobuf.ts';
import { encodeRequest } from '#mesh/xds/requests.ts';
import { Cluster, DiscoveryResponse, Listener } from '#mesh/xds/wire/schema.ts';
import { CDS, EDS, LDS, RDS } from '#mesh/xds/store.ts';
import { listenerPart } from '#mesh/xds/resources/listeners.ts';

export interface SimulationOptions {
  readonly host: string;
  readonly ports: { readonly mtls: number; readonly enrolment: number };
  readonly token: string;
  readonly roots: string;
  /** Services `s0`, `s1`, …, each with as many proxies. */
  readonly services: number;
  readonly proxiesEach: number;
}

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';

/**
 * Proxies that acknowledge everything. What is the same for many of them is read and written once, so that the
 * machine is the control plane's.
 */
export class Simulation {
  /** Responses that all of them have had. */
  responses = 0;
  bytes = 0;
  readonly #streams: GrpcStream[] = [];
  /** Versions of each type that each proxy has, by proxy. */
  readonly #versions: Map<string, string>[] = [];
  /** Names that responses of a version hold, for what is asked next. */
  readonly #names = new Map<string, readonly string[]>();
  readonly #encodedNames = new Map<readonly string[], Buffer>();
  /** Why streams ended. */
  readonly ended: string[] = [];

  /** Get certificates, register all replicas, and open all streams. */
  static async start(options: SimulationOptions): Promise<Simulation> {
    const simulation = new Simulation();
    const { host, ports, token, roots } = options;
    const enrolment = new Enrolment({
      host,
      port: ports.enrolment,
      token,
      service: 's0',
      roots: async () => await Promise.resolve(roots),
    });
    for (let index = 0; index < options.services; index++) {
      const service = `s${index}`;
      const { key, request } = await makeRequest();
      const { chain } = await enrolment.certificate(service, request);
      for (let replica = 0; replica < options.proxiesEach; replica++) {
        const name = `${service}-${replica}`;
        await enrolment.join({
          service,
          name,
          address: `10.0.${index}.${replica + 1}`,
          labels: {},
          ports: [],
          phase: 'ready',
        });
        simulation.#open(options, service, name, { ca: roots, cert: chain, key });
      }
    }
    return simulation;
  }

  /** How many proxies have taken a version of a type that differs from this one. */
  changed(type: string, from: readonly (string | undefined)[]): number {
    return this.#versions.filter((versions, index) => versions.get(type) !== from[index]).length;
  }

  versions(type: string): (string | undefined)[] {
    return this.#versions.map((versions) => versions.get(type));
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #open(
    { host, ports }: SimulationOptions,
    service: string,
    name: string,
    tls: { ca: string; cert: string; key: string },
  ): void {
    const versions = new Map<string, string>();
    this.#versions.push(versions);
    const names = new Map<string, readonly string[]>();
    const stream = new GrpcStream({
      host,
      port: ports.mtls,
      path: PATH,
      tls,
      verify: (certificate) => checkServerIdentity(host, certificate),
      onMessage: (message) => {
        this.responses++;
        this.bytes += message.length;
        const {
          type_url: type = '',
          version_info: version = '',
          nonce = '',
          resources,
        } = decode(DiscoveryResponse, message);
        versions.set(type, version);
        const follow = (next: string, read: (content: Buffer) => readonly string[]): void => {
          if (names.has(next)) return;
          const key = `${next} ${service} ${version}`;
          const wanted = this.#names.get(key) ?? resources.flatMap(({ value }) => read(value ?? Buffer.alloc(0)));
          this.#names.set(key, wanted);
          names.set(next, wanted);
          stream.send(this.#request(next, '', '', wanted));
        };
        if (type === CDS)
          follow(EDS, (content) => {
            const { type: kind, name: cluster } = decode(Cluster, content);
            return kind === 3 ? [cluster!] : [];
          });
        if (type === LDS)
          follow(RDS, (content) => {
            const part = listenerPart(decode(Listener, content));
            return part.kind === 'ports' ? part.ports.flatMap(({ routes }) => routes ?? []) : [];
          });
        stream.send(this.#request(type, version, nonce, names.get(type) ?? []));
      },
      onEnd: (reason) => this.ended.push(reason),
    });
    this.#streams.push(stream);
    stream.send(
      encodeRequest({ type: CDS, version: '', nonce: '', names: [], node: { id: `${service}~${name}`, service } }),
    );
    stream.send(encodeRequest({ type: LDS, version: '', nonce: '', names: [] }));
  }
  #request(type: string, version: string, nonce: string, names: readonly string[]): Buffer {
    let encoded = this.#encodedNames.get(names);
    if (!encoded) this.#encodedNames.set(names, (encoded = encodeRequest({ type: '', version: '', nonce: '', names })));
    // Fields of a message may stand in any order, and the last of two counts.
    return Buffer.concat([encoded, encodeRequest({ type, version, nonce, names: [] })]);
  }
}
