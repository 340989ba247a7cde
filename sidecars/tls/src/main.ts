/** The TLS sidecar's program. */
import { X509Certificate } from 'node:crypto';
import { runSidecar, type Kit } from '#kit/sidecar.ts';
import { createClientPolicy } from './certificates/client-identity.ts';
import { openCertificateStore, type CertificateStore } from './certificates/store.ts';
import { contract } from './contract.ts';
import { startDataPlane } from './data-plane.ts';
import { HEALTH_MAX_AGE } from '#proxy/upstream/health.ts';
import { isWorker, runWorker, Workers } from './workers.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

async function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
  adminPath,
}: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const policy = createClientPolicy(parameters);
  const store = await openCertificateStore({ parameters, log, metrics, policy });
  adminPath('/ca.crt', (_request, response) => {
    if (store.developmentCa === undefined) response.writeHead(404).end('there is no development CA\n');
    else response.setHeader('content-type', 'application/x-pem-file').end(store.developmentCa);
  });
  const appCheck = readiness.check('app', HEALTH_MAX_AGE);
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  const plane =
    parameters.WORKERS === 1
      ? await startDataPlane({ parameters, log, metrics, appCheck, store, policy, shared: false })
      : await Workers.start({ count: parameters.WORKERS, log, metrics, appCheck, store });
  adminPath('/startupz', (_request, response) => {
    const wrong = plane.listening ? expired(store) : 'not listening';
    response.writeHead(wrong === undefined ? 200 : 503).end(`${wrong ?? 'ok'}\n`);
  });
  shutdown.step('drain', () => plane.drain(patience));
}

/** Why the default certificate is no longer, or not yet, good. */
function expired(store: CertificateStore): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate([store.default.cert].flat()[0]!);
  if (validToDate.getTime() < Date.now()) return 'the certificate has expired';
  return validFromDate.getTime() > Date.now() ? 'the certificate is not valid yet' : undefined;
}

if (isWorker()) await runWorker();
else await runSidecar(contract, job);
