/** The life of a sidecar: parameters, log, admin port, its job, its end. */
import { contractDocument, EXIT_CONFIGURATION, EXIT_FAILURE, type Contract } from '../contract/contract.ts';
import { buildInfo } from '../contract/alerts.ts';
import { scrapeHandler, serveAdmin, type AdminHandler } from './admin.ts';
import { adminPage, pagePolicy } from './admin-page.ts';
import { helpText } from '../contract/help.ts';
import { joinProblems, Problems, type Problem } from '../telemetry/problems.ts';
import { expose, exposition, type Format } from '../telemetry/exposition.ts';
import { createLog, type LogFormat, type Logger } from '../telemetry/log.ts';
import {
  aggregate,
  createMetrics,
  PROCESS_METRICS,
  Registry,
  tellVersion,
  updateProcessMetrics,
  type MetricDeclarations,
  type Metrics,
  type MetricsSnapshot,
} from '../telemetry/metrics.ts';
import { ConfigurationError, readParameters, type Parameters, type Values } from '../contract/parameters.ts';
import { Readiness } from './readiness.ts';
import { Shutdown } from './shutdown.ts';

/** What a sidecar's job is given. */
export interface Kit<P extends Parameters, M extends MetricDeclarations> {
  readonly parameters: Values<P>;
  readonly log: Logger;
  readonly metrics: Metrics<M>;
  readonly registry: Registry;
  readonly readiness: Readiness;
  readonly shutdown: Shutdown;
  /** Add a path to the admin port. @param methods GET and HEAD where absent */
  readonly adminPath: (path: string, handler: AdminHandler, methods?: readonly string[]) => void;
  /** Bring metrics up to date whenever they are read. */
  readonly beforeMetrics: (update: () => void) => void;
  /** Let `/metrics` and `/` tell of other processes of this sidecar, too. */
  readonly addProcesses: (others: OtherProcesses) => void;
  /** What `/metrics` answers, for a sidecar that has it on another port, too. */
  readonly answerScrape: AdminHandler;
  /** Prometheus' text of all metrics, for a sidecar that shows it elsewhere, too. */
  readonly metricsText: () => Promise<string>;
}

/** Further processes of a sidecar, such as its workers. */
export interface OtherProcesses {
  metrics(): Promise<MetricsSnapshot[]>;
  problems(): readonly Problem[];
}

/**
 * Run a sidecar until a signal ends it. Bad configuration (also when `job` throws a
 * ConfigurationError) is printed as one line a problem on stderr and exits with 64; anything else
 * that `job` throws exits with 70.
 * @param contract what it declares
 * @param job starts the work and returns once it is up; it adds its own shutdown steps
 * @param source environment and arguments
 */
export async function runSidecar<P extends Parameters, M extends MetricDeclarations & typeof PROCESS_METRICS>(
  contract: Contract<P, M>,
  job: (kit: Kit<P, M>) => void | Promise<void>,
  { env = process.env, args = process.argv.slice(2) } = {},
): Promise<void> {
  if (answersQuestion(contract, args)) return;
  let log: Logger | undefined;
  try {
    const { values, warnings } = readParameters(contract.parameters, { env, args, prefixes: contract.prefixes });
    const common = values as unknown as CommonValues;
    const problems = new Problems();
    log = createLog(contract.name, common.LOG_LEVEL, { format: common.LOG_FORMAT, problems });
    for (const warning of warnings) log.warn(warning);
    await start(contract, values, common, { log, problems }, job);
  } catch (error) {
    endFailed(contract.name, error, log);
  }
}

interface CommonValues {
  readonly ADMIN_ADDRESS: string;
  readonly ADMIN_PORT: number;
  readonly LOG_LEVEL: string;
  readonly LOG_FORMAT: LogFormat;
  readonly SHUTDOWN_TIMEOUT: number;
}

async function start<P extends Parameters, M extends MetricDeclarations & typeof PROCESS_METRICS>(
  contract: Contract<P, M>,
  parameters: Values<P>,
  common: CommonValues,
  { log, problems }: { readonly log: Logger; readonly problems: Problems },
  job: (kit: Kit<P, M>) => void | Promise<void>,
): Promise<void> {
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  tellVersion(metrics, buildInfo(contract.name), contract.version);
  const readiness = new Readiness();
  const shutdown = new Shutdown({ log, timeout: common.SHUTDOWN_TIMEOUT });
  let started = false;
  const paths: Record<string, AdminHandler> = {
    '/startupz': (_request, response) =>
      void response.writeHead(started ? 200 : 503).end(started ? 'ok\n' : 'starting\n'),
    '/': (_request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8').setHeader('content-security-policy', pagePolicy());
      response.end(
        adminPage({
          contract,
          parameters,
          ready: readiness.report().ready,
          checks: readiness.states(),
          started: performance.timeOrigin,
          problems: joinProblems([problems.list(), others?.problems() ?? []]),
          paths: Object.keys(contract.endpoints).filter(
            (path) => path !== '/' && methods[path]?.includes('GET') !== false,
          ),
        }),
      );
    },
  };
  const methods: Record<string, readonly string[]> = {};
  const updates = [() => updateProcessMetrics(metrics as unknown as Metrics<typeof PROCESS_METRICS>)];
  let others: OtherProcesses | undefined;
  const metricsNow = async (): Promise<MetricsSnapshot> => {
    for (const update of updates) update();
    const own = registry.snapshot();
    return others === undefined ? own : aggregate([own, ...(await others.metrics())]);
  };
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'internal error');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);

  shutdown.step('readiness', () => readiness.stop());
  shutdown.listen();
  // First, so that /readyz tells what the job is waiting for while it starts.
  const scraped = async (format: Format): Promise<string | Buffer> => exposition(await metricsNow(), format);
  const admin = await serveAdmin({
    address: common.ADMIN_ADDRESS,
    port: common.ADMIN_PORT,
    readiness,
    paths,
    methods,
    metrics: scraped,
  });
  await job({
    parameters,
    log,
    metrics,
    registry,
    readiness,
    shutdown,
    adminPath(path, handler, answered) {
      paths[path] = handler;
      if (answered !== undefined) methods[path] = answered;
    },
    beforeMetrics: (update) => updates.push(update),
    addProcesses: (processes) => void (others = processes),
    answerScrape: scrapeHandler(scraped),
    metricsText: async () => expose(await metricsNow(), 'prometheus'),
  });
  started = true;
  shutdown.step('admin port', () => {
    admin.close();
    admin.closeAllConnections();
  });
}

/** Answer --help, --version and --contract; true when one was asked. */
function answersQuestion(contract: Contract, args: readonly string[]): boolean {
  const answers: Record<string, () => string> = {
    '--help': () => helpText(contract),
    '--version': () => `${contract.name} ${contract.version}\n`,
    '--contract': () => `${JSON.stringify(contractDocument(contract), null, 2)}\n`,
  };
  const asked = args.find((arg) => Object.hasOwn(answers, arg));
  if (asked === undefined) return false;
  process.stdout.write(answers[asked]!());
  return true;
}

function endFailed(name: string, error: unknown, log: Logger | undefined): never {
  if (error instanceof ConfigurationError) {
    for (const { message } of error.problems) process.stderr.write(`${name}: ${message}\n`);
    process.exit(EXIT_CONFIGURATION);
  }
  if (log) log.fatal({ err: error }, 'could not start');
  else process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(EXIT_FAILURE);
}
