/** What an earlier process knew. */
import { readCarried, type SavedFile } from '../../registry/format.ts';
import { TrackedFile } from '../tracked/tracked-file.ts';
import { copied, missed } from '../tracked/state.ts';

/**
 * The tracked files of a registry, each without its file until a scan has found it.
 * @param now on a monotonic clock, in milliseconds
 * @returns in the order in which they came
 */
export function restored(saved: readonly SavedFile[], now: number): TrackedFile[] {
  const byId = new Map<string, TrackedFile>();
  const latest = new Map<string, TrackedFile>();
  for (const each of saved) {
    const { id, home, key, path, head, acked, tail, copyOf, days = [], ends = [], carried, seen = 0, read } = each;
    const tracked = new TrackedFile(id, home, key, path);
    tracked.head = { at: head[0], bytes: Buffer.from(head[1], 'base64') };
    tracked.advance(acked, { at: tail[0], length: tail[1], digest: tail[2] });
    tracked.days = [...days];
    tracked.ends = ends;
    tracked.carried = readCarried(carried);
    tracked.seenBefore = seen;
    tracked.readBefore = read;
    missed(tracked, now);
    // One whose original is forgotten is released when it is met.
    if (copyOf !== undefined) copied(tracked, byId.get(copyOf) ?? new TrackedFile(copyOf, home, '', path));
    byId.set(id, tracked);
    if (tracked.copyOf !== undefined) continue;
    // In flight, several may have to be read again: in the order in which they came.
    const before = latest.get(home);
    if (before) tracked.after = { tracked: before, offset: Infinity };
    latest.set(home, tracked);
  }
  return [...byId.values()];
}
