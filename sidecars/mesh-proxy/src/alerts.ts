/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';
import { refusalAlerts } from '#proxy/refusals.ts';
import { spanAlerts } from '#proxy/tracing/metrics.ts';

export const alerts: Alerts = {
  MeshProxyCertificateEnds: {
    expr: 'mesh_certificate_not_after_seconds > 0 and mesh_certificate_not_after_seconds - time() < 600',
    for: '5m',
    severity: 'critical',
    summary: 'The identity of a pod ends in less than ten minutes and was not renewed.',
    runbook: 'Is the control plane up, and can the pod reach it? GET /readyz of the proxy says what was answered last.',
  },
  MeshProxyConfigurationRefused: {
    expr: 'increase(mesh_configurations_total{result="refused"}[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'A proxy refused a configuration and goes on with the last good one.',
    runbook: 'The log of proxy and control plane name the resource and what is wrong with it.',
  },
  MeshProxyErrors: {
    expr: 'sum by (destination_service) (rate(istio_requests_total{reporter="source",response_code=~"5.."}[5m])) > 0.05 * sum by (destination_service) (rate(istio_requests_total{reporter="source"}[5m]))',
    for: '5m',
    severity: 'critical',
    summary: 'More than 5 % of the requests to {{ $labels.destination_service }} fail.',
    runbook: 'The label response_flags says why (the letters of Envoy); the dashboard says it in words for each edge.',
  },
  ...refusalAlerts('mesh', 'MeshProxy', 'MESH_MAX_CONNECTIONS'),
  ...spanAlerts('mesh', 'MeshProxy'),
};
