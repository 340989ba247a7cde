/**
 * Whether an object is one that a cluster would take: by the API's own schemas (kubernetes-models), which let unknown
 * keys and wrong words pass, and by the keys and words that an export may use, which are listed here.
 */
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { Job } from 'kubernetes-models/batch/v1';
import { ConfigMap, PersistentVolumeClaim, Pod, Secret, Service } from 'kubernetes-models/v1';

const KINDS = { Deployment, StatefulSet, Job, ConfigMap, PersistentVolumeClaim, Pod, Secret, Service } as const;

/** A key's value: a scalar, a map of any keys, a list of one shape, words of which it is one, or a map of these. */
type Shape =
  | 'any'
  | 'map'
  | readonly ['list', Shape]
  | readonly ['words', ...string[]]
  | { readonly [key: string]: Shape };

const list = (shape: Shape): Shape => ['list', shape];
const words = (...all: string[]): Shape => ['words', ...all];

const METADATA: Shape = { name: 'any', labels: 'map', annotations: 'map' };
const PROBE: Shape = {
  exec: { command: list('any') },
  httpGet: {
    path: 'any',
    port: 'any',
    host: 'any',
    scheme: words('HTTP', 'HTTPS'),
    httpHeaders: list({ name: 'any', value: 'any' }),
  },
  tcpSocket: { port: 'any', host: 'any' },
  initialDelaySeconds: 'any',
  periodSeconds: 'any',
  timeoutSeconds: 'any',
  failureThreshold: 'any',
  terminationGracePeriodSeconds: 'any',
};
const CONTAINER: { readonly [key: string]: Shape } = {
  name: 'any',
  image: 'any',
  imagePullPolicy: words('Always', 'IfNotPresent', 'Never'),
  command: list('any'),
  args: list('any'),
  workingDir: 'any',
  env: list({ name: 'any', value: 'any' }),
  startupProbe: PROBE,
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  resources: { limits: { cpu: 'any', memory: 'any' }, requests: { cpu: 'any', memory: 'any' } },
  securityContext: {
    runAsNonRoot: 'any',
    runAsUser: 'any',
    runAsGroup: 'any',
    readOnlyRootFilesystem: 'any',
    allowPrivilegeEscalation: 'any',
    privileged: 'any',
    capabilities: { add: list('any'), drop: list('any') },
    seccompProfile: { type: words('RuntimeDefault', 'Unconfined', 'Localhost') },
  },
  stdin: 'any',
  tty: 'any',
  volumeMounts: list({ name: 'any', mountPath: 'any', subPath: 'any', readOnly: 'any' }),
};
const ITEMS: Shape = list({ key: 'any', path: 'any', mode: 'any' });
const POD: Shape = {
  restartPolicy: words('Always', 'OnFailure', 'Never'),
  shareProcessNamespace: 'any',
  terminationGracePeriodSeconds: 'any',
  enableServiceLinks: 'any',
  automountServiceAccountToken: 'any',
  hostname: 'any',
  hostAliases: list({ ip: 'any', hostnames: list('any') }),
  dnsConfig: { nameservers: list('any'), searches: list('any'), options: list({ name: 'any', value: 'any' }) },
  securityContext: {
    fsGroup: 'any',
    fsGroupChangePolicy: words('OnRootMismatch', 'Always'),
    supplementalGroups: list('any'),
    sysctls: list({ name: 'any', value: 'any' }),
  },
  initContainers: list({ ...CONTAINER, restartPolicy: words('Always') }),
  containers: list(CONTAINER),
  volumes: list({
    name: 'any',
    emptyDir: { medium: words('Memory'), sizeLimit: 'any' },
    hostPath: { path: 'any', type: words('DirectoryOrCreate', 'File') },
    persistentVolumeClaim: { claimName: 'any' },
    configMap: { name: 'any', items: ITEMS },
    secret: { secretName: 'any', items: ITEMS },
  }),
};
const TEMPLATE: Shape = { metadata: METADATA, spec: POD };
const CLAIM: Shape = {
  accessModes: list(words('ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOncePod')),
  resources: { requests: { storage: 'any' } },
};
const SELECTOR: Shape = { matchLabels: 'map' };
const TOP = { apiVersion: 'any', kind: 'any', metadata: METADATA } as const;
const SHAPES: Readonly<Record<keyof typeof KINDS, Shape>> = {
  Deployment: {
    ...TOP,
    spec: {
      replicas: 'any',
      selector: SELECTOR,
      strategy: { type: words('Recreate', 'RollingUpdate') },
      template: TEMPLATE,
    },
  },
  StatefulSet: {
    ...TOP,
    spec: {
      serviceName: 'any',
      replicas: 'any',
      selector: SELECTOR,
      template: TEMPLATE,
      volumeClaimTemplates: list({ metadata: METADATA, spec: CLAIM }),
    },
  },
  Job: { ...TOP, spec: { backoffLimit: 'any', template: TEMPLATE } },
  Pod: { ...TOP, spec: POD },
  PersistentVolumeClaim: { ...TOP, spec: CLAIM },
  ConfigMap: { ...TOP, data: 'map', binaryData: 'map' },
  Secret: { ...TOP, type: words('Opaque'), data: 'map', stringData: 'map' },
  Service: {
    ...TOP,
    spec: {
      type: words('ClusterIP', 'NodePort', 'LoadBalancer'),
      clusterIP: words('None'),
      publishNotReadyAddresses: 'any',
      ports: list({ name: 'any', port: 'any', targetPort: 'any', protocol: words('TCP', 'UDP') }),
      selector: 'map',
    },
  },
};

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is wrong with an object, a line each; empty for one that is right. */
export function mistakesIn(object: Record<string, unknown>): string[] {
  const kind = object['kind'] as keyof typeof KINDS;
  if (!Object.hasOwn(KINDS, kind)) return [`kind ${kind} is not one that an export writes`];
  const { name } = object['metadata'] as { name: string };
  const mistakes = NAME.test(name) ? [] : [`${kind} ${name}: no name for an object`];
  try {
    new KINDS[kind](structuredClone(object) as never).validate();
  } catch (error) {
    mistakes.push(`${kind} ${name}: ${(error as Error).message}`);
  }
  mistakes.push(...unknown(object, SHAPES[kind], `${kind} ${name}`), ...namesIn(object, `${kind} ${name}`));
  return mistakes;
}

function unknown(value: unknown, shape: Shape, where: string): string[] {
  if (value === undefined || shape === 'any') return typeof value === 'object' ? [`${where}: is no scalar`] : [];
  if (shape === 'map')
    return Object.entries(value as object).flatMap(([key, item]) =>
      typeof item === 'string' ? [] : [`${where}.${key}: is no text`],
    );
  if (Array.isArray(shape)) {
    if (shape[0] === 'words')
      return shape.slice(1).includes(value as string) ? [] : [`${where}: ${JSON.stringify(value)}`];
    if (!Array.isArray(value)) return [`${where}: is no list`];
    return value.flatMap((item, index) => unknown(item, shape[1] as Shape, `${where}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${where}: is no map`];
  const known = shape as Readonly<Record<string, Shape>>;
  return Object.entries(value).flatMap(([key, item]) =>
    Object.hasOwn(known, key) ? unknown(item, known[key]!, `${where}.${key}`) : [`${where}.${key}: is no key`],
  );
}

interface Named {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: unknown;
  readonly restartPolicy?: string;
}

/** What a schema does not say: names within a pod, and mounts of volumes that are there. */
function namesIn(object: Record<string, unknown>, where: string): string[] {
  const spec = object['spec'] as
    | { containers?: Named[]; template?: { spec: object }; volumeClaimTemplates?: { metadata: { name: string } }[] }
    | undefined;
  const pod = (spec?.containers ? spec : spec?.template?.spec) as
    | { containers: Named[]; initContainers?: Named[]; volumes?: Named[] }
    | undefined;
  if (!pod) return [];
  const containers = [...(pod.initContainers ?? []), ...pod.containers];
  const volumes = [...(pod.volumes ?? []), ...(spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)].map(
    ({ name }) => name,
  );
  const twice = (names: readonly string[]): string[] => names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...twice(containers.map(({ name }) => name)).map((name) => `${where}: container ${name} twice`),
    ...twice(volumes).map((name) => `${where}: volume ${name} twice`),
    ...containers
      .filter(({ name }) => !NAME.test(name))
      .map(({ name }) => `${where}: ${name} is no name for a container`),
    ...volumes.filter((name) => !NAME.test(name)).map((name) => `${where}: ${name} is no name for a volume`),
    ...containers.flatMap(({ name, volumeMounts = [] }) => [
      ...twice(volumeMounts.map(({ mountPath }) => mountPath)).map((path) => `${where}: ${name} mounts ${path} twice`),
      ...volumeMounts
        .filter((mount) => !volumes.includes(mount.name))
        .map((mount) => `${where}: ${name} mounts ${mount.name}, which is no volume`),
    ]),
    ...(pod.initContainers ?? [])
      .filter(({ restartPolicy, startupProbe }) => restartPolicy !== 'Always' && startupProbe !== undefined)
      .map(({ name }) => `${where}: ${name} ends, and has a probe`),
  ];
}
