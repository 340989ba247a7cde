/** What no pod can be, by name and with what to do instead. */
import type { Project } from '../compose/project.ts';
import { get, isTrue, text } from '../yaml/tree.ts';
import { inheritedVolumes } from './volumes.ts';
import { listensAt } from './probes.ts';
import { membersOf, type Pod } from './pods.ts';
import type { Findings } from './problems.ts';

/** Look at a project's services, and at each pod that they make. */
export function requirePossible(project: Project, pods: readonly Pod[], findings: Findings): void {
  for (const service of project.services.values()) {
    const { name, tree } = service;
    const network = get(tree, 'network_mode');
    if (text(network) === 'host')
      findings.refuse(
        'host-network',
        network!.at,
        `service ${name} is in the network of its machine: publish its ports (ports:) and let it have a network of its own`,
      );
    for (const key of ['pid', 'ipc', 'userns_mode', 'uts']) {
      const value = get(tree, key);
      if (text(value) === 'host')
        findings.refuse(
          `host-${key.replace('_mode', '')}`,
          value!.at,
          `service ${name} shares ${key} with its machine: let it join the pod of what it looks at (${key}: service:NAME)`,
        );
    }
    if (get(tree, 'provider'))
      findings.refuse(
        'provider',
        get(tree, 'provider')!.at,
        `service ${name} is made by a provider of compose: name an image`,
      );
    const mode = text(get(tree, 'deploy', 'mode'));
    if (mode === 'global')
      findings.warn(
        'global',
        get(tree, 'deploy')!.at,
        `service ${name} runs on every machine: make its workload a DaemonSet in the overlay`,
      );
    inheritedVolumes(service, findings);
    if (isTrue(get(tree, 'privileged')))
      findings.warn(
        'privileged',
        get(tree, 'privileged')!.at,
        `service ${name} is privileged: most clusters refuse it`,
      );
  }
  pods.forEach((pod) => requireFreePorts(pod, findings));
  networksOf(pods, findings);
}

/** Containers of a pod share its ports. */
function requireFreePorts(pod: Pod, findings: Findings): void {
  const taken = new Map<number, string>();
  for (const service of membersOf(pod)) {
    if (pod.ending.has(service.name)) continue;
    for (const { port, at } of listensAt(service)) {
      const other = taken.get(port);
      if (other !== undefined && other !== service.name)
        findings.refuse(
          'port-clash',
          at,
          `${service.name} and ${other} of pod ${pod.name} both listen on ${port}: give one of them another port`,
        );
      taken.set(port, service.name);
    }
  }
}

/** A cluster has one network, in which all pods reach each other. */
function networksOf(pods: readonly Pod[], findings: Findings): void {
  for (const { owner } of pods) {
    const networks = get(owner.tree, 'networks');
    const names =
      networks?.kind === 'map'
        ? [...networks.entries.keys()]
        : networks?.kind === 'seq'
          ? networks.items.map((item) => text(item) ?? '')
          : [];
    if (names.some((name) => name !== 'default'))
      findings.warn(
        'networks',
        networks!.at,
        `networks (${names.join(', ')}) are one in a cluster, where every pod reaches every other: a NetworkPolicy keeps them apart`,
      );
  }
}
