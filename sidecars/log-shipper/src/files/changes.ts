/** Which files change: those that are open are asked between two scans, all others are seen by the next one. */
import { attempt } from './tracked/error-code.ts';
import type { TrackedFile } from './tracked/tracked-file.ts';
import type { OpenFiles } from './table/open-files.ts';

/** A file that changed this long ago is looked at at every poll, in milliseconds. */
const HOT = 10_000;

/** How long the pause between two looks is at least, and more for each file that is looked at, in milliseconds. */
const QUICK = 40;
const EACH = 1;

/**
 * How long until files are looked at again, in milliseconds: the fewer there are to look at, the sooner.
 */
export function untilNextLook(
  trackedFiles: Iterable<TrackedFile>,
  now: number,
  { pollInterval, scanInterval }: { readonly pollInterval: number; readonly scanInterval: number },
): number {
  let hot = 0;
  for (const { fd, changedAt, unread, withheld } of trackedFiles)
    if (unread || withheld || (fd !== undefined && now - changedAt < HOT)) hot += 1;
  return hot === 0 ? scanInterval : Math.min(pollInterval, Math.max(QUICK, hot * EACH));
}

/** Ask the files that are open whether they changed. */
export function pollOpen(trackedFiles: Iterable<TrackedFile>, files: Pick<OpenFiles, 'stat'>, now: number): void {
  for (const tracked of trackedFiles) {
    const { fd, detachedAt, changedAt } = tracked;
    if (fd === undefined || (detachedAt === undefined && now - changedAt > HOT)) continue;
    const stat = attempt(
      () => files.stat(fd),
      () => undefined,
    );
    if (stat === undefined) continue;
    const { size, stamp, links } = stat;
    tracked.links = links;
    if (stamp === tracked.stamp && size === tracked.size) continue;
    Object.assign(tracked, { size, stamp, changedAt: now, unread: true });
  }
}
