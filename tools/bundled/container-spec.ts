/** A sidecar as a Kubernetes container. */
import { defaultPort, type Contract } from '#kit/contract/contract.ts';
import type { BundledSidecar } from './sidecars.ts';

export interface ContainerOptions {
  /** `native`: an init container with restartPolicy Always (Kubernetes 1.29); `plain`: an ordinary one. */
  readonly style: 'native' | 'plain';
  /** Put before the image's name: `registry.example/team/`. */
  readonly registry: string;
}

/** @param registry with a slash at its end, or empty */
export const imageName = ({ name, version }: Pick<Contract, 'name' | 'version'>, registry = ''): string =>
  `${registry}sidecar-stacks/${name}:${version}`;

export interface PodPatch {
  readonly container: Readonly<Record<string, unknown>>;
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
  readonly shareProcesses: boolean;
}

/**
 * What a pod gets for a sidecar: a pure function, for `inject -f` and for the admission webhook.
 * @param environment parameters of the sidecar
 */
export function podPatch(
  bundled: BundledSidecar,
  environment: Readonly<Record<string, string>>,
  { style, registry }: ContainerOptions,
): PodPatch {
  const { contract } = bundled;
  const { name } = contract;
  const admin = Number(
    environment['ADMIN_PORT'] ??
      defaultPort(contract, 'ADMIN_PORT') ??
      (contract.parameters['ADMIN_PORT'] as { default?: string }).default,
  );
  const get = (path: string): object => ({ httpGet: { path, port: admin } });
  const [user = '65532', group = user] = contract.user.split(':');
  const mounts = Object.entries(bundled.volumes).map(([purpose, mountPath]) => ({
    name: `${name}-${purpose}`,
    mountPath,
  }));
  const scratch = bundled.tmpfs.map((mountPath) => ({
    name: `${name}${mountPath.replaceAll('/', '-')}`,
    mountPath,
  }));
  const all = [...mounts, ...scratch];
  const container = {
    name,
    image: imageName(contract, registry),
    // Without a registry the name is nobody's in particular: the image is loaded onto each node.
    imagePullPolicy: registry === '' ? 'Never' : 'IfNotPresent',
    ...(style === 'native' && { restartPolicy: 'Always' }),
    env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
    startupProbe: { ...get('/startupz'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...get('/healthz'), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...get('/readyz'), periodSeconds: 5 },
    resources: { limits: { memory: kubernetesMemory(bundled.memory) } },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: Number(user),
      runAsGroup: Number(group),
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(all.length > 0 && { volumeMounts: all }),
  };
  return {
    container,
    volumes: all.map((mount) => ({ name: mount.name, emptyDir: { sizeLimit: '64Mi' } })),
    shareProcesses: bundled.sharesProcesses,
  };
}

/** `256m` of compose is `256Mi`. */
const kubernetesMemory = (memory: string): string => memory.replace(/m$/, 'Mi').replace(/g$/, 'Gi');
