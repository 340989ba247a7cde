/** Processes as a tree. */
import type { ProcessDocument } from './document.ts';

export interface TreeRow {
  readonly process: ProcessDocument;
  /** 0 for one without a parent that is shown. */
  readonly depth: number;
}

/**
 * Children under their parents; brothers stay in their order.
 * @param processes in the order that brothers keep
 */
export function treeOf(processes: readonly ProcessDocument[]): TreeRow[] {
  const known = new Set(processes.map(({ pid }) => pid));
  const children = Map.groupBy(processes, ({ ppid, pid }) => (known.has(ppid) && ppid !== pid ? ppid : 0));
  const placed: TreeRow[] = [];
  const waiting = (children.get(0) ?? []).map((process) => ({ process, depth: 0 })).toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    placed.push(next);
    for (const child of (children.get(next.process.pid) ?? []).toReversed())
      waiting.push({ process: child, depth: next.depth + 1 });
  }
  return placed;
}
