/** What both proxies are configured by: one service with two ports, mTLS between them. */
import type { Configuration } from '#mesh/model/configuration.ts';

const HTTP = 8080;
const GRPC = 8081;

/** @param server address of the server's pod */
export function configurations(server: string): { client: Configuration; server: Configuration } {
  const cluster = (port: number) => ({
    name: `server-${port}`,
    service: { name: 'server', namespace: 'bench', host: 'server' },
    mtls: { identities: ['spiffe://mesh.local/ns/bench/sa/server'] },
    endpoints: [{ address: server, port, meshed: true, workload: { name: 'server', namespace: 'bench' } }],
  });
  const listener = (port: number) => ({
    name: `outbound-${port}`,
    port,
    protocol: 'auto' as const,
    virtualHosts: [
      {
        name: 'server',
        domains: ['*'],
        routes: [{ match: {}, clusters: [{ cluster: `server-${port}`, weight: 1 }] }],
      },
    ],
  });
  const telemetry = { accessLog: false };
  return {
    client: {
      version: '1',
      outbound: { unknown: 'ALLOW_ANY', listeners: [listener(HTTP), listener(GRPC)] },
      inbound: { mtls: 'STRICT' },
      clusters: [cluster(HTTP), cluster(GRPC)],
      telemetry,
    },
    server: {
      version: '1',
      outbound: { unknown: 'ALLOW_ANY', listeners: [] },
      inbound: { mtls: 'STRICT', ports: [HTTP, GRPC].map((port) => ({ port, protocol: 'auto' as const })) },
      clusters: [],
      telemetry,
    },
  };
}
