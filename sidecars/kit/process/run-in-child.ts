/**
 * Work that must not hold up a program: done by a process of its own, the same program started with
 * another argument, which has a heap and a deadline, and ends with the work. Unlike a thread it can run
 * out of memory, or be killed for it, alone.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  /** The program's file. */
  readonly program: string;
  /** The argument that tells it to call `serveJobs`. */
  readonly argument: string;
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Most memory that its objects may take, in MiB. */
  readonly heap: number;
  /** How long it may take, its start included, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** The process ended without an answer. */
export class ChildFailed extends Error {
  override readonly name = 'ChildFailed';
  /** It was killed at the deadline. */
  readonly late: boolean;
  constructor(message: string, late: boolean) {
    super(message);
    this.late = late;
  }
}

/**
 * Have some work done.
 * @param order what `serveJobs` is given: anything that can be cloned, buffers included
 * @returns what it answered
 * @throws {ChildFailed} when it did not, and the signal's reason
 */
export async function runInChild<Result>(order: unknown, options: ChildOptions): Promise<Result> {
  const { program, argument, env, heap, timeout, signal } = options;
  signal?.throwIfAborted();
  const child = fork(program, [argument], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env,
    execArgv: [`--max-old-space-size=${heap}`, '--max-semi-space-size=2', '--single-threaded-gc'],
  });
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout);
  const abort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', abort, { once: true });
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  child.once('message', (result) => resolve(result as Result));
  child.once('error', reject);
  child.once('exit', (code, by) => reject(new ChildFailed(`it ended with ${by ?? `exit code ${code}`}`, late)));
  child.send(order as object, (error) => error && child.kill('SIGKILL'));
  try {
    return await promise;
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ChildFailed ? error : new ChildFailed((error as Error).message, late);
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', abort);
    child.kill('SIGKILL');
  }
}

/** Be the process that does one order: take it, answer, and end. What `work` throws ends it without an answer. */
export async function serveJobs<Order>(work: (order: Order) => unknown): Promise<void> {
  // Nobody waits for an answer any more.
  process.once('disconnect', () => process.exit(0));
  const [order] = (await once(process, 'message')) as [Order];
  const result: unknown = await work(order);
  process.send?.(result, undefined, undefined, () => process.disconnect?.());
}
