/** What a cluster needs for the admission webhook: objects for `kubectl apply`. */
import { imageName, type ContainerOptions } from '../bundled/container-spec.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { contract } from '../../servers/webhook/src/contract.ts';
import { ANNOTATED, INJECT, LABELLED } from '../../servers/webhook/src/review/wish.ts';

export interface WebhookOptions extends ContainerOptions {
  readonly namespace: string;
  readonly replicas: number;
}

type Manifest = Readonly<Record<string, unknown>>;

/** Label of a namespace: all new pods in it get the sidecar that is named behind this. */
export const NAMESPACE_LABEL = 'inject.sidecar-stacks.dev/';
const NAME = 'sidecar-stacks-webhook';
const CONFIGURATION = 'sidecar-stacks';
const LABELS = { 'app.kubernetes.io/name': NAME, 'app.kubernetes.io/part-of': 'sidecar-stacks' };
const SELECTOR = { 'app.kubernetes.io/name': NAME };
/** Each pod waits so long for a webhook that hangs. */
const TIMEOUT_SECONDS = 3;

/**
 * The manifests, in the order in which they are applied.
 * @param options where the images are, and how sidecars are put in
 */
export function webhookManifests(options: WebhookOptions): Manifest[] {
  const { namespace } = options;
  const own = { name: NAME, namespace, labels: LABELS };
  const cluster = { name: NAME, labels: LABELS };
  const account = { kind: 'ServiceAccount', name: NAME, namespace };
  const rbac = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...LABELS, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: own, automountServiceAccountToken: false },
    // Empty, so that nobody needs the right to create one; the webhook fills it.
    { apiVersion: 'v1', kind: 'Secret', metadata: own, type: 'Opaque' },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: own,
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [NAME], verbs: ['get', 'update'] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: own,
      roleRef: { apiGroup: rbac, kind: 'Role', name: NAME },
      subjects: [account],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: cluster,
      rules: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['mutatingwebhookconfigurations'],
          resourceNames: [CONFIGURATION],
          verbs: ['get', 'patch'],
        },
        { apiGroups: [''], resources: ['events'], verbs: ['create'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: cluster,
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: NAME },
      subjects: [account],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: own,
      spec: { selector: SELECTOR, ports: [{ name: 'reviews', port: 443, targetPort: 'reviews' }] },
    },
    deployment(options),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: own,
      spec: { maxUnavailable: 1, selector: { matchLabels: SELECTOR } },
    },
    configuration(namespace),
  ];
}

function deployment({ namespace, replicas, registry, style }: WebhookOptions): Manifest {
  const { memory } = contract.deploy;
  const probe = (path: string): Manifest => ({ httpGet: { path, port: 'admin' } });
  const set = {
    WEBHOOK_STYLE: style,
    ...(registry !== '' && { WEBHOOK_REGISTRY: registry }),
  };
  const container = {
    name: 'webhook',
    image: imageName(contract, registry),
    imagePullPolicy: registry === '' ? 'Never' : 'IfNotPresent',
    env: Object.entries(set).map(([name, value]) => ({ name, value })),
    ports: [
      { name: 'reviews', containerPort: Number(contract.parameters.WEBHOOK_PORT.default) },
      { name: 'admin', containerPort: Number(contract.parameters.ADMIN_PORT.default) },
    ],
    startupProbe: { ...probe('/startupz'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2 },
    // Endpoints are taken out of kube-proxy while it still answers.
    lifecycle: { preStop: { sleep: { seconds: 3 } } },
    resources: {
      requests: { cpu: '20m', memory: '64Mi' },
      limits: { memory: memory.replace(/m$/, 'Mi') },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
  const spec = {
    serviceAccountName: NAME,
    automountServiceAccountToken: true,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: SELECTOR },
      },
    ],
    containers: [container],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace, labels: LABELS },
    spec: {
      replicas,
      selector: { matchLabels: SELECTOR },
      template: { metadata: { labels: LABELS }, spec },
    },
  };
}

/** A webhook for pods with the annotation, and one for each sidecar that namespaces may ask for by label. */
function configuration(namespace: string): Manifest {
  const elsewhere = {
    key: 'kubernetes.io/metadata.name',
    operator: 'NotIn',
    values: [...new Set(['kube-system', namespace])],
  };
  const common = {
    admissionReviewVersions: ['v1'],
    rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'], scope: 'Namespaced' }],
    // A cluster must start pods without it.
    failurePolicy: 'Ignore',
    // What another webhook changes meanwhile is seen, too: a sidecar that is there is left as it is.
    reinvocationPolicy: 'IfNeeded',
    // Events are written, and not for a dry run.
    sideEffects: 'NoneOnDryRun',
    matchPolicy: 'Equivalent',
    timeoutSeconds: TIMEOUT_SECONDS,
  };
  const at = (path: string): Manifest => ({ service: { namespace, name: NAME, path, port: 443 } });
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: CONFIGURATION, labels: LABELS },
    webhooks: [
      {
        name: 'annotated.sidecar-stacks.dev',
        ...common,
        clientConfig: at(ANNOTATED),
        namespaceSelector: { matchExpressions: [elsewhere] },
        // Other pods do not pass the webhook at all.
        matchConditions: [
          {
            name: 'asked',
            expression: `has(object.metadata.annotations) && '${INJECT}' in object.metadata.annotations`,
          },
        ],
      },
      ...Object.keys(SIDECARS).map((name) => ({
        name: `${name}.labelled.sidecar-stacks.dev`,
        ...common,
        clientConfig: at(`${LABELLED}${name}`),
        namespaceSelector: {
          matchExpressions: [elsewhere],
          matchLabels: { [`${NAMESPACE_LABEL}${name}`]: 'true' },
        },
      })),
    ],
  };
}
