/** Which processes are shown, and in which order: no element in here, so that it is tested without a browser. */
import type { ProcessDocument } from '../src/view/document.ts';
import { treeOf, type TreeRow } from '../src/view/tree.ts';

export interface Arrangement {
  readonly order: (process: ProcessDocument) => number | string;
  readonly descending: boolean;
  /** Words that must all be found in a process' fields. */
  readonly filter: string;
  /** Children under their parents. */
  readonly tree: boolean;
}

/**
 * Filter and sort.
 * @param containerOf the name of a process' container, which the filter looks at, too
 */
export function arrange(
  processes: readonly ProcessDocument[],
  { order, descending, filter, tree }: Arrangement,
  containerOf: (process: ProcessDocument) => string,
): TreeRow[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const shown = processes.filter((process) => {
    const text =
      `${process.pid} ${process.user} ${process.name} ${process.command} ${process.group} ${containerOf(process)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const sorted = shown.toSorted((a, b) => {
    const [left, right] = [order(a), order(b)];
    const way = left < right ? -1 : left > right ? 1 : 0;
    return (descending ? -way : way) || a.pid - b.pid;
  });
  return tree ? treeOf(sorted) : sorted.map((process) => ({ process, depth: 0 }));
}
