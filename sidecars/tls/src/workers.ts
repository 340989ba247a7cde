/**
 * Several processes on the same ports: each has the whole data plane, and the kernel deals out the
 * connections. The first process relays nothing; it starts the others, starts them again when they
 * die, adds up their metrics, and ends them.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from '#kit/metrics.ts';
import { createLog, type Logger } from '#kit/log.ts';
import { createMetrics, updateProcessMetrics, type Metrics } from '#kit/metrics.ts';
import { ConfigurationError, readParameters } from '#kit/parameters.ts';
import type { ReadinessCheck } from '#kit/readiness.ts';
import { createClientPolicy } from './certificates/client-identity.ts';
import { openCertificateStore, type CertificateStore } from './certificates/store.ts';
import { contract } from './contract.ts';
import { startDataPlane, type DataPlane } from './data-plane.ts';

/** Set for a worker alone; its number. */
const MARK = 'SIDECAR_WORKER';
/** Between the death of a worker and its successor, in milliseconds. */
const RESTART_DELAY = 200;
/** How long a worker may take to tell its metrics, in milliseconds. */
const METRICS_TIMEOUT = 1000;

type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };
type ToWorker = { readonly ask: 'metrics'; readonly id: number } | { readonly ask: 'drain'; readonly patience: number };
type FromWorker =
  | { readonly say: 'listening' }
  | { readonly say: 'app'; readonly down?: string }
  | { readonly say: 'metrics'; readonly id: number; readonly samples: Sample[] }
  | { readonly say: 'refused'; readonly problems: ConfigurationError['problems'] };

/** Whether this process is a worker. */
export const isWorker = (): boolean => process.env[MARK] !== undefined && process.send !== undefined;

interface WorkersOptions {
  readonly count: number;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  readonly appCheck: ReadinessCheck;
  readonly store: CertificateStore;
}

interface Worker {
  readonly process: ChildProcess;
  listening: boolean;
}

export class Workers implements Pick<DataPlane, 'listening' | 'drain'> {
  readonly #options: WorkersOptions;
  readonly #workers = new Map<number, Worker>();
  readonly #answers = new Map<number, (samples: Sample[]) => void>();
  #asked = 0;
  #ending = false;

  private constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /**
   * Start all workers, and wait until they listen.
   * @throws {ConfigurationError} as a worker's data plane does
   */
  static async start(options: WorkersOptions): Promise<Workers> {
    const workers = new Workers(options);
    await Promise.all(Array.from({ length: options.count }, (_, number) => workers.#spawn(number)));
    workers.#publish();
    return workers;
  }

  /** True while each worker listens. */
  get listening(): boolean {
    return [...this.#workers.values()].filter(({ listening }) => listening).length === this.#options.count;
  }

  #spawn(number: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { log, appCheck } = this.#options;
    const child = fork(process.argv[1]!, process.argv.slice(2), {
      execArgv: process.execArgv,
      env: { ...process.env, [MARK]: String(number) },
    });
    const worker: Worker = { process: child, listening: false };
    this.#workers.set(number, worker);
    child.on('message', (message: FromWorker) => {
      if (message.say === 'listening') {
        worker.listening = true;
        resolve();
      } else if (message.say === 'app') {
        if (message.down === undefined) appCheck.pass();
        else appCheck.fail(message.down);
      } else if (message.say === 'metrics') this.#answers.get(message.id)?.(message.samples);
      else reject(new ConfigurationError(message.problems));
    });
    child.on('exit', (code, signal) => {
      worker.listening = false;
      this.#workers.delete(number);
      reject(new Error(`worker ${number} ended (${signal ?? code})`));
      if (this.#ending) return;
      log.error({ worker: number, code, signal }, 'a worker died: starting another');
      void delay(RESTART_DELAY).then(() => {
        if (!this.#ending)
          this.#spawn(number).catch((error: unknown) => log.error({ err: error }, 'a worker could not be started'));
      });
    });
    return promise;
  }

  /** Let the metrics of the data plane be the sum of all workers' whenever they are read. */
  #publish(): void {
    const metrics = Object.entries(this.#options.metrics);
    let gathering: Promise<Map<string, Sample[]>> | undefined;
    for (const [name, metric] of metrics) {
      // The certificates are the same in each; those of this process count for all.
      if (name.startsWith('tls_certificate') || name.startsWith('process_')) continue;
      Object.assign(metric, {
        collect: async () => {
          gathering ??= this.#gather().finally(() => (gathering = undefined));
          const samples = (await gathering).get(name) ?? [];
          metric.reset();
          for (const { labels, value } of samples) {
            if (name === 'tls_app_up') (metric as Metrics<typeof contract.metrics>['tls_app_up']).set(value);
            else (metric as Metrics<typeof contract.metrics>['tls_connections_open']).inc(labels, value);
          }
        },
      });
    }
  }

  async #gather(): Promise<Map<string, Sample[]>> {
    const all = await Promise.all(
      [...this.#workers.values()].filter(({ listening }) => listening).map((worker) => this.#ask(worker)),
    );
    return Map.groupBy(all.flat(), ({ name }) => name);
  }

  async #ask(worker: Worker): Promise<Sample[]> {
    const id = this.#asked++;
    const { promise, resolve } = Promise.withResolvers<Sample[]>();
    this.#answers.set(id, resolve);
    const timer = setTimeout(() => resolve([]), METRICS_TIMEOUT);
    tell(worker.process, { ask: 'metrics', id });
    const samples = await promise;
    clearTimeout(timer);
    this.#answers.delete(id);
    return samples;
  }

  async drain(patience: number): Promise<void> {
    this.#ending = true;
    await Promise.all(
      [...this.#workers.values()].map(async ({ process: child }) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        child.once('exit', () => resolve());
        tell(child, { ask: 'drain', patience });
        await promise;
      }),
    );
    this.#options.store.close();
  }
}

function tell(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, ignore);
}

function ignore(): void {}

/** The program of a worker. */
export async function runWorker(): Promise<void> {
  // The first process hears the signals and says when to end.
  process.on('SIGTERM', ignore);
  process.on('SIGINT', ignore);
  process.on('disconnect', () => process.exit(1));
  const say = (message: FromWorker): void => void process.send?.(message, ignore);
  const { values: parameters } = readParameters(contract.parameters, {
    env: process.env,
    args: process.argv.slice(2),
    prefixes: contract.prefixes,
  });
  const log = createLog(contract.name, parameters.LOG_LEVEL).child({ worker: Number(process.env[MARK]) });
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  const appCheck = { pass: () => say({ say: 'app' }), fail: (down: string) => say({ say: 'app', down }) };
  try {
    const policy = createClientPolicy(parameters);
    const store = await openCertificateStore({ parameters, log, metrics, policy });
    const plane = await startDataPlane({
      parameters,
      log,
      metrics,
      appCheck,
      store,
      policy,
      shared: true,
    });
    process.on('message', (message: ToWorker) => {
      if (message.ask === 'drain') void plane.drain(message.patience).then(() => process.exit(0));
      else void samplesOf(registry, metrics).then((samples) => say({ say: 'metrics', id: message.id, samples }));
    });
    say({ say: 'listening' });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.send?.({ say: 'refused', problems: error.problems } satisfies FromWorker, () => process.exit(64));
  }
}

async function samplesOf(registry: Registry, metrics: Metrics<typeof contract.metrics>): Promise<Sample[]> {
  updateProcessMetrics(metrics);
  const all = await registry.getMetricsAsJSON();
  return all.flatMap(({ name, values }) =>
    values.map(({ labels, value }) => ({ name, labels: labels as Record<string, string>, value })),
  );
}
