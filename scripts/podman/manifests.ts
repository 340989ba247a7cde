/**
 * Exported manifests as `podman kube play` takes them (podman 5.4): it knows no Service, so the names and ports of a
 * pod's Services are told it on its command line; a volume in memory it makes anew for each container, without a limit
 * and with the image's owner, so it becomes a volume of podman's own kind; it forgets init containers unless told to
 * keep them, and it takes each dollar for one.
 */
import { parseAllDocuments, stringify } from 'yaml';
import type { File } from '../../tools/export/files.ts';

// Objects of an API, whose shape the checks of the export have seen.
// eslint-disable-next-line typescript/no-explicit-any
export type Manifest = Record<string, any>;

export interface Play {
  readonly pod: Manifest;
  /** What is played: the pod, and what it mounts. */
  readonly text: string;
  /** Names by which others reach it. */
  readonly aliases: readonly string[];
  readonly published: readonly { readonly port: number; readonly target: number; readonly protocol: string }[];
}

/** Every object of an export's base. */
export const objectsOf = (files: readonly File[]): Manifest[] =>
  files
    .filter(({ path }) => path.startsWith('base/') && !path.endsWith('kustomization.yaml'))
    .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));

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
  const claims = memory(pod);
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
    text: [...claims, ...mounted, pod].map((object) => stringify(object)).join('---\n'),
    aliases: services.filter(({ spec }) => spec.clusterIP === 'None').map(({ metadata }) => metadata.name as string),
    published: services.flatMap(({ spec }) =>
      ((spec.ports ?? []) as Manifest[]).map(({ port, targetPort, protocol }) => ({
        port,
        target: targetPort,
        protocol,
      })),
    ),
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

/** Volumes in memory, turned into claims of podman's tmpfs volumes. */
function memory(pod: Manifest): Manifest[] {
  const { volumes = [], securityContext } = pod['spec'] as {
    volumes?: Manifest[];
    securityContext?: { fsGroup?: number };
  };
  return volumes.flatMap((volume): Manifest[] => {
    if (volume['emptyDir']?.medium !== 'Memory') return [];
    const size = String(volume['emptyDir'].sizeLimit ?? '64Mi')
      .replace(/i$/, '')
      .toLowerCase();
    const name = `${pod['metadata'].name}-${volume['name']}`;
    delete volume['emptyDir'];
    volume['persistentVolumeClaim'] = { claimName: name };
    const annotations = {
      'volume.podman.io/driver': 'local',
      'volume.podman.io/type': 'tmpfs',
      'volume.podman.io/device': 'tmpfs',
      'volume.podman.io/mount-options': `size=${size},mode=2777,gid=${securityContext?.fsGroup ?? 0}`,
    };
    return [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, annotations },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
      },
    ];
  });
}

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
    ...(resources['limits']?.memory
      ? ['--memory', String(resources['limits'].memory).replace(/i$/, '').toLowerCase()]
      : []),
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
