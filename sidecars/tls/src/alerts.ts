/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { refusalAlerts } from '#proxy/refusals.ts';
import { spanAlerts } from '#proxy/tracing/metrics.ts';

export const alerts: Alerts = {
  TlsCertificateEnds: {
    expr: 'tls_certificate_not_after_seconds - time() < 7 * 86400',
    for: '1h',
    severity: 'critical',
    summary: 'The certificate {{ $labels.name }} ends in less than seven days.',
    runbook:
      'Put the renewed certificate and key in place of the files: the sidecar takes them within seconds, without a restart. If they are renewed already, look at tls_certificate_reloads_total and at the log: a pair that does not match is refused.',
  },
  TlsAppDown: {
    expr: 'tls_app_up == 0',
    for: '2m',
    severity: 'critical',
    summary: 'The application behind the tls sidecar takes no connections.',
    runbook:
      'Look at the application: is it up, and does it listen on PROXY_PORT? In a pod it listens on 127.0.0.1 or on all addresses.',
  },
  TlsUpstreamErrors: {
    expr: 'sum by (job, instance) (rate(tls_upstream_errors_total[5m])) > 0.05 * sum by (job, instance) (rate(tls_requests_total[5m]))',
    for: '5m',
    severity: 'critical',
    summary: 'More than 5 % of the requests fail at the application.',
    runbook:
      'The label reason of tls_upstream_errors_total says how: refused, timeout, reset. Look at the application.',
  },
  TlsInternalErrors: {
    expr: 'increase(tls_internal_errors_total[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'An exception ended a request or a connection in the tls sidecar.',
    runbook: 'This is a defect of the sidecar: the log has its stack. Please report it.',
  },
  ...refusalAlerts('tls', 'Tls', 'TLS_MAX_CONNECTIONS'),
  ...spanAlerts('tls', 'Tls'),
};
