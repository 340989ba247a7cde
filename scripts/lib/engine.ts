import {$} from 'zx';

/**
 * Why a call to the engine failed, for programs to branch on:
 * `no-cli` the docker command is missing · `no-daemon` nothing answers where the engine should listen ·
 * `permission` it is there but this user may not talk to it · `no-compose` the compose plugin is missing ·
 * `timeout` it took longer than allowed · `aborted` the caller's signal ended it · `failed` anything else.
 */
export type EngineReason =
  | 'no-cli'
  | 'no-daemon'
  | 'permission'
  | 'no-compose'
  | 'timeout'
  | 'aborted'
  | 'failed';

/** A docker command that did not succeed; `stderr` holds the last lines of what it said. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly reason: EngineReason;
  /** The arguments after `docker`. */
  readonly args: readonly string[];
  /** Exit code, or null when it was killed or never started. */
  readonly exitCode: number | null;
  readonly stderr: readonly string[];

  constructor(
    reason: EngineReason,
    args: readonly string[],
    exitCode: number | null,
    stderr: readonly string[],
  ) {
    const command = ['docker', ...args.slice(0, 2)].join(' ');
    super(`${command}: ${stderr.at(-1) ?? MEANING[reason]}`);
    this.reason = reason;
    this.args = args;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const MEANING: Record<EngineReason, string> = {
  'no-cli': 'the docker command is not installed',
  'no-daemon': 'the engine does not answer',
  permission: 'this user may not talk to the engine',
  'no-compose': 'the compose plugin is missing',
  timeout: 'took too long',
  aborted: 'interrupted',
  failed: 'failed',
};

export interface DockerOptions {
  /** Text or bytes for its standard input; without it, standard input is empty. */
  input?: string | Buffer;
  /** Milliseconds until the command is ended with SIGTERM and rejects with `timeout`. */
  timeoutMs?: number;
  /** Ends the command with SIGTERM; it rejects with `aborted`. */
  signal?: AbortSignal;
  /** Added to this process's environment. */
  env?: Record<string, string>;
  cwd?: string;
}

/** How many lines of stderr an EngineError keeps. */
const KEPT_LINES = 15;

/**
 * Runs `docker ARGS…` quietly and returns its standard output, without the final newline.
 * Throws EngineError when it does not exit with 0.
 *
 * `exec` makes the shell that zx starts become docker itself, so that ending the child ends docker
 * (and zx's own kill, which needs `ps`, is not needed); `detached` keeps a terminal's Ctrl-C from
 * reaching it, so that the caller alone decides, by its signal, what is stopped and in which order.
 */
export async function docker(args: readonly string[], options: DockerOptions = {}): Promise<string> {
  const deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
  const signals = [deadline, options.signal].filter((signal) => signal !== undefined);
  if (options.signal?.aborted) throw new EngineError('aborted', args, null, []);
  const output = await $({
    quiet: true,
    nothrow: true,
    detached: true,
    input: options.input ?? '',
    signal: AbortSignal.any(signals),
    env: {...process.env, ...options.env},
    ...(options.cwd === undefined ? {} : {cwd: options.cwd}),
  })`exec docker ${args}`;
  if (output.exitCode === 0) return output.stdout.replace(/\n$/, '');
  const stderr = lastLines(output.stderr, KEPT_LINES);
  const reason = options.signal?.aborted
    ? 'aborted'
    : deadline?.aborted
      ? 'timeout'
      : classify(stderr.join('\n'), output.exitCode);
  throw new EngineError(reason, args, output.exitCode, stderr);
}

/** The reason behind a failed docker command, from its stderr and exit code. */
export function classify(stderr: string, exitCode: number | null): EngineReason {
  if (/permission denied while trying to connect|dial unix .*: connect: permission denied/i.test(stderr)) {
    return 'permission';
  }
  if (
    /cannot connect to the docker daemon|is the docker daemon running|error during connect|failed to connect to the docker API/i.test(
      stderr,
    )
  ) {
    return 'no-daemon';
  }
  if (/'compose' is not a docker command|unknown command: docker compose|unknown shorthand flag: 'f' in -f/i.test(stderr)) {
    return 'no-compose';
  }
  return exitCode === 127 && /docker: (command )?not found/i.test(stderr) ? 'no-cli' : 'failed';
}

/** The last `count` lines of a text that are not blank, without trailing white space. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
