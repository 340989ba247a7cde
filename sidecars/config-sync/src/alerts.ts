/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';

export const alerts: Alerts = {
  ConfigSyncBehind: {
    expr: 'config_in_sync == 0',
    for: '1h',
    severity: 'warning',
    summary:
      '{{ $labels.file }} is not what the source has, for an hour: the application runs on the last good version.',
    runbook:
      'A version was refused or taken back: GET /last of the admin port says why. Correct it at the source; the next version is tried at once.',
  },
  ConfigSyncSourceDown: {
    expr: 'sum by (job, instance) (rate(config_source_errors_total[5m])) > 0',
    for: '10m',
    severity: 'warning',
    summary: 'Requests to the source of the configuration fail; the application keeps what it has.',
    runbook: 'Look at the source and at the way to it: name, token, certificate. The log has the cause of each try.',
  },
  ConfigSyncStorage: {
    expr: 'increase(config_storage_errors_total[15m]) > 0',
    for: '0m',
    severity: 'critical',
    summary: 'The configuration could not be written: {{ $labels.reason }}.',
    runbook: 'A full disk or a folder that the user of the sidecar may not write to. The file of before stays whole.',
  },
};
