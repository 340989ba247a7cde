/**
 * What the Prometheus operator scrapes and alerts by, and dashboards for Grafana's sidecar that looks for ConfigMaps.
 * Source: prometheus-operator.dev/docs/api-reference/api
 */
import { parse } from 'yaml';
import { pairs } from '../compose/facts.ts';
import { dashboardOf, podDashboard } from '../dashboards/dashboard.ts';
import { podAlerts, rulesFile } from '../dashboards/rules.ts';
import { get } from '../yaml/tree.ts';
import { bundledSidecarOf } from './images.ts';
import { membersOf } from './pods.ts';
import { labelsOf } from './workload.ts';
import { portOf, type Component, type Scope } from './component-scope.ts';

export function monitoring({ pods, partOf }: Scope): Component {
  const contracts = new Map(
    pods.flatMap((pod) =>
      membersOf(pod).flatMap((service) => {
        const contract = bundledSidecarOf(service)?.bundled.contract;
        return contract === undefined ? [] : [[contract.name, contract] as const];
      }),
    ),
  );
  const labels = { 'app.kubernetes.io/part-of': partOf };
  const monitored = pods.flatMap((pod) => {
    const reached = membersOf(pod).filter(
      ({ tree }) => !/^(127\.|::1)/.test(pairs(get(tree, 'environment')).get('ADMIN_ADDRESS')?.text ?? ''),
    );
    const ports = [...new Set(reached.flatMap((service) => portOf(service, 'admin') ?? []))];
    return ports.length === 0 ? [] : [{ pod, ports }];
  });
  const rules = [
    ...[...contracts.values()].map(({ name, alerts }) => [name, alerts] as const),
    ...(contracts.size > 0 ? [['pods', podAlerts([...contracts.keys()])] as const] : []),
  ].filter(([, alerts]) => Object.keys(alerts).length > 0);
  const dashboards = [
    ...[...contracts.values()].map((contract) => [contract.name, dashboardOf(contract)] as const),
    ...(contracts.size > 0 ? [['pods', podDashboard([...contracts.values()])] as const] : []),
  ];
  return {
    objects: [
      ...monitored.map(({ pod, ports }) => ({
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PodMonitor',
        metadata: { name: pod.name, labels: labelsOf(pod, partOf) },
        spec: {
          selector: { matchLabels: labelsOf(pod, partOf) },
          podMetricsEndpoints: ports.map((portNumber) => ({ portNumber, path: '/metrics' })),
        },
      })),
      ...rules.map(([name, alerts]) => ({
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: { name: `sidecar-${name}`, labels },
        spec: parse(rulesFile(name, alerts)) as unknown,
      })),
    ],
    configMaps: Object.fromEntries(
      dashboards.map(([name, dashboard]) => [
        `dashboard-${name}`,
        { path: `dashboards/${name}.json`, text: `${JSON.stringify(dashboard, null, 2)}\n` },
      ]),
    ),
    head: 'For the Prometheus operator (0.80 or later): what it scrapes, and alerts with their runbooks. Dashboards are ConfigMaps with\nthe label grafana_dashboard, which the Grafana chart looks for.',
  };
}
