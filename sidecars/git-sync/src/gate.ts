/** The gate: somebody's command that decides, in the new version's directory, whether it goes live. */
import { CommandError, runCommand } from '#kit/process/command.ts';
import { SyncError } from './repository/failure.ts';
import { Lines } from './lines.ts';
import type { Secrets } from './repository/secrets.ts';
import type { GitEnvironment } from './repository/environment.ts';

export interface GateOptions {
  readonly argv: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
  /** Variables of our environment that it gets. */
  readonly env: readonly string[];
  readonly ref: string;
}

/** Bytes that are kept of the end of its output. */
const OUTPUT = 16_384;
/** Characters of these that an error shows. */
const SHOWN = 2000;

/**
 * Run the gate.
 * @throws {SyncError} `gate` when it says no, cannot be run, or takes too long; `stopped` when it was cut short,
 * which says nothing of the commit
 */
export async function runGate(
  { argv, timeout, env, ref }: GateOptions,
  {
    commit,
    directory,
    environment,
    secrets,
    signal,
    onLine,
  }: {
    commit: string;
    directory: string;
    environment: GitEnvironment;
    secrets: Secrets;
    signal?: AbortSignal;
    /** Told each line of its output as it comes, without secrets. */
    onLine: (line: string) => void;
  },
): Promise<void> {
  const lines = linesOf((line) => onLine(secrets.redact(line)));
  try {
    await runCommand(argv, {
      onOutput: (piece, stream) => lines[stream].add(piece),
      cwd: directory,
      env: environment.forProgram(env, { GITSYNC_HASH: commit, GITSYNC_REF: ref }),
      timeout,
      maxOutput: OUTPUT,
      ...(signal && { signal }),
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.reason === 'aborted') throw new SyncError('stopped', secrets.redact(error.message), { cause: error });
    const output = `${error.stdout}\n${error.stderr}`.trim().slice(-SHOWN);
    const [what = ''] = error.message.split('\n', 1);
    throw new SyncError('gate', secrets.redact(`the gate refused ${commit}: ${what}${output ? `\n${output}` : ''}`), {
      cause: error,
    });
  } finally {
    lines.stdout.end();
    lines.stderr.end();
  }
}

const linesOf = (onLine: (line: string) => void): { stdout: Lines; stderr: Lines } => ({
  stdout: new Lines(onLine),
  stderr: new Lines(onLine),
});
