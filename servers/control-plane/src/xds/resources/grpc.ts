/** What gRPC clients ask for by `xds:///SERVICE:PORT`: an API listener, its routes, and clusters that they understand. */
import { draft, type Draft } from './types.ts';
import { grpcClusterFor } from './clusters.ts';
import { ADS, FAULT, httpFilter, ROUTER } from './http.ts';
import { virtualHost } from './routes.ts';
import { grpcName, isHttp, type MeshState, type ServiceState } from './state.ts';

/** Those of a service, only by name: proxies that ask for all get none of them. */
export function grpcDrafts(state: MeshState, service: ServiceState): Draft[] {
  const ports = service.ports.filter(isHttp);
  return [
    ...ports.flatMap(({ port }) => listenersOf(state, service, port)),
    ...ports.flatMap((port) =>
      [undefined, ...Object.keys(service.policy.subsets ?? {})].map((subset) => {
        const cluster = grpcClusterFor({ state, service, port, subset });
        return draft('envoy.config.cluster.v3.Cluster', cluster.name!, cluster, false);
      }),
    ),
  ];
}

function listenersOf(state: MeshState, service: ServiceState, port: number): Draft[] {
  const route = grpcName(port, undefined, service.name);
  const listener = {
    api_listener: {
      api_listener: httpFilter({
        stat_prefix: route,
        rds: { route_config_name: route, config_source: ADS },
        http_filters: [FAULT, ROUTER],
      }).typed_config,
    },
  };
  return [
    ...service.hosts.map((host) => {
      const name = `${host}:${port}`;
      return draft('envoy.config.listener.v3.Listener', name, { name, ...listener }, false);
    }),
    draft(
      'envoy.config.route.v3.RouteConfiguration',
      route,
      { name: route, virtual_hosts: [virtualHost({ state, service, port, audience: 'grpc' })] },
      false,
    ),
  ];
}
