/** The group that a Kubernetes pod is, and what is risky about it. */
import { hasEntry, hostPaths, podFacts, sharedVolumes } from '../kubernetes/container-facts.ts';
import { annotation, sharesProcesses, type Pod } from '../kubernetes/pods.ts';
import { get, isTrue, text, type Place, type Tree } from '../yaml/tree.ts';
import type { Group, Member, Note, Warning } from './model/answer.ts';
import { logVolumes } from './compose-warnings.ts';
import { ENGINE_SOCKET, type Facts } from './model/facts.ts';
import { membersOf } from './pod-members.ts';

/** @returns the pod as a group; undefined when a single container has nothing to share */
export function podGroup(
  pod: Pod,
  configuration: ReadonlyMap<string, [string, Tree][]>,
  minConfidence: number,
): Group | undefined {
  const facts = podFacts(pod, configuration);
  if (facts.length < 2) return undefined;
  const containers = membersOf(facts, { workload: pod.name, sharesNetwork: true, minConfidence });
  return {
    source: pod.spec.at.file,
    workload: { kind: pod.kind, name: pod.name },
    shares: {
      network: true,
      pid: sharesProcesses(pod),
      ipc: isTrue(get(pod.spec, 'hostIPC')),
      volumes: sharedVolumes(facts),
    },
    containers,
    warnings: warningsOf(pod, facts, containers),
  };
}

function warningsOf(pod: Pod, facts: readonly Facts[], members: readonly Member[]): Warning[] {
  const warnings: Warning[] = [];
  const warn = (code: Warning['code'], at: Place, message: string) =>
    warnings.push({ code, level: 'warning', ...at, message });
  for (const { name, privileged } of facts)
    if (privileged)
      warn(
        'privileged',
        privileged,
        `${name} is privileged: it can do on the node what root can; name the capabilities that it needs`,
      );
  const paths = hostPaths(pod);
  for (const { name, mounts } of facts) {
    const mount = mounts.find(
      ({ source }) => source !== undefined && ENGINE_SOCKET.test(paths.get(source)?.text ?? ''),
    );
    if (mount) warn('docker-socket', mount.at, `${name} has the engine's socket, and with it the node`);
  }
  if (isTrue(get(pod.spec, 'hostNetwork')))
    warn(
      'host-network',
      get(pod.spec, 'hostNetwork')!.at,
      "the pod is in the node's network: its ports are the node's, and localhost is everybody's",
    );
  if (isTrue(get(pod.spec, 'hostPID')))
    warn('host-pid', get(pod.spec, 'hostPID')!.at, 'the pod sees every process of the node');
  warnings.push(...jobWarnings(pod, facts, members));
  return [...warnings, ...logVolumes(facts, members)];
}

/** A job is done when all its containers have ended; a sidecar that goes on keeps it from that. */
function jobWarnings(pod: Pod, facts: readonly Facts[], members: readonly Member[]): Warning[] {
  if (!/^(Job|CronJob|ScaledJob|Workflow|CronWorkflow)$/.test(pod.kind)) return [];
  return members
    .filter((member) => member.class === 'sidecar')
    .map((member) => ({
      code: 'job-sidecar-not-native',
      level: 'warning',
      ...facts.find(({ name }) => name === member.name)!.at,
      message: `${member.name} goes on when the work is done, so the job never ends: make it an init container with restartPolicy: Always`,
    }));
}

const INJECTED: readonly (readonly [string, RegExp | undefined, string])[] = [
  ['dapr.io/enabled', /^true$/i, 'Dapr puts a daprd container into this pod when it is made'],
  ['sidecar.istio.io/inject', /^true$/i, 'Istio puts a proxy into this pod when it is made'],
  ['linkerd.io/inject', /^(enabled|ingress)$/i, 'Linkerd puts a proxy into this pod when it is made'],
  ['vault.hashicorp.com/agent-inject', /^true$/i, 'Vault puts an agent into this pod when it is made'],
  ['consul.hashicorp.com/connect-inject', /^true$/i, 'Consul puts a proxy into this pod when it is made'],
  [
    'sidecar.opentelemetry.io/inject',
    undefined,
    'the OpenTelemetry operator puts a collector into this pod when it is made',
  ],
  ['sidecar.jaegertracing.io/inject', undefined, 'the Jaeger operator puts an agent into this pod when it is made'],
  ['config.linkerd.io/proxy-await', undefined, 'Linkerd puts a proxy into this pod when it is made'],
];

/** Sidecars that are not in the file, because something adds them later. */
export function injectionNotes(pod: Pod): Note[] {
  return INJECTED.flatMap(([key, wanted, what]) => {
    const label = get(pod.metadata, 'labels', key);
    const requested = hasEntry(get(pod.metadata, 'annotations'), key) ? annotation(pod, key) : label;
    const value = text(requested);
    if (requested === undefined || value === undefined || /^false$/i.test(value) || (wanted && !wanted.test(value)))
      return [];
    return [
      {
        code: 'injected-later',
        level: 'note',
        ...requested.at,
        message: `${pod.kind}/${pod.name}: ${what}; it is not in these files`,
      } as const,
    ];
  });
}
