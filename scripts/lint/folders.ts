/**
 * Folders of a room that import each other in a circle. The linter looks at files; a reader looks at folders.
 * A program's main.ts, which puts the parts together, and its contract (contract.ts and what it consists of), which all parts
 * read, stand for themselves.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { importedPath } from '../lib/imports.ts';

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'([^']+\.ts)'/g;

/**
 * Circles of folders.
 * @param files paths below the root; imports of others do not count
 * @param read a file's text
 * @returns groups of folders that all import each other, by way of others or not, each sorted
 */
export function circlesOf(
  files: readonly string[],
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): string[][] {
  const known = new Set(files);
  const edges = new Map<string, Set<string>>();
  for (const file of files) {
    const from = placeOf(file);
    const to = edges.get(from) ?? new Set();
    edges.set(from, to);
    for (const [, name = ''] of read(file).matchAll(IMPORT)) {
      const path = importedPath(file, name);
      if (known.has(path) && placeOf(path) !== from) to.add(placeOf(path));
    }
  }
  return components(edges).filter((group) => group.length > 1);
}

const ALONE = /\/src\/(?:main|(?:[^/]+\/)?(?:contract|parameters|metrics|alerts))\.ts$/;
const placeOf = (file: string): string => (ALONE.test(file) ? file : dirname(file));

/** Strongly connected components, by Tarjan's algorithm (1972). */
function components(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    open.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      else if (!open.includes(next)) continue;
      lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) === order.get(node)) found.push(open.splice(open.indexOf(node)).toSorted());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found;
}
