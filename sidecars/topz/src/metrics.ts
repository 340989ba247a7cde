/** What the containers use, in the names of process-exporter. */
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { contract } from './contract.ts';
import type { Snapshot } from './sampling/sampler.ts';

/**
 * Bring the metrics up to date.
 * @param metrics of the contract
 * @param snapshot what there is; a container that is gone keeps its counters until another needs its place
 */
export function updateGroupMetrics(metrics: Metrics<typeof contract.metrics>, snapshot: Snapshot): void {
  const { machine, groups, omitted, time, uptime } = snapshot;
  const bootedAt = time / 1000 - uptime;
  for (const [name, metric] of Object.entries(metrics)) if (name.startsWith('namedprocess_')) metric.reset();
  metrics.topz_processes_omitted.set(omitted);
  for (const group of groups) {
    const labels = { groupname: group.name, container: group.id };
    metrics.namedprocess_namegroup_num_procs.set(labels, group.members.length);
    for (const [mode, ticks] of [
      ['user', group.userTicks],
      ['system', group.systemTicks],
    ] as const)
      metrics.namedprocess_namegroup_cpu_seconds_total.inc({ ...labels, mode }, ticks / machine.ticksPerSecond);
    metrics.namedprocess_namegroup_memory_bytes.set(
      { ...labels, memtype: 'resident' },
      group.rssPages * machine.pageSize,
    );
    metrics.namedprocess_namegroup_num_threads.set(labels, group.threads);
    if (group.openFiles !== null) metrics.namedprocess_namegroup_open_filedesc.set(labels, group.openFiles);
    metrics.namedprocess_namegroup_oldest_start_time_seconds.set(
      labels,
      Math.round(bootedAt + group.startTicks / machine.ticksPerSecond),
    );
    metrics.namedprocess_namegroup_restarts_total.inc(labels, group.restarts);
  }
}
