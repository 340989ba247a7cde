/** Other people's programs: run without a shell, with a deadline, and with nothing left of them after it. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * Split a command into words: at blanks, but not inside single or double quotes. A backslash takes the
 * next character as it is, but not inside single quotes. Nothing is expanded: there is no shell.
 * @throws {Error} when a quote is not closed, or there is no word
 */
export function parseCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === quote) quote = '';
    else if (char === '\\' && quote !== "'") word = (word ?? '') + (text[++i] ?? '');
    else if (quote !== '') word += char;
    else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw new Error(`the quote ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  if (!words[0]) throw new Error('there is no program to run');
  return words;
}

export type CommandErrorReason =
  /** There is no such program, or not the interpreter that its first line names. */
  | 'not-found'
  /** It may not be run by us: no permission, or no file that can be run. */
  | 'denied'
  /** Its working directory is not there, or is none, or may not be entered. */
  | 'working-directory'
  /** Arguments and environment are longer than the kernel takes. */
  | 'too-long'
  /** The system could not start it for another reason; the error's cause has it. */
  | 'not-started'
  | 'exit'
  | 'timeout'
  | 'aborted';

/** A command did not do its work. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly reason: CommandErrorReason;
  /** Exit status; undefined when a signal ended it, or it never ran. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  constructor(
    reason: CommandErrorReason,
    message: string,
    {
      code,
      stdout = '',
      stderr = '',
      cause,
    }: { code?: number | undefined; stdout?: string; stderr?: string; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.code = code;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment; our own when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** How long it may take, in milliseconds; for ever when absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Bytes that are kept of the end of each stream. */
  readonly maxOutput?: number;
  /** What it reads. */
  readonly input?: string | Uint8Array;
  /** Called with each piece of what it writes, as it comes. */
  readonly onOutput?: (piece: Buffer, stream: 'stdout' | 'stderr') => void;
}

/**
 * Run a program to its end. At the deadline, and when the signal aborts, its whole process group is
 * killed, so that no grandchild is left running.
 * @param argv program and arguments
 * @returns the last `maxOutput` bytes (64 KiB) of what it wrote
 * @throws {CommandError} when it could not be started, failed, or had no more time
 */
export async function runCommand(
  argv: readonly string[],
  { cwd, env, timeout, signal, maxOutput = 65_536, input, onOutput }: CommandOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const [program = '', ...args] = argv;
  if (signal?.aborted) throw new CommandError('aborted', `${program} was not started: ${why(signal)}`);
  const child = start(program, args, cwd, env);
  const stdout = new Tail(maxOutput);
  const stderr = new Tail(maxOutput);
  child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  if (onOutput) {
    child.stdout.on('data', (piece: Buffer) => onOutput(piece, 'stdout'));
    child.stderr.on('data', (piece: Buffer) => onOutput(piece, 'stderr'));
  }
  // It may end without reading what it is given; that is its business.
  child.stdin.on('error', () => {});
  child.stdin.end(input);

  let cut: CommandErrorReason | undefined;
  const end = (reason: CommandErrorReason) => () => {
    cut ??= reason;
    killGroup(child.pid);
    // A grandchild in a group of its own may hold the pipes for ever.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const started = performance.now();
  const timer = timeout === undefined ? undefined : setTimeout(end('timeout'), timeout);
  const abort = end('aborted');
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>();
    child.once('error', reject);
    child.once('close', (code, by) => resolve([code, by]));
    const [code, by] = await promise;
    const written = { code: code ?? undefined, stdout: stdout.text(), stderr: stderr.text() };
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (cut === 'timeout') throw new CommandError(cut, `${program} was ended after ${seconds} s`, written);
    if (cut === 'aborted') throw new CommandError(cut, `${program} was ended: ${why(signal)}`, written);
    if (code !== 0) {
      const how = by ? `was ended by ${by}` : `exited with ${code}`;
      throw new CommandError('exit', `${program} ${how}${lastLine(written)}`, written);
    }
    return written;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw notStarted(program, cwd, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    // What it left in the background goes with it.
    killGroup(child.pid);
  }
}

/** @throws {CommandError} for what spawn does not emit but throws: E2BIG and ENOTDIR among others */
function start(program: string, args: readonly string[], cwd: string | undefined, env: NodeJS.ProcessEnv | undefined) {
  try {
    return spawn(program, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  } catch (error) {
    throw notStarted(program, cwd, error);
  }
}

const REASONS: Readonly<Record<string, CommandErrorReason>> = {
  ENOENT: 'not-found',
  EACCES: 'denied',
  EPERM: 'denied',
  E2BIG: 'too-long',
};

/** Why the system did not start a program. That a working directory is missing it reports as if the program were. */
function notStarted(program: string, cwd: string | undefined, cause: unknown): CommandError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (cwd !== undefined && /^E(?:NOENT|NOTDIR|ACCES)$/.test(code)) {
    const wrong = unusable(cwd);
    if (wrong !== undefined) {
      const text = `${program} could not be started: its working directory ${cwd} cannot be entered: ${wrong}`;
      return new CommandError('working-directory', text, { cause });
    }
  }
  const reason = REASONS[code] ?? 'not-started';
  const hint = reason === 'too-long' ? ' (its arguments and environment are too long)' : '';
  return new CommandError(reason, `${program} could not be started: ${code || message}${hint}`, { cause });
}

/** What keeps us from a directory, as the system calls it; undefined when nothing does. */
function unusable(directory: string): string | undefined {
  try {
    if (!statSync(directory).isDirectory()) return 'ENOTDIR';
    accessSync(directory, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const why = (signal?: AbortSignal): string =>
  signal?.reason instanceof Error ? signal.reason.message : String(signal?.reason);

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // There is nobody left.
  }
}

/** What a program said last, most likely the reason of its failure. */
function lastLine({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const line = (stderr.trim() || stdout.trim()).split('\n').at(-1);
  return line ? `: ${line.slice(0, 500)}` : '';
}

/** The end of a stream, in bounded memory. */
class Tail {
  readonly #max: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - this.#chunks[0]!.length >= this.#max) this.#bytes -= this.#chunks.shift()!.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#max).toString('utf8');
  }
}
