/** The TLS sidecar's program. */
import { X509Certificate } from 'node:crypto';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { isWorker, runWorker, Workers } from '#kit/life/workers.ts';
import { createClientPolicy, type ClientPolicy } from './certificates/client-identity.ts';
import { openCertificateStore, type CertificateStore } from './certificates/store.ts';
import { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';
import { TicketKeys } from './ticket-keys.ts';
import { giveNoTickets } from './without-tickets.ts';
import { startWorker, type FromWorker, type ToWorker } from './worker.ts';
import { HEALTH_MAX_AGE } from '#proxy/upstream/health.ts';

/** Left of the shutdown's time for closing after the drain was cut, in milliseconds. */
const CLOSING = 500;

/** The data plane of this process or of all workers. */
type Plane = Pick<DataPlane, 'listening' | 'drain'> & { readonly reload: () => void };

async function job(kit: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const { parameters, log, metrics, shutdown, adminPath } = kit;
  if (parameters.TLS_MODE === 'tcp') giveNoTickets();
  const policy = createClientPolicy(parameters);
  const store = await openCertificateStore({ parameters, log, metrics, policy });
  adminPath('/ca.crt', (_request, response) => {
    if (store.developmentCa === undefined) response.writeHead(404).end('there is no development CA\n');
    else response.setHeader('content-type', 'application/x-pem-file').end(store.developmentCa);
  });
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  const plane = parameters.WORKERS === 1 ? await alone(kit, store, policy) : await many(kit, store);
  process.on('SIGHUP', () => {
    log.info('SIGHUP: looking at certificates');
    plane.reload();
  });
  adminPath('/startupz', (_request, response) => {
    const wrong = plane.listening ? expired(store) : 'not listening';
    response.writeHead(wrong === undefined ? 200 : 503).end(`${wrong ?? 'ok'}\n`);
  });
  shutdown.step('drain', () => plane.drain(patience));
}

async function alone(
  { parameters, log, metrics, readiness }: Kit<typeof contract.parameters, typeof contract.metrics>,
  store: CertificateStore,
  policy: ClientPolicy,
): Promise<Plane> {
  const keys = new TicketKeys((renewed) => plane.setTicketKeys(renewed));
  const appCheck = readiness.check('app', HEALTH_MAX_AGE);
  const plane = await startDataPlane({
    parameters,
    log,
    metrics,
    appCheck,
    store,
    policy,
    shared: false,
    ticketKeys: keys.current,
  });
  return {
    get listening() {
      return plane.listening;
    },
    drain: (patience) => plane.drain(patience),
    reload: () => store.reload(),
  };
}

async function many(
  { parameters, log, readiness, addProcesses }: Kit<typeof contract.parameters, typeof contract.metrics>,
  store: CertificateStore,
): Promise<Plane> {
  const appCheck = readiness.check('app', HEALTH_MAX_AGE);
  const told = (keys: Buffer): ToWorker => ({ tell: 'ticket-keys', keys: keys.toString('base64') });
  const keys = new TicketKeys((renewed) => workers.send(told(renewed)));
  const workers = await Workers.start<ToWorker, FromWorker>({
    count: parameters.WORKERS,
    log,
    greet: () => [told(keys.current)],
    onMessage: ({ down }) => (down === undefined ? appCheck.pass() : appCheck.fail(down)),
  });
  addProcesses(workers);
  return {
    get listening() {
      return workers.listening;
    },
    async drain(patience) {
      await workers.drain(patience);
      store.close();
    },
    reload() {
      store.reload();
      workers.send({ tell: 'reload' });
    },
  };
}

/** Why the default certificate is no longer, or not yet, good. */
function expired(store: CertificateStore): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate([store.default.cert].flat()[0]!);
  if (validToDate.getTime() < Date.now()) return 'the certificate has expired';
  return validFromDate.getTime() > Date.now() ? 'the certificate is not valid yet' : undefined;
}

if (isWorker()) await runWorker(contract, startWorker);
else await runSidecar(contract, job);
