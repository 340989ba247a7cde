/** Commands of docker and docker compose on one project. */
import { CommandError, runCommand } from '#kit/process/command.ts';
import type { ExecResult, UpOptions } from './stack.ts';

/** How long a command may take, in milliseconds. */
export const COMMAND_MS = 60_000;
const OUTPUT_BYTES = 16 * 1024 * 1024;

export interface Project {
  readonly project: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly options: Pick<UpOptions, 'env' | 'profiles'>;
}

/** Runs commands for one project, with its files, profiles and variables. */
export class Engine {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  /** A command of docker compose on this project. @param timeout in milliseconds @throws {CommandError} */
  compose(args: readonly string[], timeout = COMMAND_MS, input?: string): Promise<ExecResult> {
    const { project, folder, files, options } = this.#project;
    const profiles = (options.profiles ?? []).flatMap((name) => ['--profile', name]);
    return this.docker(
      [
        'compose',
        '--project-name',
        project,
        '--project-directory',
        folder,
        ...profiles,
        ...files.flatMap((file) => ['--file', file]),
        ...args,
      ],
      timeout,
      input,
    );
  }

  /** A command of docker. @param timeout in milliseconds @throws {CommandError} */
  docker(args: readonly string[], timeout = COMMAND_MS, input?: string): Promise<ExecResult> {
    const env = { ...process.env, ...this.#project.options.env };
    return runCommand(['docker', ...args], {
      env,
      timeout,
      maxOutput: OUTPUT_BYTES,
      ...(input !== undefined && { input }),
    });
  }
}

/** What a person is told of a command that failed. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof CommandError)) return String(error);
  if (error.reason === 'not-found')
    return 'docker is not here: install a container engine with docker compose 2.24.4 or newer';
  const said = error.stderr.trim().split('\n').slice(-3).join(' ');
  if (said !== '') return said;
  return error.code === undefined ? error.reason : `exit code ${error.code}`;
}
