/** What a kustomization builds, as far as containers are concerned: resources, components, and patches. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { entries, get, items, parseTrees, text, texts, YamlError, type MapTree, type Tree } from '../yaml/tree.ts';
import { isKubernetes, objectsOf } from './pods.ts';

export const KUSTOMIZATION = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

export interface Kustomized {
  readonly objects: readonly MapTree[];
  /** Every file that was read. */
  readonly used: ReadonlySet<string>;
  readonly problems: readonly YamlError[];
}

const MAX_DEPTH = 20;
const MAX_FILES = 2000;

/**
 * Build a kustomization without its network: remote resources are left out and named.
 * @param file the kustomization
 * @param base paths are told relative to it
 */
export function kustomize(file: string, base: string): Kustomized {
  const builder = new Builder(base);
  return { objects: builder.build(resolve(base, file), 0), used: builder.used, problems: builder.problems };
}

/** The kustomization of a folder, if it has one. */
export function kustomizationIn(folder: string): string | undefined {
  return KUSTOMIZATION.map((name) => join(folder, name)).find((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
}

class Builder {
  readonly used = new Set<string>();
  readonly problems: YamlError[] = [];
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  build(file: string, depth: number): MapTree[] {
    return this.#added([], file, depth);
  }

  /** These objects and those that a kustomization or a component names, after what it says of them all. */
  #added(earlier: readonly MapTree[], file: string, depth: number): MapTree[] {
    if (depth > MAX_DEPTH || this.used.size > MAX_FILES) return [...earlier];
    const [requested] = this.#read(file);
    if (requested?.kind !== 'map') return [...earlier];
    const folder = dirname(file);
    const named = ['resources', 'bases'].flatMap((key) =>
      items(get(requested, key)).flatMap((item) => this.#resource(item, folder, depth)),
    );
    let objects = [...earlier, ...named];
    for (const item of items(get(requested, 'components'))) {
      const component = kustomizationIn(resolve(folder, text(item) ?? ''));
      if (component) objects = this.#added(objects, component, depth + 1);
    }
    return this.#patched(objects, requested, folder);
  }

  #resource(item: Tree, folder: string, depth: number): MapTree[] {
    const name = text(item);
    if (name === undefined) return [];
    if (/^https?:|^git@|^github\.com\/|\?ref=|^ssh:/.test(name)) {
      this.problems.push(new YamlError(`${name} is elsewhere and was not fetched`, item.at));
      return [];
    }
    const path = resolve(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      const inner = kustomizationIn(path);
      return inner && !this.used.has(inner) ? this.build(inner, depth + 1) : [];
    }
    if (!stat?.isFile()) {
      this.problems.push(new YamlError(`names ${name}, which is not there`, item.at));
      return [];
    }
    return this.#read(path).flatMap((tree) => (isKubernetes(tree) ? objectsOf(tree) : []));
  }

  #patched(objects: readonly MapTree[], requested: MapTree, folder: string): MapTree[] {
    let result = [...objects];
    for (const item of [
      ...items(get(requested, 'patchesStrategicMerge')),
      ...items(get(requested, 'patches')),
      ...items(get(requested, 'patchesJson6902')),
    ]) {
      const path = text(item) ?? text(get(item, 'path'));
      const inline = text(get(item, 'patch')) ?? (item.kind === 'scalar' && path?.includes('\n') ? path : undefined);
      const patches =
        inline === undefined
          ? path === undefined
            ? []
            : this.#read(resolve(folder, path))
          : parseTrees(inline, item.at.file, item.at.line + 1).filter(
              (tree): tree is Tree => !(tree instanceof YamlError),
            );
      for (const patch of patches)
        result = result.flatMap((object) => this.#apply(object, patch, get(item, 'target')) ?? []);
    }
    return result;
  }

  /** @returns undefined when the patch deletes the object */
  #apply(object: MapTree, patch: Tree, target: Tree | undefined): MapTree | undefined {
    if (target !== undefined && !matches(object, text(get(target, 'kind')), text(get(target, 'name')))) return object;
    if (patch.kind === 'seq') return patch.items.reduce(applyOperation, object);
    if (patch.kind !== 'map') return object;
    const own = matches(object, text(get(patch, 'kind')), text(get(patch, 'metadata', 'name')), true);
    if (!own && target === undefined) return object;
    const merged = strategicMerge(object, patch) as MapTree | undefined;
    return merged && withIdentity(merged, object);
  }

  #read(path: string): Tree[] {
    this.used.add(path);
    const shown = relative(this.#base, path) || path;
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      this.problems.push(new YamlError(`cannot be read: ${(error as Error).message}`, { file: shown, line: 1 }));
      return [];
    }
    return parseTrees(content, shown).flatMap((tree) => {
      if (!(tree instanceof YamlError)) return [tree];
      this.problems.push(tree);
      return [];
    });
  }
}

/** A patch with a target changes no object's kind and name, whatever its own are. */
function withIdentity(merged: MapTree, object: MapTree): MapTree {
  const inner = merged.entries.get('metadata');
  const name = get(object, 'metadata', 'name');
  const entriesOf = new Map(merged.entries);
  const kind = object.entries.get('kind');
  if (kind) entriesOf.set('kind', kind);
  if (inner?.kind === 'map' && name)
    entriesOf.set('metadata', { ...inner, entries: new Map(inner.entries).set('name', name) });
  return { ...merged, entries: entriesOf };
}

/** Names of a target may be regular expressions, anchored; a patch's own name is meant as it stands. */
function matches(object: MapTree, kind: string | undefined, name: string | undefined, exact = false): boolean {
  const own = text(get(object, 'metadata', 'name')) ?? '';
  if (kind !== undefined && kind !== text(get(object, 'kind'))) return false;
  if (name === undefined) return !exact;
  if (own === name) return true;
  if (exact || name.length > 200 || !/^[\w.*|()-]+$/.test(name)) return false;
  // Only `.*` is meant as a wildcard here: other people's expressions are not run.
  const parts = name.split('|').map((part) => part.replace(/^\(|\)$/g, '').split('.*'));
  return parts.some((literals) => inOrder(own, literals));
}

function inOrder(value: string, literals: readonly string[]): boolean {
  let at = 0;
  for (const [index, literal] of literals.entries()) {
    const found = value.indexOf(literal, at);
    if (found === -1 || (index === 0 && found !== 0)) return false;
    at = found + literal.length;
  }
  return literals.at(-1) === '' || at === value.length;
}

/** Lists of a pod that are merged by a key instead of replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
};

/** Kubernetes' strategic merge, as far as pods need it. */
function strategicMerge(earlier: Tree | undefined, later: Tree, key = ''): Tree | undefined {
  if (later.kind === 'scalar' && later.value === null) return undefined;
  if (earlier === undefined) return later;
  if (earlier.kind === 'map' && later.kind === 'map') {
    if (text(get(later, '$patch')) === 'delete') return undefined;
    const merged = new Map(earlier.entries);
    for (const [name, value] of later.entries) {
      if (name === '$patch') continue;
      const tree = strategicMerge(merged.get(name), value, name);
      if (tree === undefined) merged.delete(name);
      else merged.set(name, tree);
    }
    return { ...earlier, entries: merged };
  }
  const by = MERGE_KEYS[key];
  if (earlier.kind === 'seq' && later.kind === 'seq' && by !== undefined) {
    const own = new Map(later.items.map((item) => [text(get(item, by)), item]));
    const kept = earlier.items.flatMap((item) => {
      const patch = own.get(text(get(item, by)));
      if (patch === undefined) return [item];
      own.delete(text(get(item, by)));
      return strategicMerge(item, patch) ?? [];
    });
    const added = [...own.values()].filter((item) => text(get(item, '$patch')) !== 'delete');
    // New containers of a patch come first, as kustomize puts them.
    return { ...earlier, items: [...added, ...kept] };
  }
  return later;
}

/** One operation of a JSON patch (RFC 6902): add, replace and remove, under keys and list positions. */
function applyOperation(object: MapTree, operation: Tree): MapTree {
  const kind = text(get(operation, 'op'));
  const path = (text(get(operation, 'path')) ?? '')
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const value = get(operation, 'value');
  if (path.length === 0 || path.length > 50 || !(kind === 'remove' || value !== undefined)) return object;
  return changed(object, path, kind ?? '', value) as MapTree;
}

function changed(tree: Tree, [key, ...rest]: readonly string[], kind: string, value: Tree | undefined): Tree {
  if (key === undefined) return tree;
  if (tree.kind === 'map') {
    const merged = new Map(tree.entries);
    const inner = merged.get(key);
    if (rest.length > 0) {
      if (inner) merged.set(key, changed(inner, rest, kind, value));
    } else if (kind === 'remove') merged.delete(key);
    else merged.set(key, value!);
    return { ...tree, entries: merged };
  }
  if (tree.kind !== 'seq') return tree;
  const list = [...tree.items];
  const index = key === '-' ? list.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index > list.length) return tree;
  if (rest.length > 0) {
    if (list[index]) list[index] = changed(list[index], rest, kind, value);
  } else if (kind === 'add') list.splice(index, 0, value!);
  else if (kind === 'remove') list.splice(index, 1);
  else if (index < list.length) list[index] = value!;
  return { ...tree, items: list };
}

/** Keys of a kustomization, for a reader who asks whether a document is one. */
export const isKustomization = (tree: Tree): boolean =>
  /^(Kustomization|Component)$/.test(text(get(tree, 'kind')) ?? '') ||
  (get(tree, 'kind') === undefined &&
    entries(tree).some(([key]) => key === 'resources' || key === 'bases') &&
    texts(get(tree, 'resources')).length > 0);
