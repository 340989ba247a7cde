/** What the delivery counts. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

export const deliveryMetrics = {
  shipper_sent_total: {
    type: 'counter',
    help: 'Lines in requests, each time that they were sent',
    bad: 'much more than shipper_acknowledged_total: lines are sent again and again',
  },
  shipper_acknowledged_total: {
    type: 'counter',
    help: 'Lines that the store has, duplicates too',
    bad: 'no rise while lines are read',
  },
  shipper_duplicates_total: {
    type: 'counter',
    help: 'Lines that the store had already (409)',
    bad: 'a rise without restarts: answers of the store are lost',
  },
  shipper_retried_total: {
    type: 'counter',
    help: 'Lines to be sent again',
    bad: 'a rate that lasts: the store is away or overloaded',
    labels: ['reason'],
  },
  shipper_dead_total: {
    type: 'counter',
    help: 'Lines that went to the dead-letter file',
    bad: 'any: the store refuses lines for good',
  },
  shipper_dropped_total: {
    type: 'counter',
    help: 'Lines that were given up',
    bad: 'any: lines are lost',
    labels: ['reason'],
    known: { reason: ['disk-full', 'spool-full', 'dead-letters-full'] },
  },
  shipper_requests_total: {
    type: 'counter',
    help: 'Requests by what became of them',
    bad: 'results other than answered',
    labels: ['result'],
  },
  shipper_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes of request bodies, as sent',
    bad: 'no rise while lines are read',
  },
  shipper_queue_records: {
    type: 'gauge',
    help: 'Lines in memory',
    bad: 'at its limit for minutes: the store is slower than the lines come',
  },
  shipper_queue_bytes: {
    type: 'gauge',
    help: 'Bytes of the lines in memory',
    bad: 'at its limit for minutes: the store is slower than the lines come',
  },
  shipper_dead_letter_bytes: {
    type: 'gauge',
    help: 'Bytes of the dead-letter files',
    bad: 'a rise; at its limit lines are dropped',
  },
  shipper_acknowledgement_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the last acknowledgement while lines wait; 0 while none does',
    bad: 'more than 60: the store does not answer',
  },
  shipper_spool_bytes: { type: 'gauge', help: 'Bytes of the spool on disk', bad: 'a rise that does not end' },
  shipper_spool_records: { type: 'gauge', help: 'Lines in the spool', bad: 'a rise that does not end' },
  shipper_spool_full: { type: 'gauge', help: '1 while the spool or its disk is full and lines wait outside', bad: '1' },
  shipper_spool_errors_total: {
    type: 'counter',
    help: 'Writes to the spool that failed',
    bad: 'any: the disk is full or broken',
    labels: ['reason'],
    known: { reason: ['ENOSPC', 'EIO', 'EROFS'] },
  },
} as const satisfies MetricDeclarations;
