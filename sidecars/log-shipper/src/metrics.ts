/** What the inputs count. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

export const inputMetrics = {
  shipper_read_total: {
    type: 'counter',
    help: 'Lines, or events of several lines, that were read',
    bad: 'no rise while the application writes',
    labels: ['input'],
  },
  shipper_read_bytes_total: {
    type: 'counter',
    help: 'Bytes that were read',
    bad: 'no rise while the application writes',
    labels: ['input'],
  },
  shipper_skipped_total: {
    type: 'counter',
    help: 'Lines that were not shipped: empty, dropped by a rule, or beyond what a start takes of the journal',
    bad: 'a rise of a reason that nobody asked for',
    labels: ['reason'],
  },
  shipper_cut_total: {
    type: 'counter',
    help: 'Lines that were longer than LINE_MAX_BYTES',
    bad: 'any: lines lose their ends; raise LINE_MAX_BYTES',
  },
  shipper_files: {
    type: 'gauge',
    help: 'Files by what is done with them',
    bad: 'refused above 0: files that may not be read',
    labels: ['state'],
  },
  shipper_file_lag_bytes: {
    type: 'gauge',
    help: 'Bytes that the store does not have yet',
    bad: 'a rise that does not end',
    labels: ['file'],
  },
  shipper_file_lag_seconds: {
    type: 'gauge',
    help: 'Seconds since the store had all of the file; 0 while it has',
    bad: 'more than 300',
    labels: ['file'],
  },
  shipper_lost_bytes_total: {
    type: 'counter',
    help: 'Bytes that were seen in a file and were gone before they could be read',
    bad: 'any: lines are lost',
    labels: ['reason'],
    known: { reason: ['deleted', 'truncated', 'unconfirmed'] },
  },
  shipper_registry_errors_total: {
    type: 'counter',
    help: 'Writes of the registry that failed',
    bad: 'any: after a kill lines are sent twice',
  },
  shipper_state_damaged_total: {
    type: 'counter',
    help: 'State that could not be read at a start and was set aside',
    bad: 'any: lines are sent twice',
    labels: ['kind'],
    known: { kind: ['registry'] },
  },
  shipper_forward_connections: {
    type: 'gauge',
    help: 'Connections of the forward protocol',
    bad: 'none while containers log by this protocol',
  },
  shipper_forward_refused_total: {
    type: 'counter',
    help: 'Connections that were cut off',
    bad: 'a rise: senders break the protocol, or are too many',
    labels: ['reason'],
  },
  shipper_otlp_requests_total: {
    type: 'counter',
    help: 'Requests of OTLP, by the status that they were answered with',
    bad: '4xx: senders are told wrong, or send too much; 503 for minutes: the spool is full',
    labels: ['status'],
  },
  shipper_otlp_rejected_total: {
    type: 'counter',
    help: 'Records of OTLP that were not taken while others of their request were',
    bad: 'any: records with too many values are lost',
  },
  shipper_syslog_connections: {
    type: 'gauge',
    help: 'TCP connections of syslog',
    bad: 'none while senders log by TCP',
  },
  shipper_syslog_refused_total: {
    type: 'counter',
    help: 'TCP connections of syslog that were cut off',
    bad: 'a rise: senders are too many, or do not speak TLS',
    labels: ['reason'],
  },
} as const satisfies MetricDeclarations;
