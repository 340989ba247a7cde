/** When files are closed that no path leads to any more, read to their end or not. */
import type { TrackedFile, Loss } from './tracked/tracked-file.ts';
import type { FileTable } from './table/file-table.ts';
import type { OpenFiles } from './table/open-files.ts';

export interface ClosingOptions {
  readonly table: Pick<FileTable, 'trackedFiles' | 'finish'>;
  readonly files: Pick<OpenFiles, 'release'>;
  /** How long a file is kept open that no path leads to, from its last change on, in milliseconds. */
  readonly linger: number;
  /** How long a deleted file is kept open that is not read to its end, in milliseconds. */
  readonly deletedTimeout: number;
  readonly onLost: (tracked: TrackedFile, loss: Loss, reason: 'deleted' | 'truncated') => void;
}

/** Close files that no path leads to any more. */
export function closeDetached({ table, files, linger, deletedTimeout, onLost }: ClosingOptions, now: number): void {
  for (const tracked of table.trackedFiles) {
    const { detachedAt, fd, packed, changedAt, links, unread, withheld, stamp } = tracked;
    if (packed?.ended && !unread && !withheld) {
      onLost(tracked, tracked.reaches(packed.size), 'truncated');
      table.finish(tracked);
    }
    if (fd === undefined || detachedAt === undefined) continue;
    // Without a stamp: it could not be read just now.
    const read = !unread && !withheld && stamp !== '';
    if (read && now - Math.max(detachedAt, changedAt) >= linger) {
      if (links === 0) table.finish(tracked);
      else files.release(tracked);
    } else if (!read && links === 0 && now - detachedAt >= deletedTimeout) {
      onLost(tracked, tracked.reaches(0), 'deleted');
      table.finish(tracked);
    }
  }
}
