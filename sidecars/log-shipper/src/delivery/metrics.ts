/** What the delivery counts. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

export const deliveryMetrics = {
  shipper_sent_total: { type: 'counter', help: 'Lines in requests, each time that they were sent' },
  shipper_acknowledged_total: { type: 'counter', help: 'Lines that the store has, duplicates too' },
  shipper_duplicates_total: { type: 'counter', help: 'Lines that the store had already (409)' },
  shipper_retried_total: { type: 'counter', help: 'Lines to be sent again', labels: ['reason'] },
  shipper_dead_total: { type: 'counter', help: 'Lines that went to the dead-letter file' },
  shipper_dropped_total: { type: 'counter', help: 'Lines that were given up', labels: ['reason'] },
  shipper_requests_total: { type: 'counter', help: 'Requests by what became of them', labels: ['result'] },
  shipper_sent_bytes_total: { type: 'counter', help: 'Bytes of request bodies, as sent' },
  shipper_queue_records: { type: 'gauge', help: 'Lines in memory' },
  shipper_queue_bytes: { type: 'gauge', help: 'Bytes of the lines in memory' },
  shipper_dead_letter_bytes: { type: 'gauge', help: 'Bytes of the dead-letter files' },
  shipper_acknowledgement_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the last acknowledgement while lines wait; 0 while none does',
  },
  shipper_spool_bytes: { type: 'gauge', help: 'Bytes of the spool on disk' },
  shipper_spool_records: { type: 'gauge', help: 'Lines in the spool' },
  shipper_spool_full: { type: 'gauge', help: '1 while the spool or its disk is full and lines wait outside' },
  shipper_spool_errors_total: { type: 'counter', help: 'Writes to the spool that failed', labels: ['reason'] },
} as const satisfies MetricDeclarations;
