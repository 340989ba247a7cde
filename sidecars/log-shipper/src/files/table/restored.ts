/** What an earlier process knew. */
import { readCarried, type SavedGeneration } from '../../registry/format.ts';
import { Generation } from '../tracked/generation.ts';
import { copied, missed } from '../tracked/state.ts';

/**
 * The generations of a registry, each without its file until a scan has found it.
 * @param now on a monotonic clock, in milliseconds
 * @returns in the order in which they came
 */
export function restored(saved: readonly SavedGeneration[], now: number): Generation[] {
  const byId = new Map<string, Generation>();
  const latest = new Map<string, Generation>();
  for (const each of saved) {
    const { id, home, key, path, head, acked, tail, copyOf, days = [], ends = [], carried, seen = 0, read } = each;
    const generation = new Generation(id, home, key, path);
    generation.head = { at: head[0], bytes: Buffer.from(head[1], 'base64') };
    generation.advance(acked, { at: tail[0], length: tail[1], digest: tail[2] });
    generation.days = [...days];
    generation.ends = ends;
    generation.carried = readCarried(carried);
    generation.seenBefore = seen;
    generation.readBefore = read;
    missed(generation, now);
    // One whose original is forgotten is released when it is met.
    if (copyOf !== undefined) copied(generation, byId.get(copyOf) ?? new Generation(copyOf, home, '', path));
    byId.set(id, generation);
    if (generation.copyOf !== undefined) continue;
    // In flight, several may have to be read again: in the order in which they came.
    const before = latest.get(home);
    if (before) generation.after = { generation: before, offset: Infinity };
    latest.set(home, generation);
  }
  return [...byId.values()];
}
