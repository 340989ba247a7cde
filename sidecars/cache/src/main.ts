/** The cache sidecar's program. */
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { HEALTH_MAX_AGE } from '#proxy/upstream/health.ts';
import { serveObjects, servePurge } from './admin.ts';
import { contract } from './contract.ts';
import { startDataPlane } from './data-plane.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

async function job(kit: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown, adminPath, beforeMetrics } = kit;
  const plane = await startDataPlane({ parameters, log, metrics, appCheck: readiness.check('app', HEALTH_MAX_AGE) });
  beforeMetrics(() => plane.updateMetrics());
  const operators = { from: parameters.CACHE_PURGE_FROM, token: parameters.CACHE_PURGE_TOKEN };
  adminPath('/purge', servePurge(plane, operators), ['POST']);
  adminPath('/objects', serveObjects(plane, operators));
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  shutdown.step('drain', () => plane.drain(patience));
}

await runSidecar(contract, job);
