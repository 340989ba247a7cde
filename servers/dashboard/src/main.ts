/** The dashboard's program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSidecar } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { ControlPlane } from './control-plane.ts';
import { Proxies } from './proxies.ts';
import { serveDashboard } from './server.ts';
import { Watch } from './watch.ts';

/** What the page loads lies beside the program, as both are bundled. */
const asset = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

await runSidecar(contract, async ({ parameters, log, metrics, shutdown }) => {
  const controlPlane = new ControlPlane(parameters.DASHBOARD_CONTROL_PLANE, parameters.DASHBOARD_OPERATOR_TOKEN);
  const watch = new Watch({
    controlPlane,
    proxies: new Proxies({
      metrics: parameters.DASHBOARD_METRICS_PORT,
      admin: parameters.DASHBOARD_PROXY_ADMIN_PORT,
    }),
    window: parameters.DASHBOARD_WINDOW,
    onScrape: (outcome) => metrics.dashboard_scrapes_total.inc({ outcome }),
  });
  const server = await serveDashboard({
    port: parameters.DASHBOARD_PORT,
    hosts: parameters.DASHBOARD_HOSTS ?? [],
    assets: { script: asset('page.js'), style: asset('page.css') },
    mesh: () => watch.mesh(),
    requests: (from, to) => watch.requests(from, to),
    move: (split, weights, token) => controlPlane.move(split, weights, token),
  });
  shutdown.step('page', () => {
    server.close();
    server.closeIdleConnections();
  });
  const ended = new AbortController();
  shutdown.step('watch', () => ended.abort());
  log.info({ port: parameters.DASHBOARD_PORT }, 'listening');
  void (async () => {
    while (!ended.signal.aborted) {
      await watch.look();
      metrics.dashboard_proxies.set(watch.mesh().services.reduce((total, { replicas }) => total + replicas.length, 0));
      await sleep(parameters.DASHBOARD_PERIOD, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
});
