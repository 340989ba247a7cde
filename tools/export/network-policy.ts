/**
 * Compose's networks as NetworkPolicies: services that share no network do not reach each other, and from an
 * `internal` network nobody reaches the outside. Source: kubernetes.io/docs/concepts/services-networking/network-policies
 */
import { entries, get, isTrue, items, text } from '../yaml/tree.ts';
import { noted } from '../yaml/commented.ts';
import { publishedBy } from './ports.ts';
import { membersOf, type Pod } from './pods.ts';
import { labelsOf } from './workload.ts';
import { portOf, type Component, type Scope } from './component-scope.ts';

/** Networks by name; a service that names none is in `default`. */
function networksOf({ owner: { tree } }: Pod): ReadonlySet<string> {
  if (text(get(tree, 'network_mode')) !== undefined) return new Set();
  const said = get(tree, 'networks');
  const names =
    said?.kind === 'seq' ? items(said).flatMap((item) => text(item) ?? []) : entries(said).map(([name]) => name);
  return new Set(names.length > 0 ? names : ['default']);
}

const DNS = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

export function networkPolicy({ pods, partOf, networks }: Scope): Component {
  const internal = new Set([...networks].flatMap(([name, tree]) => (isTrue(get(tree, 'internal')) ? [name] : [])));
  const all = new Map(pods.map((pod) => [pod, networksOf(pod)] as const));
  const peersOf = (pod: Pod): Record<string, unknown>[] => {
    const own = all.get(pod)!;
    const peers = pods.filter((other) => [...all.get(other)!].some((name) => own.has(name)));
    return peers.length === pods.length
      ? [{ podSelector: { matchLabels: { 'app.kubernetes.io/part-of': partOf } } }]
      : peers.map((peer) => ({ podSelector: { matchLabels: labelsOf(peer, partOf) } }));
  };
  return {
    objects: pods.map((pod) => {
      const peers = peersOf(pod);
      const published = publishedBy(pod.owner.tree).map(({ target, protocol }) => ({ port: target, protocol }));
      const admin = [...new Set(membersOf(pod).flatMap((service) => portOf(service, 'admin') ?? []))];
      const closed = [...all.get(pod)!].every((name) => internal.has(name));
      return {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: pod.name, labels: labelsOf(pod, partOf) },
        spec: {
          podSelector: { matchLabels: labelsOf(pod, partOf) },
          policyTypes: closed ? ['Ingress', 'Egress'] : ['Ingress'],
          ingress: [
            ...(peers.length > 0 ? [{ from: peers }] : []),
            ...(published.length > 0 ? [{ ports: noted(published, 'published: from everywhere') }] : []),
            ...(admin.length > 0
              ? [
                  {
                    from: noted([{ namespaceSelector: {} }], 'metrics: for Prometheus, in whichever namespace'),
                    ports: admin.map((port) => ({ port, protocol: 'TCP' })),
                  },
                ]
              : []),
          ],
          ...(closed && { egress: all.get(pod)!.size === 0 ? [] : [{ to: peers }, DNS] }),
        },
      };
    }),
    head: "Pods that share a network in compose reach each other, and nobody else does. The kubelet's probes always pass.\nA cluster enforces it only when its network plugin does (Calico and Cilium do, flannel does not).",
  };
}
