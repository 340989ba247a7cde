/** What a front is told of a shop in another pod: HTTP on port 8080, and a server that speaks first on 7000. */
import type { Configuration } from '#mesh/model/configuration.ts';
import { idOf } from './identities.ts';
import { EMPTY } from './pods.ts';

export interface ShopOptions {
  /** Where the shop's proxy is. */
  readonly address: string;
  /** The hosts that requests name it by. */
  readonly domains: readonly string[];
  /** How the address is written where connections are told by it; as above when absent. */
  readonly written?: string;
  /** What the name shop.mesh stands for. */
  readonly named: readonly string[];
}

/** The front's configuration: the shop by mTLS and by its identity, anything else as without a mesh. */
export function frontOfShop({ address, domains, written = address, named }: ShopOptions): Configuration {
  const cluster = (port: number): Configuration['clusters'][0] => ({
    name: `shop:${port}`,
    endpoints: [{ address, port, meshed: true }],
    mtls: { identities: [idOf('shop')] },
  });
  const routes = [{ match: {}, clusters: [{ cluster: 'shop:8080', weight: 1 }] }];
  return {
    ...EMPTY,
    outbound: {
      unknown: 'ALLOW_ANY',
      listeners: [
        { name: 'shop', port: 8080, virtualHosts: [{ name: 'shop', domains: [...domains], routes }] },
        { name: 'shop-mail', port: 7000, addresses: [written], tcp: [{ cluster: 'shop:7000', weight: 1 }] },
      ],
    },
    clusters: [cluster(8080), cluster(7000)],
    names: { 'shop.mesh': [...named] },
  };
}
