/** docker compose on a project with its sidecars. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { CommandError, runCommand } from '#kit/process/command.ts';
import type { CommandContext } from '../command/command.ts';
import { docker, inTerminal } from '../command/docker.ts';
import { Refusal } from '../bundled/refusal.ts';
import { composeFiles, INJECTED } from '../inject/files.ts';
import { recreate } from './recreate.ts';

/** What names a project, as docker compose has it. */
export interface ProjectFlags {
  readonly file?: readonly string[];
  readonly 'project-name'?: string;
  readonly profile?: readonly string[];
}

/** For what neither builds nor starts anything, in milliseconds. */
const ANSWER = 60_000;
const MAX_OUTPUT = 32 * 1024 * 1024;

/** One project; every call names all of its files. */
export class Compose {
  readonly #context: CommandContext;
  readonly #flags: ProjectFlags;
  readonly #files: readonly string[];
  /** The project's name, where nothing else of it can be used. */
  #alone: string | undefined;

  /** @throws {Refusal} where there is no compose file */
  constructor(flags: ProjectFlags, context: CommandContext) {
    this.#context = context;
    this.#flags = flags;
    this.#files = composeFiles(context.folder, flags.file ?? [], context.environment);
  }

  /** The written file, where there is one. */
  get #written(): string | undefined {
    const path = join(dirname(resolve(this.#context.folder, this.#files[0]!)), INJECTED);
    return existsSync(path) ? relative(this.#context.folder, path) : undefined;
  }

  /** Compose, with the written file where there is one. */
  #argv(args: readonly string[], injected?: string): string[] {
    if (this.#alone !== undefined) return ['docker', 'compose', '--project-name', this.#alone, ...args];
    const { 'project-name': name, profile = [] } = this.#flags;
    const last = injected ?? this.#written;
    const files = [...this.#files, ...(last === undefined ? [] : [last])];
    return [
      'docker',
      'compose',
      ...files.flatMap((file) => ['--file', file]),
      ...(name === undefined ? [] : ['--project-name', name]),
      ...profile.flatMap((each) => ['--profile', each]),
      ...args,
    ];
  }

  /**
   * For what is done with containers that run. Where compose refuses the written file, since the project below it has
   * changed, they are found by the project's name alone.
   */
  async settled(): Promise<this> {
    if (this.#written === undefined) return this;
    try {
      await this.ask('config', '--quiet');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const name = this.#flags['project-name'] ?? ((await this.config(undefined)) as { name: string }).name;
      this.#context.err(
        `${INJECTED} does not fit your files any more; up writes it anew. Compose says:\n  ${error.message}\n\n`,
      );
      this.#alone = name;
    }
    return this;
  }

  /** Make a service's container anew. @throws {Refusal} where the files cannot be used */
  async recreate(service: string): Promise<void> {
    if (this.#alone !== undefined) throw new Refusal('compose', `npx sidecar-stacks up makes it anew`);
    await recreate((...args) => this.ask(...args), service);
  }

  /** The command line for people, from `docker` on. */
  line(...args: string[]): string {
    return this.#argv(args).join(' ').replaceAll('--file', '-f');
  }

  /** Run with this terminal. @returns the exit code */
  async run(...args: string[]): Promise<number> {
    try {
      return await inTerminal(this.#argv(args), this.#context);
    } catch (error) {
      throw missing(error as Error);
    }
  }

  /** What compose answers. @throws {Refusal} with its own words where it refuses */
  async ask(...args: string[]): Promise<string> {
    return this.#answer(this.#argv(args));
  }

  /** The project's name, as compose has it. */
  async name(): Promise<string> {
    if (this.#alone !== undefined) return this.#alone;
    const { name } = JSON.parse(await this.ask('config', '--format', 'json')) as { name: string };
    return name;
  }

  /** The project as compose reads it, with a text over it that is not written yet; undefined for the project alone. */
  async config(override: string | undefined): Promise<unknown> {
    const args = ['--profile', '*', 'config', '--format', 'json'];
    if (override === undefined) {
      const [program, compose] = this.#argv([]);
      const files = this.#files.flatMap((file) => ['--file', file]);
      return JSON.parse(await this.#answer([program!, compose!, ...files, ...args]));
    }
    return JSON.parse(await this.#answer(this.#argv(args, '-'), override));
  }

  /** Stop and remove containers of services, also of those that the project's files do not name any more. */
  async remove(project: string, services: readonly string[]): Promise<void> {
    const { environment } = this.#context;
    const ids = await Promise.all(
      services.map((service) => {
        const labels = [`project=${project}`, `service=${service}`];
        return docker(
          ['ps', '--all', '--quiet', ...labels.flatMap((each) => ['--filter', `label=com.docker.compose.${each}`])],
          { environment },
        );
      }),
    );
    const found = ids.flatMap((each) => each.split('\n').filter((id) => id !== ''));
    if (found.length === 0) return;
    await docker(['stop', ...found], { environment });
    await docker(['rm', '--force', ...found], { environment });
  }

  async #answer(argv: readonly string[], input?: string): Promise<string> {
    const { folder, environment } = this.#context;
    try {
      const options = { cwd: folder, env: environment, timeout: ANSWER, maxOutput: MAX_OUTPUT };
      return (await runCommand(argv, { ...options, ...(input !== undefined && { input }) })).stdout;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.reason === 'not-found') throw missing(error);
      throw new Refusal('compose', (error.stderr.trim() || error.message).split('\n').slice(-5).join('\n'));
    }
  }
}

const missing = (error: Error): Refusal =>
  new Refusal('no-compose', `docker compose does not start (${error.message}): install docker and its compose plugin`);
