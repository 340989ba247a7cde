/** Listeners and ports made ready for connections. */
import type { InboundPort, MtlsMode, OutboundListener, PortProtocol } from '#mesh/model/configuration.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { TokenBucket } from '../policy/token-bucket.ts';
import type { RateLimits } from './rate-limits.ts';
import { CompiledHost, type ClusterLookup } from './route.ts';
import { VirtualHosts } from './virtual-hosts.ts';
import { Weighted } from './weighted.ts';

export class CompiledListener {
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly hosts: VirtualHosts<CompiledHost>;
  readonly tcp: Weighted<MeshCluster> | undefined;

  constructor(model: OutboundListener, where: string, lookup: ClusterLookup, rateLimits: RateLimits) {
    this.name = model.name;
    this.protocol = model.protocol ?? 'auto';
    const virtualHosts = (model.virtualHosts ?? []).map(
      (host) =>
        [
          host,
          new CompiledHost(host, `${where}.virtualHosts`, lookup, (limit, route, place) =>
            rateLimits.bucket(limit, [model.name, model.port, host.name, route], place),
          ),
        ] as const,
    );
    this.hosts = new VirtualHosts(virtualHosts, where);
    this.tcp =
      model.tcp &&
      new Weighted(
        model.tcp.map(({ cluster, weight }) => [lookup(cluster, `${where}.tcp`), weight] as const),
        `${where}.tcp`,
      );
  }
}

export class CompiledPort {
  readonly model: InboundPort;
  readonly protocol: PortProtocol;
  readonly mtls: MtlsMode;
  readonly bucket: TokenBucket | undefined;

  constructor(model: InboundPort, mtls: MtlsMode, where: string, rateLimits: RateLimits) {
    this.model = model;
    this.protocol = model.protocol ?? 'auto';
    this.mtls = model.mtls ?? mtls;
    this.bucket = model.rateLimit && rateLimits.bucket(model.rateLimit, [model.port], `${where}.rateLimit`);
  }
}
