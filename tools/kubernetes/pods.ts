/** Pods in Kubernetes documents: in workloads, in lists, and in custom resources that hold a pod template. */
import { entries, get, isTrue, items, text, type MapTree, type Tree } from '../yaml/tree.ts';

/** A pod template with the object that it stands in. */
export interface Pod {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** metadata of the template, for labels and annotations. */
  readonly metadata: Tree | undefined;
  readonly spec: MapTree;
  readonly document: MapTree;
}

/** Kinds that describe other objects: what looks like containers in them is a schema. */
const DESCRIBES_OTHERS =
  /^(CustomResourceDefinition|ConstraintTemplate|ClusterPolicy|Policy|ValidatingAdmissionPolicy)$/;
const MAX_DEPTH = 12;

/** Whether a document is a Kubernetes object or a list of them. */
export function isKubernetes(tree: Tree): tree is MapTree {
  return tree.kind === 'map' && text(get(tree, 'kind')) !== undefined && text(get(tree, 'apiVersion')) !== undefined;
}

/** The objects of a document: itself, or a List's items, also nested. */
export function objectsOf(document: MapTree, depth = 0): MapTree[] {
  const kind = text(get(document, 'kind')) ?? '';
  const listed = get(document, 'items');
  if (!(kind === 'List' || (kind.endsWith('List') && listed?.kind === 'seq')) || depth > MAX_DEPTH) return [document];
  return items(listed).flatMap((item) => (item.kind === 'map' ? objectsOf(item, depth + 1) : []));
}

/** Every pod that an object describes. */
export function podsOf(object: MapTree): Pod[] {
  const kind = text(get(object, 'kind')) ?? '';
  if (DESCRIBES_OTHERS.test(kind)) return [];
  const name = text(get(object, 'metadata', 'name')) ?? text(get(object, 'metadata', 'generateName')) ?? '';
  const pods: Pod[] = [];
  const seen = new Set<Tree>();
  const visit = (tree: Tree, metadata: Tree | undefined, path: readonly string[]): void => {
    if (path.length > MAX_DEPTH || seen.has(tree)) return;
    seen.add(tree);
    if (tree.kind === 'seq') {
      tree.items.forEach((item) => visit(item, undefined, path));
      return;
    }
    if (tree.kind !== 'map') return;
    if (isPodSpec(tree, path)) {
      // Several pods in one object (roles of a custom resource) are told apart by where they stand.
      pods.push({
        kind,
        name,
        namespace: text(get(object, 'metadata', 'namespace')),
        metadata,
        spec: tree,
        document: object,
      });
      return;
    }
    const inner = get(tree, 'metadata') ?? metadata;
    for (const [key, value] of tree.entries) {
      // Schemas and values of other tools may look like pods.
      if (key === 'metadata' || key === 'status' || /schema$/i.test(key)) continue;
      visit(value, inner, [...path, key]);
    }
  };
  visit(object, get(object, 'metadata'), []);
  return pods;
}

/** A mapping whose `containers` is a list of named containers. */
function isPodSpec(tree: MapTree, path: readonly string[]): boolean {
  const containers = get(tree, 'containers');
  if (containers?.kind !== 'seq' || path.length === 0) return false;
  return items(containers).some(
    (item) => item.kind === 'map' && (text(get(item, 'name')) !== undefined || text(get(item, 'image')) !== undefined),
  );
}

/** An annotation of a pod's template or of its object. */
export function annotation(pod: Pod, key: string): Tree | undefined {
  return get(pod.metadata, 'annotations', key) ?? get(pod.document, 'metadata', 'annotations', key);
}

/** Whether the containers of a pod see each other's processes. */
export const sharesProcesses = (pod: Pod): boolean => isTrue(get(pod.spec, 'shareProcessNamespace'));

/** ConfigMaps' and Secrets' texts, by kind and name, for what mounts them. */
export function configurationOf(objects: readonly MapTree[]): Map<string, [string, Tree][]> {
  return new Map(
    objects
      .filter((object) => text(get(object, 'kind')) === 'ConfigMap')
      .map((object) => [text(get(object, 'metadata', 'name')) ?? '', entries(get(object, 'data'))]),
  );
}
