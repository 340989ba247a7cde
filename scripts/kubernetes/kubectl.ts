/** kubectl, as a driver uses it: one cluster, one namespace, errors of one kind. */
import { existsSync } from 'node:fs';
import { EngineError, type DockerOptions } from '../lib/engine.ts';
import { lastLines, run } from '../lib/run.ts';
import { pathOf } from './binaries.ts';

/** Which cluster, and where in it. */
export interface Reach {
  /** A file; kubectl's own choice where undefined. */
  readonly kubeconfig: string | undefined;
  /** Undefined: the current one. */
  readonly context: string | undefined;
  readonly namespace: string | undefined;
}

const KEPT_LINES = 15;
/** kubectl's own word after what the command in the container said. */
const EXIT_LINE = /^command terminated with exit code \d+$/;

/** Ours where it was built, so that its version is the cluster's; else the one on PATH. */
const program = (): string => (existsSync(pathOf('kubectl')) ? pathOf('kubectl') : 'kubectl');

/**
 * Run kubectl.
 * @returns its standard output without the last newline
 * @throws {EngineError} when it does not end with 0; of `exec`, with the command's exit code
 */
export async function kubectl(
  { kubeconfig, context, namespace }: Reach,
  args: readonly string[],
  { subject, ...options }: DockerOptions = {},
): Promise<string> {
  const where = Object.entries({ kubeconfig, context, namespace }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
  const { exitCode, stdout, stderr, ended } = await run(program(), [...where, ...args], options);
  if (exitCode === 0) return stdout.replace(/\n$/, '');
  const kept = lastLines(stderr, KEPT_LINES).filter((line) => !EXIT_LINE.test(line));
  throw new EngineError(ended ?? 'failed', args, exitCode, kept, subject, 'kubectl');
}
