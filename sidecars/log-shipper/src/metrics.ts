/** What the inputs count. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

export const inputMetrics = {
  shipper_read_total: { type: 'counter', help: 'Lines, or events of several lines, that were read', labels: ['input'] },
  shipper_read_bytes_total: { type: 'counter', help: 'Bytes that were read', labels: ['input'] },
  shipper_skipped_total: {
    type: 'counter',
    help: 'Lines that were not shipped: empty, dropped by a rule, or beyond what a start takes of the journal',
    labels: ['reason'],
  },
  shipper_cut_total: { type: 'counter', help: 'Lines that were longer than LINE_MAX_BYTES' },
  shipper_files: { type: 'gauge', help: 'Files by what is done with them', labels: ['state'] },
  shipper_file_lag_bytes: { type: 'gauge', help: 'Bytes that the store does not have yet', labels: ['file'] },
  shipper_file_lag_seconds: {
    type: 'gauge',
    help: 'Seconds since the store had all of the file; 0 while it has',
    labels: ['file'],
  },
  shipper_lost_bytes_total: {
    type: 'counter',
    help: 'Bytes that were seen in a file and were gone before they could be read',
    labels: ['reason'],
  },
  shipper_registry_errors_total: { type: 'counter', help: 'Writes of the registry that failed' },
  shipper_state_damaged_total: {
    type: 'counter',
    help: 'State that could not be read at a start and was set aside',
    labels: ['kind'],
  },
  shipper_forward_connections: { type: 'gauge', help: 'Connections of the forward protocol' },
  shipper_forward_refused_total: {
    type: 'counter',
    help: 'Connections that were cut off',
    labels: ['reason'],
  },
} as const satisfies MetricDeclarations;
