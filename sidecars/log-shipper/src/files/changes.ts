/** Which files change: those that are open are asked between two scans, all others are seen by the next one. */
import type { Generation } from './generation.ts';
import type { OpenFiles } from './open-files.ts';

/** A file that changed this long ago is looked at at every poll, in milliseconds. */
const HOT = 10_000;

/** Whether there may be something to read before the next scan. */
export function isHot(generations: Iterable<Generation>, now: number): boolean {
  for (const { fd, changedAt, unread, withheld } of generations)
    if (unread || withheld || (fd !== undefined && now - changedAt < HOT)) return true;
  return false;
}

/** Ask the files that are open whether they changed. */
export function pollOpen(generations: Iterable<Generation>, files: Pick<OpenFiles, 'stat'>, now: number): void {
  for (const generation of generations) {
    const { fd, detachedAt, changedAt } = generation;
    if (fd === undefined || (detachedAt === undefined && now - changedAt > HOT)) continue;
    const { size, stamp, links } = files.stat(fd);
    generation.links = links;
    if (stamp === generation.stamp && size === generation.size) continue;
    Object.assign(generation, { size, stamp, changedAt: now, unread: true });
  }
}
