/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';

export const alerts: Alerts = {
  LogShipperLag: {
    expr: 'max by (job, instance) (shipper_file_lag_seconds) > 300',
    for: '5m',
    severity: 'warning',
    summary: 'Lines wait for more than five minutes until they are in the store.',
    runbook:
      'Look at the store first: shipper_requests_total by result says what it answers. If it is well, the shipper is slower than the files grow: see shipper_queue_bytes and its CPU.',
  },
  LogShipperLost: {
    expr: 'sum by (job, instance, reason) (increase(shipper_lost_bytes_total[15m])) > 0',
    for: '0m',
    severity: 'critical',
    summary: 'Bytes of a log were gone before they could be read: {{ $labels.reason }}.',
    runbook:
      'The log names the file. A rotation kept fewer files than the store was behind: keep more, rotate by rename and not by copytruncate.',
  },
  LogShipperSpoolFull: {
    expr: 'shipper_spool_full == 1',
    for: '5m',
    severity: 'critical',
    summary: 'The spool or its disk is full: lines wait outside, and are lost if their files go.',
    runbook: 'Bring the store back, or raise SPOOL_MAX_BYTES where the disk has room.',
  },
  LogShipperDead: {
    expr: 'increase(shipper_dead_total[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'The store refused lines for good; they are in the dead-letter file.',
    runbook:
      'Each line there has the reason of the store, often a field of another type. Mend the template and replay.',
  },
};
