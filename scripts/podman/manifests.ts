/**
 * Exported manifests as `podman kube play` takes them (podman 5.4): it knows no Service, so the names and ports of a
 * pod's Services are told it on its command line; it gives volumes the owner and the files of the image's folder, and
 * one in memory to each container alone, so all of a pod's volumes are made before (`image/volumes`); it does not put
 * containers into the volumes' group; it forgets init containers unless told to keep them, and it takes each dollar
 * for one.
 */
import { stringify } from 'yaml';
import type { Manifest } from '../lib/exported.ts';

export interface Play {
  readonly pod: Manifest;
  /** What is played: the pod, and what it mounts. */
  readonly text: string;
  /** Names by which others reach it. */
  readonly aliases: readonly string[];
  readonly published: readonly { readonly port: number; readonly target: number; readonly protocol: string }[];
  readonly volumes: readonly PlayedVolume[];
}

/** A volume of podman's that a pod mounts. */
export interface PlayedVolume {
  readonly name: string;
  /** One that lasts, one of the pod's on the disk, or the size of one in memory, as `mount` takes it. */
  readonly kind: 'claim' | 'disk' | `${number}${string}`;
}

/** What podman calls the container that holds a pod's namespaces. */
export const infraOf = (pod: string): string => `${pod}-infra`;

/** A pod of the export. */
export function playOf(name: string, objects: readonly Manifest[]): Play {
  const pod = structuredClone(objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === name));
  if (!pod) throw new Error(`the export has no pod ${name}`);
  pod['metadata'].annotations = {
    ...pod['metadata'].annotations,
    'io.podman.annotations.init.container.type': 'always',
    'io.podman.annotations.infra.name': infraOf(name),
  };
  for (const each of [...(pod['spec'].initContainers ?? []), ...pod['spec'].containers] as Manifest[]) unescape(each);
  const volumes = volumesOf(pod);
  const services = objects.filter(
    ({ kind, spec }) => kind === 'Service' && spec.selector['app.kubernetes.io/name'] === name,
  );
  const mounted = objects.filter(({ kind, metadata }) =>
    (pod['spec'].volumes as Manifest[] | undefined)?.some(
      (volume) =>
        (kind === 'ConfigMap' && volume['configMap']?.name === metadata.name) ||
        (kind === 'Secret' && volume['secret']?.secretName === metadata.name),
    ),
  );
  return {
    pod,
    text: [...mounted, pod].map((object) => stringify(object)).join('---\n'),
    aliases: services.filter(({ spec }) => spec.clusterIP === 'None').map(({ metadata }) => metadata.name as string),
    published: services.flatMap(({ spec }) =>
      ((spec.ports ?? []) as Manifest[]).map(({ port, targetPort, protocol }) => ({
        port,
        target: targetPort,
        protocol,
      })),
    ),
    volumes,
  };
}

/** podman replaces no `$(NAME)` in these, so a dollar is one. */
function unescape(container: Manifest): void {
  const plain = (text: string): string => text.replaceAll('$$', '$');
  for (const key of ['command', 'args']) if (container[key]) container[key] = (container[key] as string[]).map(plain);
  for (const variable of (container['env'] ?? []) as Manifest[]) variable['value'] = plain(variable['value'] as string);
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    if (container[probe]?.exec) container[probe].exec.command = (container[probe].exec.command as string[]).map(plain);
}

/** Turn a pod's own volumes into claims of podman's, and put its containers into the group that volumes belong to. */
function volumesOf(pod: Manifest): PlayedVolume[] {
  const { volumes = [], securityContext } = pod['spec'] as { volumes?: Manifest[]; securityContext?: Manifest };
  const { fsGroup, supplementalGroups = [] } = (securityContext ?? {}) as {
    fsGroup?: number;
    supplementalGroups?: number[];
  };
  if (fsGroup !== undefined) securityContext!['supplementalGroups'] = [...new Set([...supplementalGroups, fsGroup])];
  return volumes.flatMap((volume): PlayedVolume[] => {
    const { emptyDir, persistentVolumeClaim } = volume as {
      emptyDir?: { medium?: string; sizeLimit?: string };
      persistentVolumeClaim?: { claimName: string };
    };
    if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, kind: 'claim' }];
    if (!emptyDir) return [];
    // No claim has such a name.
    const name = `${pod['metadata'].name}_${volume['name']}`;
    delete volume['emptyDir'];
    volume['persistentVolumeClaim'] = { claimName: name };
    const kind = emptyDir.medium === 'Memory' ? mountSize(emptyDir.sizeLimit ?? '64Mi') : 'disk';
    return [{ name, kind }];
  });
}

/** `512Ki` as the options of a mount, and of podman, write it. */
const mountSize = (size: string): `${number}${string}` => size.replace(/i$/, '').toLowerCase() as `${number}${string}`;

/** Arguments of `podman run` for a one-off of a container as exported. */
export function runArguments(spec: Manifest, volumes: readonly Manifest[], network: string): string[] {
  const {
    securityContext = {},
    env = [],
    volumeMounts = [],
    resources = {},
    image,
  } = spec as {
    securityContext?: Manifest;
    env?: Manifest[];
    volumeMounts?: Manifest[];
    resources?: Manifest;
    image: string;
  };
  const { runAsUser, runAsGroup, readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = securityContext;
  const user =
    runAsUser === undefined ? [] : ['--user', `${runAsUser}${runAsGroup === undefined ? '' : `:${runAsGroup}`}`];
  return [
    'run',
    '--rm',
    '--network',
    network,
    ...user,
    ...(readOnlyRootFilesystem ? ['--read-only'] : []),
    ...(allowPrivilegeEscalation === false ? ['--security-opt', 'no-new-privileges'] : []),
    ...((capabilities?.drop ?? []) as string[]).map((each) => `--cap-drop=${each}`),
    ...((capabilities?.add ?? []) as string[]).map((each) => `--cap-add=${each}`),
    ...(resources['limits']?.memory ? ['--memory', mountSize(String(resources['limits'].memory))] : []),
    ...env.flatMap(({ name, value }) => ['--env', `${name}=${value}`]),
    ...volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
      const volume = volumes.find((each) => each['name'] === name);
      const claim = volume?.['persistentVolumeClaim']?.claimName as string | undefined;
      return claim === undefined
        ? ['--tmpfs', mountPath]
        : ['--volume', `${claim}:${mountPath}${readOnly ? ':ro' : ''}`];
    }),
    image,
  ];
}
