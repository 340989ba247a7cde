/** The config server's program. */
import { readFileSync } from 'node:fs';
import { serveJobs } from '#kit/process/run-in-child.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { explain } from '#kit/text/explain.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { DIFF, Differences, makeDifference } from './differences.ts';
import { documentHandlers } from './interface/documents.ts';
import { hostCheck } from './interface/hosts.ts';
import { loginHandlers } from './interface/logins.ts';
import { operationsOf, readDocument } from './interface/operations.ts';
import { pageHandlers } from './interface/page.ts';
import { createServer } from './interface/server.ts';
import { watchHandlers } from './interface/watch.ts';
import { Sessions } from './access/sessions.ts';
import { Store, type StoreOptions } from './store/store.ts';
import { TokenFileError, Tokens } from './access/tokens.ts';
import { Hub } from './watch/hub.ts';

/** Connections that may be open beside those of watches. */
const CONNECTIONS_BESIDE = 1000;

async function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
}: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const tokens = readTokens(parameters.CONFIG_SERVER_TOKENS);
  const sessions = new Sessions();
  const hub = new Hub(parameters.CONFIG_SERVER_MAX_WATCHERS, (count) => metrics.config_server_watchers.set(count));
  const disk = readiness.check('disk');
  const store = openStore({
    dir: parameters.CONFIG_SERVER_DATA,
    history: parameters.CONFIG_SERVER_HISTORY,
    maxSize: parameters.CONFIG_SERVER_MAX_SIZE,
    onChange: (change, address) => {
      log.info({ audit: { ...change, address } }, `${change.author}: ${change.action} ${change.key} ${change.version}`);
      metrics.config_server_changes_total.inc({ action: change.action });
      hub.change(change);
    },
    onReport: (key, version, report) => {
      log.info({ report: { key, version, ...report } }, `${report.sidecar}: ${key} ${version} ${report.state}`);
      metrics.config_server_reports_total.inc({ state: report.state });
      hub.report(key, version, report);
    },
    onDamaged: (err, aside) => {
      metrics.config_server_state_damaged_total.inc({ kind: 'database' });
      log.error({ err, aside }, 'the database is damaged and was set aside: this server starts without documents');
    },
    onCommit: (failure) => {
      if (failure) {
        log.error({ err: failure }, 'a transaction failed');
        disk.fail(failure.message);
      } else {
        metrics.config_server_commits_total.inc();
        disk.pass();
      }
    },
  });
  // It opened, so its tables could be read and its lock was free.
  disk.pass();
  // Beside the source's folder, as beside the bundle's.
  const document = readDocument(new URL('../openapi.yaml', import.meta.url));
  const server = createServer({
    operations: operationsOf(document),
    handlers: {
      ...documentHandlers(store, hub, new Differences()),
      ...loginHandlers(sessions),
      ...watchHandlers(store, hub, parameters.CONFIG_SERVER_HEARTBEAT),
      ...pageHandlers(document, new URL('../page/', import.meta.url)),
    },
    registers: [tokens, sessions],
    checkHost: hostCheck(parameters.CONFIG_SERVER_HOSTS ?? []),
    log,
    // A watch has one of its own.
    maxConnections: CONNECTIONS_BESIDE + parameters.CONFIG_SERVER_MAX_WATCHERS,
    maxBody: parameters.CONFIG_SERVER_MAX_BODY,
    onRefusal: (reason) => metrics.config_server_refusals_total.inc({ reason }),
  });
  await server.listen({ host: parameters.CONFIG_SERVER_ADDRESS, port: parameters.CONFIG_SERVER_PORT });
  log.info({ revision: store.revision, documents: store.documents.list().length }, 'serving');
  shutdown.step('watches', () => hub.close());
  shutdown.step('requests', () => server.close());
  shutdown.step('database', () => store.close());
}

/** @throws {ConfigurationError} when the database cannot be used and is not damaged */
function openStore(options: StoreOptions): Store {
  try {
    return new Store(options);
  } catch (error) {
    const message = `CONFIG_SERVER_DATA: ${options.dir}: config.db cannot be used (${explain(error)})`;
    throw new ConfigurationError([{ parameter: 'CONFIG_SERVER_DATA', reason: 'unreadable', message }]);
  }
}

function readTokens(path: string): Tokens {
  try {
    return Tokens.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof TokenFileError ? 'malformed' : 'unreadable';
    const message = `CONFIG_SERVER_TOKENS: ${path}: ${(error as Error).message}`;
    throw new ConfigurationError([{ parameter: 'CONFIG_SERVER_TOKENS', reason, message }]);
  }
}

if (process.argv[2] === DIFF) await serveJobs(makeDifference);
else await runSidecar(contract, job);
