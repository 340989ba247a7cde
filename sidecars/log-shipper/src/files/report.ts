/** The state of all files as metrics. */
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { inputMetrics } from '../metrics.ts';
import type { FileTable } from './table/file-table.ts';
import type { TrackedFile } from './tracked/tracked-file.ts';
import type { OpenFiles } from './table/open-files.ts';
import type { Tracker } from './scan/tracker.ts';

/** Files that have a label of their own, those that lag most; all others are one. */
const LABELS = 50;
const OTHERS = 'others';

/** When the store had all of each last, as far as it was reported. */
const caughtUpAt = new WeakMap<TrackedFile, number>();

/**
 * Bring the gauges up to date.
 * @param now on the table's clock, in milliseconds
 */
export function reportFiles(
  table: FileTable,
  tracker: Pick<Tracker, 'refused'>,
  files: OpenFiles,
  metrics: Pick<Metrics<typeof inputMetrics>, 'shipper_files' | 'shipper_file_lag_bytes' | 'shipper_file_lag_seconds'>,
  now: number,
): void {
  const byHome = new Map<string, { bytes: number; seconds: number }>();
  let known = 0;
  for (const tracked of table.trackedFiles) {
    if (tracked.finished || tracked.key === '' || tracked.detachedAt !== undefined) {
      if (tracked.fd === undefined && tracked.packed === undefined) continue;
    }
    if (tracked.packed === undefined) known += 1;
    if (tracked.copyOf !== undefined) continue;
    const { lag, home } = tracked;
    const since = lag === 0 ? now : (caughtUpAt.get(tracked) ?? now);
    caughtUpAt.set(tracked, since);
    const seconds = (now - since) / 1000;
    const before = byHome.get(home);
    byHome.set(home, { bytes: (before?.bytes ?? 0) + lag, seconds: Math.max(before?.seconds ?? 0, seconds) });
  }
  metrics.shipper_files.set({ state: 'known' }, known);
  metrics.shipper_files.set({ state: 'open' }, files.size);
  metrics.shipper_files.set({ state: 'refused' }, tracker.refused.size);
  metrics.shipper_file_lag_bytes.reset();
  metrics.shipper_file_lag_seconds.reset();
  const sorted = [...byHome].toSorted(([, a], [, b]) => b.bytes - a.bytes);
  for (const [file, { bytes, seconds }] of sorted.slice(0, LABELS)) {
    metrics.shipper_file_lag_bytes.set({ file }, bytes);
    metrics.shipper_file_lag_seconds.set({ file }, seconds);
  }
  const rest = sorted.slice(LABELS).map(([, lag]) => lag);
  if (rest.length === 0) return;
  metrics.shipper_file_lag_bytes.set(
    { file: OTHERS },
    rest.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  metrics.shipper_file_lag_seconds.set({ file: OTHERS }, Math.max(...rest.map(({ seconds }) => seconds)));
}
