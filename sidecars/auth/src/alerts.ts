/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { refusalAlerts } from '#proxy/refusals.ts';
import { spanAlerts } from '#proxy/tracing/metrics.ts';

export const alerts: Alerts = {
  AuthAppDown: {
    expr: 'auth_app_up == 0',
    for: '2m',
    severity: 'critical',
    summary: 'The application behind the auth sidecar takes no connections.',
    runbook: 'Look at the application: it must be up and listen on the port that the sidecar was told.',
  },
  AuthProviderDown: {
    expr: 'auth_provider_up == 0',
    for: '5m',
    severity: 'critical',
    summary: 'The OpenID provider does not answer: nobody can log in.',
    runbook:
      'Open sessions go on until their tokens end. Fetch OIDC_ISSUER/.well-known/openid-configuration from the pod: name, certificate and proxy are the usual causes.',
  },
  AuthLoginsFail: {
    expr: 'sum by (job, instance) (rate(auth_logins_total{result!~"ok|begun"}[10m])) > 0.5 * sum by (job, instance) (rate(auth_logins_total{result="begun"}[10m]))',
    for: '10m',
    severity: 'warning',
    summary: 'More than half of the logins fail.',
    runbook:
      'The log says why for each. All at once: the client secret, the redirect URL or a clock that is wrong. Many of one address: somebody tries.',
  },
  AuthInternalErrors: {
    expr: 'increase(auth_internal_errors_total[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'An exception ended a request or a connection in the auth sidecar.',
    runbook: 'This is a defect of the sidecar: the log has its stack. Please report it.',
  },
  ...refusalAlerts('auth', 'Auth', 'AUTH_MAX_CONNECTIONS'),
  ...spanAlerts('auth', 'Auth'),
};
