/**
 * How compose merges a later file over an earlier one (Compose Specification, "Merge"): maps deeply,
 * lists by appending, some lists by the key of their items, and `!reset` and `!override` as said.
 */
import { entries, items, text, type MapTree, type Tree } from '../yaml/tree.ts';
import { mountTarget } from './mounts.ts';

/** Lists that a later file replaces. */
const REPLACED = new Set(['command', 'entrypoint', 'test']);
/** Lists of `KEY=VALUE` that may be maps too: merged by key. */
const KEYED = new Set(['environment', 'labels', 'annotations', 'sysctls', 'args', 'extra_hosts', 'driver_opts']);
/** Short forms of these maps are lists of names. */
const NAMED = new Set(['depends_on', 'networks']);
/** Items with the same target replace each other. */
const BY_TARGET = new Set(['volumes', 'configs', 'secrets', 'devices']);

/** `later` over `earlier`; either may be undefined. */
export function mergeTrees(earlier: Tree | undefined, later: Tree | undefined, key = ''): Tree | undefined {
  if (later === undefined) return earlier;
  if (later.tag === 'reset') return undefined;
  if (earlier === undefined || later.tag === 'override') return withoutResets(later);
  if (later.kind === 'scalar' && later.value === null) return earlier;
  const [before, after] = sameShape(earlier, later, key);
  if (before.kind === 'map' && after.kind === 'map') return mergeMaps(before, after);
  if (before.kind === 'seq' && after.kind === 'seq') {
    if (REPLACED.has(key)) return after;
    const identity = BY_TARGET.has(key) ? targetOf : (item: Tree) => text(item);
    const replaced = new Set(after.items.map(identity).filter((each) => each !== undefined));
    const kept = before.items.filter((item) => !replaced.has(identity(item) ?? ''));
    return { ...after, items: [...kept, ...after.items] };
  }
  return after;
}

function mergeMaps(earlier: MapTree, later: MapTree): MapTree {
  const merged = new Map(earlier.entries);
  for (const [key, value] of later.entries) {
    const tree = mergeTrees(merged.get(key), value, key);
    if (tree === undefined) merged.delete(key);
    else merged.set(key, tree);
  }
  return { kind: 'map', entries: merged, at: earlier.at };
}

/** A value that stands alone: what it resets is not there. */
export function withoutResets(tree: Tree): Tree {
  if (tree.kind === 'scalar') return tree;
  if (tree.kind === 'seq')
    return { ...tree, items: tree.items.filter((item) => item.tag !== 'reset').map(withoutResets) };
  const kept = [...tree.entries].filter(([, value]) => value.tag !== 'reset');
  return { ...tree, entries: new Map(kept.map(([key, value]) => [key, withoutResets(value)])) };
}

function sameShape(earlier: Tree, later: Tree, key: string): [Tree, Tree] {
  if (earlier.kind === later.kind && !(KEYED.has(key) && earlier.kind === 'seq')) return [earlier, later];
  if (KEYED.has(key)) return [keyed(earlier), keyed(later)];
  if (NAMED.has(key)) return [nameMap(earlier), nameMap(later)];
  return [earlier, later];
}

/** A list of `KEY=VALUE` as a map; a map as it is. */
export function keyed(tree: Tree): Tree {
  if (tree.kind !== 'seq') return tree;
  const pairs = items(tree).flatMap((item): [string, Tree][] => {
    const line = text(item);
    if (line === undefined) return entries(item);
    const cut = line.search(/[=]|:\s/);
    return cut === -1
      ? [[line, { kind: 'scalar', value: null, at: item.at }]]
      : [[line.slice(0, cut).trim(), { kind: 'scalar', value: line.slice(cut + 1).trim(), at: item.at }]];
  });
  return { kind: 'map', entries: new Map(pairs), at: tree.at };
}

function nameMap(tree: Tree): Tree {
  if (tree.kind !== 'seq') return tree;
  const names = items(tree).flatMap((item): [string, Tree][] => {
    const name = text(item);
    return name === undefined ? [] : [[name, { kind: 'scalar', value: null, at: item.at }]];
  });
  return { kind: 'map', entries: new Map(names), at: tree.at };
}

function targetOf(item: Tree): string | undefined {
  return mountTarget(item) ?? (item.kind === 'map' ? text(item.entries.get('source')) : undefined);
}
