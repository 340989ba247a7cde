/** The adapter sidecar's program. */
import { runSidecar } from '#kit/life/sidecar.ts';
import { contract, type AdapterKit } from './contract.ts';
import { withDeadline, type Database } from './database.ts';
import { Expensive } from './expensive.ts';
import { repeat } from './repeat.ts';
import { Scrapes } from './scrapes.ts';
import { serverOf } from './server.ts';
import { followSlowLog } from './slow-log.ts';

/** How many health checks may be missing until the last one counts no more. */
const MISSED = 3;

async function job(kit: AdapterKit): Promise<void> {
  const { parameters, adminPath, metricsText, readiness, shutdown } = kit;
  const database = await open(kit);
  const expensive = new Expensive(kit, database);
  const scrapes = new Scrapes(kit, database, expensive);
  adminPath('/metrics', async (_request, response) => {
    const text = await scrapes.text();
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    response.end(`${await metricsText()}${text}`);
  });

  const { ADAPTER_HEALTH_INTERVAL: interval, ADAPTER_TIMEOUT: timeout } = parameters;
  const answers = readiness.check('database', MISSED * (interval + timeout));
  const stop = new AbortController();
  const ping = async (): Promise<void> => {
    await withDeadline(timeout, (signal) => database.ping(signal), stop.signal);
    answers.pass();
  };
  const running = Promise.all([
    repeat(interval, stop.signal, ping, ({ message }) => answers.fail(message)),
    expensive.run(stop.signal),
    followSlowLog(kit, database, stop.signal),
  ]);
  shutdown.step('questions', async () => {
    stop.abort(new Error('shutting down'));
    await running;
  });
}

/** The database by its mode; each is loaded only where it is asked for. */
async function open({ parameters }: AdapterKit): Promise<Database> {
  const server = serverOf(parameters);
  if (parameters.ADAPTER_MODE === 'valkey') {
    const { openValkey } = await import('./valkey/database.ts');
    return openValkey(server, parameters);
  }
  const { openMariadb } = await import('./mariadb/database.ts');
  return openMariadb(server, parameters);
}

await runSidecar(contract, job);
