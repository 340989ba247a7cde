/** docker, for containers of any project. */
import { spawn } from 'node:child_process';
import { runCommand } from '#kit/process/command.ts';
import { EXIT_FOUND, type CommandContext } from './command.ts';

/** In milliseconds. */
const STEP = 120_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

export interface DockerOptions {
  readonly environment?: CommandContext['environment'];
  /** In milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What it answers. @throws {CommandError} */
export const docker = async (
  args: readonly string[],
  { environment, timeout = STEP, signal }: DockerOptions = {},
): Promise<string> => {
  const options = {
    timeout,
    maxOutput: MAX_OUTPUT,
    ...(environment && { env: environment }),
    ...(signal && { signal }),
  };
  return (await runCommand(['docker', ...args], options)).stdout.trim();
};

/** Give the terminal to a program. @returns its exit code; @throws {Error} where it does not start */
export async function inTerminal(
  [program, ...args]: readonly string[],
  { folder, environment }: CommandContext,
): Promise<number> {
  const child = spawn(program!, args, { cwd: folder, env: environment, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the program too, whose end is waited for.
  const wait = (): void => {};
  process.on('SIGINT', wait);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? EXIT_FOUND));
    return await promise;
  } finally {
    process.off('SIGINT', wait);
  }
}

export interface Build {
  /** Its whole name. */
  readonly image: string;
  /** With its Dockerfile. */
  readonly folder: string;
  /** The build argument that names its base; one of the environment goes first. */
  readonly base: 'SIDECAR_BASE' | 'DEBIAN_BASE';
}

/** Packages are fetched for it. */
const BUILD = 600_000;

/** Build an image of the package's own, which takes a fraction of a second where nothing has changed. */
export async function buildImage({ image, folder, base }: Build, { environment, err }: CommandContext): Promise<void> {
  if ((await docker(['images', '--quiet', image], { environment })) === '') err(`Building ${image}, once\n`);
  const chosen = environment[base];
  const args = chosen ? ['--build-arg', `${base}=${chosen}`] : [];
  await docker(['build', '--quiet', '--tag', image, ...args, folder], { environment, timeout: BUILD });
}
