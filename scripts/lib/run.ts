import { $ } from 'zx/core';

export interface RunOptions {
  /** Text or bytes for its standard input; without it, standard input is empty. */
  input?: string | Buffer;
  /** Milliseconds until the program is ended. */
  timeoutMs?: number | undefined;
  /** Ends the program when it aborts. */
  signal?: AbortSignal | undefined;
  /** The signal by which it is ended first; after GRACE_MS comes SIGKILL. SIGTERM by default. */
  endWith?: 'SIGTERM' | 'SIGINT';
  /** Called with each piece of standard output as it comes. */
  onStdout?: (text: string) => void;
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string | undefined;
}

export interface RunResult {
  /** Exit code; null when a signal ended it. 127 when there is no such program. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Why it was ended early, if it was. */
  ended: 'timeout' | 'aborted' | undefined;
}

/** Milliseconds between asking a program to end and forcing it to. */
const GRACE_MS = 10_000;

/**
 * Runs a program quietly and resolves when it has really ended, whatever its exit code; never
 * rejects for what the program does.
 *
 * `exec` makes the shell that zx starts become the program itself, so that the signal reaches it
 * (zx's own kill needs `ps`, which a small Debian lacks, and zx's abort settles before the program
 * has ended); `detached` keeps a terminal's Ctrl-C from it, so that the caller alone decides what
 * is stopped and in which order.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeoutMs, endWith = 'SIGTERM' } = options;
  let ended: RunResult['ended'];
  if (signal?.aborted) return { exitCode: null, stdout: '', stderr: '', ended: 'aborted' };

  const running = $({
    quiet: true,
    nothrow: true,
    // What a scenario starts stays in the scenario's own group, with which the runner ends it.
    detached: process.env['SIDECAR_STACKS_PROJECT'] === undefined,
    // zx never closes the pipe of an empty input.
    ...(options.input?.length ? { input: options.input } : { stdio: ['ignore', 'pipe', 'pipe'] as const }),
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })`exec ${program} ${args}`;

  running.stdout?.on('data', (chunk: Buffer) => options.onStdout?.(chunk.toString()));
  const timers: NodeJS.Timeout[] = [];
  const end = (why: 'timeout' | 'aborted') => {
    if (ended) return;
    ended = why;
    running.child?.kill(endWith);
    timers.push(setTimeout(() => running.child?.kill('SIGKILL'), GRACE_MS));
  };
  const onAbort = () => end('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  if (timeoutMs !== undefined) timers.push(setTimeout(() => end('timeout'), timeoutMs));
  try {
    const output = await running;
    return { exitCode: output.exitCode, stdout: output.stdout, stderr: output.stderr, ended };
  } finally {
    signal?.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
  }
}

/** The last `count` lines of a text that are not blank, without trailing white space. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
