/** The auth sidecar's program. */
import { isMainThread } from 'node:worker_threads';
import { giveBackAfterStart } from '#kit/life/memory.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { HEALTH_MAX_AGE } from '#proxy/upstream/health.ts';
import { compose } from './assemble.ts';
import { contract } from './contract.ts';
import { startDataPlane } from './data-plane.ts';
import { servePasswords } from './methods/password-thread.ts';
import { settingsOf } from './settings.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

async function job(kit: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown, adminPath } = kit;
  const settings = await settingsOf(parameters);
  const parts = await compose({ parameters, settings, log, metrics, program: new URL(import.meta.url) });
  const plane = await startDataPlane({
    parameters,
    log,
    metrics,
    appCheck: readiness.check('app', HEALTH_MAX_AGE),
    trusted: settings.trusted,
    auth: parts.filter,
  });
  process.on('SIGHUP', () => {
    log.info('SIGHUP: looking at secrets, users, keys and rules');
    parts.look();
  });
  adminPath('/startupz', (_request, response) => {
    response.writeHead(plane.listening ? 200 : 503).end(plane.listening ? 'ok\n' : 'not listening\n');
  });
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  shutdown.step('drain', async () => {
    await plane.drain(patience);
    parts.close();
  });
}

if (isMainThread) {
  await runSidecar(contract, job);
  giveBackAfterStart();
} else servePasswords();
