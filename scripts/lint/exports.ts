/**
 * What sidecars and servers export: the files below `src` that other parts of the tree may import, besides
 * `contract.ts`. Everything else of them is internal and may change without a look elsewhere.
 */
export const EXPORTS: Readonly<Record<string, readonly string[]>> = {
  'sidecars/ambassador': ['ring/hash.ts', 'ring/ring.ts', 'shard/commands/valkey-8.ts'],
  'sidecars/auth': ['required-parameters.ts', 'rules/rules.ts'],
  'sidecars/log-shipper': ['forward/msgpack.ts'],
  'sidecars/mesh-proxy': [
    'admin/pod-ports.ts',
    'destination/listening.ts',
    'policy/authorizer.ts',
    'policy/matchers.ts',
    'telemetry/access-log.ts',
    'xds-sources.ts',
  ],
  'sidecars/probe': ['targets/read.ts'],
  'servers/webhook': [
    'certificate/keeper.ts',
    'certificate/pair.ts',
    'cluster/api.ts',
    'cluster/events.ts',
    'review/reviewer.ts',
    'review/wish.ts',
    'server.ts',
  ],
  'sidecars/topz': ['host.ts', 'view/document.ts', 'view/page.ts'],
};
