/**
 * Several processes of one sidecar on the same ports: each does the whole job, and the kernel deals
 * out the connections. The first process does none of it; it starts the others, starts them again
 * when they die, adds up their metrics, knows their problems, and ends them.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { Backoff, pause } from '../time/backoff.ts';
import { EXIT_CONFIGURATION, EXIT_FAILURE, type Contract } from '../contract/contract.ts';
import { createLog, type LogFormat, type Logger } from '../telemetry/log.ts';
import { joinProblems, Problems, type Problem } from '../telemetry/problems.ts';
import {
  aggregate,
  createMetrics,
  Registry,
  updateProcessMetrics,
  type MetricDeclarations,
  type Metrics,
  type MetricsSnapshot,
  type PROCESS_METRICS,
} from '../telemetry/metrics.ts';
import { ConfigurationError, readParameters, type Parameters, type Values } from '../contract/parameters.ts';

/** Set for a worker alone; its number. */
const MARK = 'SIDECAR_WORKER';
/** Between the death of a worker and its successor, in milliseconds. */
const RESTART = { initial: 400, max: 20_000 };
/** A worker that lived this long did not die of its start, in milliseconds. */
const STABLE = 10_000;
/** How long a worker that fails waits for the first process to hear why, in milliseconds. */
const LAST_WORDS = 200;
/** How long a worker may take to tell its metrics, in milliseconds. */
const METRICS_TIMEOUT = 1000;

type ToWorker<Down> =
  | { readonly kind: 'start'; readonly messages: readonly Down[] }
  | { readonly kind: 'message'; readonly message: Down }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'drain'; readonly patience: number };
type FromWorker<Up> =
  | { readonly kind: 'listening' }
  | { readonly kind: 'message'; readonly message: Up }
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: MetricsSnapshot }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  | { readonly kind: 'refused'; readonly problems: ConfigurationError['problems'] };

export interface WorkersOptions<Down, Up> {
  readonly count: number;
  readonly log: Logger;
  /** What a worker is told before its job begins, at its every start. */
  readonly greet: () => readonly Down[];
  /** A worker said something. */
  readonly onMessage: (message: Up) => void;
}

interface Worker {
  readonly process: ChildProcess;
  listening: boolean;
  /** What its metrics were when they were read last. */
  metrics: MetricsSnapshot;
  /** Its last problems, as it told of them. */
  problems: readonly Problem[];
}

/** The first process' side. */
export class Workers<Down, Up> {
  readonly #options: WorkersOptions<Down, Up>;
  readonly #workers = new Map<number, Worker>();
  readonly #answers = new Map<number, (metrics: MetricsSnapshot) => void>();
  readonly #end = new AbortController();
  /** What workers had counted that have died: no sum goes down. */
  #departed: MetricsSnapshot = [];
  /** The last problems of workers that have died. */
  #past: readonly Problem[] = [];
  #asked = 0;

  private constructor(options: WorkersOptions<Down, Up>) {
    this.#options = options;
  }

  /**
   * Start all workers, and wait until they listen.
   * @throws {ConfigurationError} as a worker's job does
   */
  static async start<Down, Up>(options: WorkersOptions<Down, Up>): Promise<Workers<Down, Up>> {
    const workers = new Workers(options);
    await Promise.all(
      Array.from({ length: options.count }, (_, number) => workers.#spawn(number, new Backoff(RESTART))),
    );
    return workers;
  }

  /** True while each worker listens. */
  get listening(): boolean {
    return [...this.#workers.values()].filter(({ listening }) => listening).length === this.#options.count;
  }

  /** Tell every worker. */
  send(message: Down): void {
    for (const { process: child } of this.#workers.values()) tell<Down>(child, { kind: 'message', message });
  }

  /** The metrics of all workers, those that have died included. */
  async metrics(): Promise<MetricsSnapshot[]> {
    const alive = [...this.#workers.values()].filter(({ listening }) => listening);
    const all = await Promise.all(alive.map((worker) => this.#ask(worker)));
    return [this.#departed, ...all];
  }

  /** The last problems of all workers, those that have died included. */
  problems(): readonly Problem[] {
    return joinProblems([this.#past, ...[...this.#workers.values()].map(({ problems }) => problems)]);
  }

  /**
   * Let all workers end their job, and wait until they are gone.
   * @param patience milliseconds after which they cut what is still open
   */
  async drain(patience: number): Promise<void> {
    this.#end.abort();
    await Promise.all(
      [...this.#workers.values()].map(async ({ process: child }) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        child.once('exit', () => resolve());
        tell<Down>(child, { kind: 'drain', patience });
        await promise;
      }),
    );
  }

  #spawn(number: number, backoff: Backoff): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { log, greet, onMessage } = this.#options;
    const child = fork(process.argv[1]!, process.argv.slice(2), {
      execArgv: process.execArgv,
      env: { ...process.env, [MARK]: String(number) },
    });
    const worker: Worker = { process: child, listening: false, metrics: [], problems: [] };
    const begun = performance.now();
    this.#workers.set(number, worker);
    child.on('message', (said: FromWorker<Up>) => {
      if (said.kind === 'listening') {
        worker.listening = true;
        resolve();
      } else if (said.kind === 'message') onMessage(said.message);
      else if (said.kind === 'problems') worker.problems = said.problems;
      else if (said.kind === 'metrics') this.#answers.get(said.id)?.(said.metrics);
      else reject(new ConfigurationError(said.problems));
    });
    child.on('error', (error) => log.error({ worker: number, err: error }, 'a worker could not be reached'));
    child.on('exit', (code, signal) => {
      this.#workers.delete(number);
      reject(new Error(`worker ${number} ended (${signal ?? code})`));
      this.#bury(worker);
      if (this.#end.signal.aborted) return;
      if (performance.now() - begun > STABLE) backoff.reset();
      const delay = Math.round(backoff.next());
      log.error({ worker: number, code, signal, delay_ms: delay }, 'a worker died: starting another');
      pause(delay, this.#end.signal)
        .then(() => this.#spawn(number, backoff))
        .catch((error: unknown) => {
          if (!this.#end.signal.aborted) log.error({ worker: number, err: error }, 'a worker could not be started');
        });
    });
    tell<Down>(child, { kind: 'start', messages: greet() });
    return promise;
  }

  #bury({ metrics, problems }: Worker): void {
    this.#past = joinProblems([this.#past, problems]);
    const counted = metrics.filter(({ type }) => type !== 'gauge');
    this.#departed = aggregate([this.#departed, counted]);
  }

  async #ask(worker: Worker): Promise<MetricsSnapshot> {
    const id = this.#asked++;
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot>();
    this.#answers.set(id, resolve);
    const timer = setTimeout(() => resolve(worker.metrics), METRICS_TIMEOUT);
    worker.process.once('exit', () => resolve([]));
    tell<Down>(worker.process, { kind: 'metrics', id });
    const metrics = await promise;
    clearTimeout(timer);
    this.#answers.delete(id);
    if (metrics.length > 0) worker.metrics = metrics;
    return metrics;
  }
}

function tell<Down>(child: ChildProcess, message: ToWorker<Down>): void {
  // A worker that died meanwhile hears nothing: its end is another event.
  if (child.connected) child.send(message, ignore);
}

function ignore(): void {}

/** What a worker's job is given. */
export interface WorkerKit<P extends Parameters, M extends MetricDeclarations, Down, Up> {
  readonly parameters: Values<P>;
  readonly log: Logger;
  readonly metrics: Metrics<M>;
  /** Tell the first process. */
  readonly say: (message: Up) => void;
  /** What the first process had to say before the job begins. */
  readonly greeting: readonly Down[];
  /** Hear what it says from then on. */
  readonly onMessage: (listener: (message: Down) => void) => void;
}

/** Whether this process is a worker. */
export const isWorker = (): boolean => process.env[MARK] !== undefined && process.send !== undefined;

/**
 * The program of a worker: it does the job until the first process says that it shall end, or is gone.
 * @param contract what the sidecar declares
 * @param job starts the work, and returns how to end it once it listens
 */
export async function runWorker<P extends Parameters, M extends MetricDeclarations & typeof PROCESS_METRICS, Down, Up>(
  contract: Contract<P, M>,
  job: (kit: WorkerKit<P, M, Down, Up>) => Promise<{ drain(patience: number): Promise<void> }>,
): Promise<void> {
  // The first process hears the signals and says what they mean.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, ignore);
  process.on('disconnect', () => process.exit(EXIT_FAILURE));
  const { values: parameters } = readParameters(contract.parameters, {
    env: process.env,
    args: process.argv.slice(2),
    prefixes: contract.prefixes,
  });
  const { LOG_LEVEL: level = 'info', LOG_FORMAT: format = 'json' } = parameters as {
    readonly LOG_LEVEL?: string;
    readonly LOG_FORMAT?: LogFormat;
  };
  const say = (message: FromWorker<Up>): void => void process.send?.(message, ignore);
  let telling: NodeJS.Immediate | undefined;
  const tellProblems = (): void => {
    telling = undefined;
    say({ kind: 'problems', problems: problems.list() });
  };
  // Many lines of one turn of the event loop are told at once.
  const problems = new Problems(() => void (telling ??= setImmediate(tellProblems)));
  const log = createLog(contract.name, level, { format, problems }).child({ worker: Number(process.env[MARK]) });
  let dying = false;
  const die = (error: unknown): void => {
    if (dying) return;
    dying = true;
    log.fatal({ err: error }, 'internal error');
    const last: FromWorker<Up> = { kind: 'problems', problems: problems.list() };
    setTimeout(() => process.exit(EXIT_FAILURE), LAST_WORDS);
    process.send?.(last, () => process.exit(EXIT_FAILURE));
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);

  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  const snapshot = (id: number): void => {
    updateProcessMetrics(metrics as unknown as Metrics<typeof PROCESS_METRICS>);
    say({ kind: 'metrics', id, metrics: registry.snapshot() });
  };
  const started = Promise.withResolvers<readonly Down[]>();
  const listeners: ((message: Down) => void)[] = [];
  let end: ((patience: number) => Promise<void>) | undefined;
  process.on('message', (told: ToWorker<Down>) => {
    if (told.kind === 'start') started.resolve(told.messages);
    else if (told.kind === 'metrics') snapshot(told.id);
    else if (told.kind === 'message') for (const listener of listeners) listener(told.message);
    // Before it listens there is nothing to come to an end.
    else if (end === undefined) process.exit(0);
    else void end(told.patience).then(() => process.exit(0));
  });
  try {
    const running = await job({
      parameters,
      log,
      metrics,
      say: (message) => say({ kind: 'message', message }),
      greeting: await started.promise,
      onMessage: (listener) => void listeners.push(listener),
    });
    end = (patience) => running.drain(patience);
    say({ kind: 'listening' });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) return die(error);
    const refused: FromWorker<Up> = { kind: 'refused', problems: error.problems };
    process.send?.(refused, () => process.exit(EXIT_CONFIGURATION));
  }
}
