/** The strictest level of Pod Security that the pods keep. Source: kubernetes.io/docs/concepts/security/pod-security-standards */
import type { Component, Loose, Scope } from './component-scope.ts';

interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: unknown }[];
}

interface Container {
  readonly name: string;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly seccompProfile?: { readonly type: string };
  };
}

/** Capabilities that level `baseline` lets a container add. */
const BASELINE = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

type Level = 'restricted' | 'baseline' | 'privileged';

/** Why a pod does not keep a level, by the first level that it breaks; empty when it keeps `restricted`. */
function breaches(object: Loose): { readonly level: 'restricted' | 'baseline'; readonly why: string }[] {
  const spec = podSpecOf(object);
  if (!spec) return [];
  const found = (level: 'restricted' | 'baseline', why: string, where: string) => ({
    level,
    why: `${object.metadata.name}: ${where} ${why}`,
  });
  return [
    ...(spec.volumes ?? [])
      .filter(({ hostPath }) => hostPath !== undefined)
      .map(({ name }) => found('baseline', 'is a path of the node', `volume ${name}`)),
    ...[...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name, securityContext: said = {} }) => {
      const { add = [], drop = [] } = said.capabilities ?? {};
      const beyond = add.filter((each) => !BASELINE.has(each));
      const seccomp = said.seccompProfile?.type;
      if (said.privileged) return [found('baseline', 'is privileged', name)];
      if (beyond.length > 0) return [found('baseline', `adds ${beyond.join(', ')}`, name)];
      if (seccomp === 'Unconfined') return [found('baseline', 'has no seccomp profile', name)];
      const added = add.filter((each) => each !== 'NET_BIND_SERVICE');
      return [
        ...(said.runAsNonRoot === true ? [] : [found('restricted', 'may run as root', name)]),
        ...(said.allowPrivilegeEscalation === false ? [] : [found('restricted', 'may gain privileges', name)]),
        ...(drop.includes('ALL') ? [] : [found('restricted', 'does not drop all capabilities', name)]),
        ...(added.length === 0 ? [] : [found('restricted', `adds ${added.join(', ')}`, name)]),
      ];
    }),
  ];
}

function podSpecOf(object: Loose): PodSpec | undefined {
  const spec = object['spec'] as (PodSpec & { template?: { spec: PodSpec } }) | undefined;
  return object.kind === 'Pod' ? spec : spec?.template?.spec;
}

/** A Namespace that refuses pods below the level which all pods of the project keep. */
export function podSecurity({ objects, namespace }: Scope): Component {
  const all = objects.flatMap(breaches);
  const level: Level = all.some((each) => each.level === 'baseline')
    ? 'privileged'
    : all.length > 0
      ? 'baseline'
      : 'restricted';
  const why = [...new Set(all.map((each) => each.why))];
  return {
    objects: [
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name: namespace,
          labels: {
            'pod-security.kubernetes.io/enforce': level,
            'pod-security.kubernetes.io/warn': level,
          },
        },
      },
    ],
    head: [
      `The strictest level that every pod keeps: ${level}.`,
      ...(why.length > 0 ? ['For restricted, the compose file has to change:', ...why.map((each) => `- ${each}`)] : []),
    ].join('\n'),
  };
}
