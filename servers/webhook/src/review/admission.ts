/** AdmissionReview v1 (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/): what the API server asks and what it is told. */

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports: readonly number[];
}

/** What of a pod matters for an injection. */
export interface Pod {
  readonly namespace: string;
  /** Of the pod, or the beginning of the name that it will get. */
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Undefined: the pod has no such list. */
  readonly initContainers: readonly Container[] | undefined;
  readonly containers: readonly Container[];
  readonly volumes: readonly string[] | undefined;
  readonly hostNetwork: boolean;
  readonly windows: boolean;
  readonly shareProcessNamespace: boolean | undefined;
  /** Its controller where it has one: events are written about it, since the pod does not exist yet. */
  readonly owner:
    | { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string }
    | undefined;
}

export interface Review {
  readonly uid: string;
  readonly dryRun: boolean;
  /** Undefined: it is about something else than a new pod. */
  readonly pod: Pod | undefined;
}

/** It is no AdmissionReview of version 1. */
export class NoReview extends Error {}

type Json = Readonly<Record<string, unknown>>;
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Read a review.
 * @param text JSON, from anybody who reaches the port
 * @throws {NoReview}
 */
export function readReview(text: string): Review {
  let review: Json;
  try {
    review = objectOf(JSON.parse(text));
  } catch {
    throw new NoReview('the body is no JSON');
  }
  if (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== 'admission.k8s.io/v1')
    throw new NoReview('the body is no AdmissionReview of admission.k8s.io/v1');
  const request = objectOf(review['request']);
  const uid = textOf(request['uid']);
  if (uid === '') throw new NoReview('the review has no request.uid');
  const resource = objectOf(request['resource']);
  const isNewPod =
    resource['group'] === '' &&
    resource['resource'] === 'pods' &&
    request['operation'] === 'CREATE' &&
    textOf(request['subResource']) === '';
  return {
    uid,
    dryRun: request['dryRun'] === true,
    pod: isNewPod ? podOf(objectOf(request['object']), textOf(request['namespace'])) : undefined,
  };
}

function podOf(object: Json, namespace: string): Pod {
  const metadata = objectOf(object['metadata']);
  const spec = objectOf(object['spec']);
  const owner = listOf(metadata['ownerReferences'])
    .map(objectOf)
    .find((each) => each['controller'] === true);
  const initContainers = spec['initContainers'];
  return {
    namespace,
    name: textOf(metadata['name']) || textOf(metadata['generateName']),
    annotations: Object.fromEntries(
      Object.entries(objectOf(metadata['annotations'])).filter(
        (each): each is [string, string] => typeof each[1] === 'string',
      ),
    ),
    initContainers: initContainers === undefined || initContainers === null ? undefined : containersOf(initContainers),
    containers: containersOf(spec['containers']),
    volumes: Array.isArray(spec['volumes'])
      ? listOf(spec['volumes']).map((volume) => textOf(objectOf(volume)['name']))
      : undefined,
    hostNetwork: spec['hostNetwork'] === true,
    windows: objectOf(spec['os'])['name'] === 'windows',
    shareProcessNamespace:
      typeof spec['shareProcessNamespace'] === 'boolean' ? spec['shareProcessNamespace'] : undefined,
    owner: owner && {
      apiVersion: textOf(owner['apiVersion']),
      kind: textOf(owner['kind']),
      name: textOf(owner['name']),
      uid: textOf(owner['uid']),
    },
  };
}

const containersOf = (value: unknown): Container[] =>
  listOf(value)
    .map(objectOf)
    .map((container) => ({
      name: textOf(container['name']),
      image: textOf(container['image']),
      ports: listOf(container['ports'])
        .map((port) => Number(objectOf(port)['containerPort']))
        .filter((port) => port > 0),
    }));

/** An operation of a JSON Patch (RFC 6902). */
export interface Operation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

const MAX_WARNING = 250;

/**
 * The answer: the pod is always admitted.
 * @param warnings shown to the client that creates the pod, by kubectl for example
 */
export function answerOf(uid: string, patch: readonly Operation[], warnings: readonly string[]): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: true,
      ...(warnings.length > 0 && { warnings: warnings.map((each) => each.slice(0, MAX_WARNING)) }),
      ...(patch.length > 0 && {
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }),
    },
  });
}
