import { lastLines, run, type RunOptions } from './run.ts';

/**
 * Why a call to the engine failed, for programs to branch on:
 * `no-cli` the docker command is missing · `no-daemon` nothing answers where the engine should listen ·
 * `permission` it is there but this user may not talk to it · `no-compose` the compose plugin is missing ·
 * `timeout` it took longer than allowed · `aborted` the caller's signal ended it · `failed` anything else.
 */
export type EngineReason = 'no-cli' | 'no-daemon' | 'permission' | 'no-compose' | 'timeout' | 'aborted' | 'failed';

/** A docker command that did not succeed; `stderr` holds the last lines of what it said. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly reason: EngineReason;
  /** The arguments after `docker`. */
  readonly args: readonly string[];
  /** Exit code, or null when it was killed or never started. */
  readonly exitCode: number | null;
  readonly stderr: readonly string[];

  /**
   * @param subject what it was about, for the message: `service tls`
   * @param program that was run
   */
  constructor(
    reason: EngineReason,
    args: readonly string[],
    exitCode: number | null,
    stderr: readonly string[],
    subject?: string,
    program = 'docker',
  ) {
    // An id says nothing to a reader; the subject stands for it.
    const command = [program, ...args.slice(0, subject === undefined ? 2 : 1)].join(' ');
    const about = subject === undefined ? '' : ` of ${subject}`;
    const exit = exitCode === null || exitCode === 0 ? '' : ` exited with ${exitCode}`;
    super(`${command}${about}${exit}: ${stderr.at(-1) ?? MEANING[reason]}`);
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

export interface DockerOptions extends Omit<RunOptions, 'endWith'> {
  /** What the command is about, for the error: `service tls`. */
  readonly subject?: string;
}

/** How many lines of stderr an EngineError keeps. */
const KEPT_LINES = 15;

/**
 * Runs `docker ARGS…` quietly and returns its standard output, without the final newline.
 * Throws EngineError when it does not exit with 0, after it has really ended.
 */
export async function docker(args: readonly string[], { subject, ...options }: DockerOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr, ended } = await run('docker', args, options);
  if (exitCode === 0) return stdout.replace(/\n$/, '');
  const kept = lastLines(stderr, KEPT_LINES);
  throw new EngineError(ended ?? classify(kept.join('\n'), exitCode), args, exitCode, kept, subject);
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
  if (
    /'compose' is not a docker command|unknown command: docker compose|unknown shorthand flag: 'f' in -f/i.test(stderr)
  ) {
    return 'no-compose';
  }
  return exitCode === 127 && /docker: (command )?not found|no such file/i.test(stderr) ? 'no-cli' : 'failed';
}
