/**
 * One compose project: the one place that speaks to `docker compose` for a stack.
 *
 * The docker-compose package serves the single commands; it can neither be stopped nor given a
 * deadline and costs half a second a call, so what streams, polls or must be stopped goes through
 * `docker()`. Both fail with an EngineError.
 */
import * as dockerCompose from 'docker-compose';
import type { ComposeSpecification, IDockerComposeOptions, IDockerComposeResult } from 'docker-compose';
import type { Driver, Inspected, Lacks } from './driver.ts';
import { classify, docker, EngineError, type DockerOptions } from './engine.ts';
import { lastLines, run } from './run.ts';

export type { Inspected } from './driver.ts';

/** The environment by which the runner tells a scenario which project it is about. */
export const PROJECT_VARIABLE = 'SIDECAR_STACKS_PROJECT';

export interface ProjectOptions {
  /** Compose's project name. */
  readonly name: string;
  /** The folder of the stack. */
  readonly dir: string;
  /** Added to this process's environment: the published ports, say. */
  readonly env?: Readonly<Record<string, string>>;
}

const SHORT = { timeoutMs: 30_000 };

export class Project implements Driver {
  /** Compose does everything that a scenario may need. */
  readonly lacks: Lacks = {};
  readonly name: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;

  constructor({ name, dir, env = {} }: ProjectOptions) {
    this.name = name;
    this.dir = dir;
    this.env = env;
  }

  /** `docker compose -p NAME ARGS…`, stoppable; resolves with its standard output. */
  compose(args: readonly string[], options: DockerOptions = {}): Promise<string> {
    return docker(['compose', '--progress', 'plain', '-p', this.name, ...args], {
      cwd: this.dir,
      env: { ...this.env },
      ...options,
    });
  }

  /** Start everything (or some services) and wait until it is healthy. */
  async up(services: readonly string[] = [], options: DockerOptions = {}): Promise<void> {
    await this.compose(['up', '--detach', '--wait', '--quiet-pull', ...services], options);
  }

  /** Stop and remove everything, volumes too. */
  async down(options: DockerOptions = {}): Promise<void> {
    await this.compose(['down', '--volumes', '--remove-orphans'], options);
  }

  /** The project as compose resolves it. */
  async config(): Promise<ComposeSpecification> {
    const { data } = await wrapped('config', () => dockerCompose.config(optionsOf(this)));
    return data.config as unknown as ComposeSpecification;
  }

  /** Stop one service's container, as an operator would: its restart policy leaves it stopped. */
  async stop(service: string): Promise<void> {
    await this.compose(['stop', service], { timeoutMs: 60_000 });
  }

  /** Start a service again, its dependencies left alone, and wait until it is healthy. */
  async start(service: string): Promise<void> {
    await this.compose(['up', '--detach', '--no-deps', '--no-recreate', '--wait', service], { timeoutMs: 60_000 });
  }

  /**
   * Run a one-off container of a service.
   * @returns its standard output
   */
  async run(service: string, args: readonly string[]): Promise<string> {
    return this.compose(['run', '--rm', '-T', '--no-deps', service, ...args], {
      timeoutMs: 60_000,
      subject: `run ${args[0] ?? ''} in service ${service}`,
    });
  }

  /**
   * Run a program in a service's running container.
   * @returns its standard output
   */
  async exec(
    service: string,
    args: readonly string[],
    { user, ...options }: DockerOptions & { user?: string } = {},
  ): Promise<string> {
    const id = await this.id(service);
    const flags = [
      ...(user === undefined ? [] : ['--user', user]),
      ...(options.input === undefined ? [] : ['--interactive']),
    ];
    return docker(['exec', ...flags, id, ...args], {
      timeoutMs: 30_000,
      subject: `${args[0]} in service ${service}`,
      ...options,
    });
  }

  /**
   * End every process of a service that its user may end, but its init: what a crash looks like.
   * Only for a container with a pid namespace of its own.
   */
  async crash(service: string): Promise<void> {
    await this.exec(service, ['bash', '-c', 'kill -KILL -1']).catch((error: unknown) => {
      // The container may be gone before the engine can tell how the command ended.
      if (!(error instanceof EngineError) || error.reason !== 'failed') throw error;
    });
  }

  async kill(service: string): Promise<void> {
    await docker(['kill', '--signal', 'KILL', await this.id(service)], SHORT);
  }

  async launch(service: string): Promise<void> {
    await docker(['start', await this.id(service)], SHORT);
  }

  async rerun(service: string): Promise<void> {
    await docker(['start', '--attach', await this.id(service)], { timeoutMs: 60_000 });
  }

  async pause(service: string): Promise<void> {
    await docker(['pause', await this.id(service)], SHORT);
  }

  async unpause(service: string): Promise<void> {
    await docker(['unpause', await this.id(service)], SHORT);
  }

  async cut(service: string, network: string): Promise<void> {
    await docker(['network', 'disconnect', `${this.name}_${network}`, await this.id(service)], SHORT);
  }

  async heal(service: string, network: string): Promise<void> {
    await docker(['network', 'connect', `${this.name}_${network}`, await this.id(service)], SHORT);
  }

  /** The container's id of a service. */
  async id(service: string): Promise<string> {
    const found = await docker(
      [
        'ps',
        '--all',
        '--quiet',
        '--no-trunc',
        '--latest',
        ...ofProject(this.name),
        '--filter',
        `label=com.docker.compose.service=${service}`,
        '--filter',
        'label=com.docker.compose.oneoff=False',
      ],
      { timeoutMs: 30_000 },
    );
    if (found === '') throw new Error(`service ${service} of project ${this.name} has no container`);
    return found.split('\n')[0]!;
  }

  async inspect(service: string): Promise<Inspected> {
    const [found] = JSON.parse(await docker(['inspect', await this.id(service)], { timeoutMs: 30_000 })) as Inspected[];
    return found!;
  }

  /** Every container of the project, running or not. */
  async containers(): Promise<Inspected[]> {
    const ids = await docker(['ps', '--all', '--quiet', ...ofProject(this.name)], { timeoutMs: 30_000 });
    if (ids === '') return [];
    return JSON.parse(await docker(['inspect', ...ids.split('\n')], { timeoutMs: 30_000 })) as Inspected[];
  }

  /** The address on this machine at which a container's port is published, `127.0.0.1:32768`. */
  async port(service: string, port: number): Promise<string> {
    const { data } = await wrapped('port', () => dockerCompose.port(service, port, optionsOf(this)));
    return `${data.address}:${data.port}`;
  }

  /** The last lines that a container wrote, stdout and stderr together. */
  async logs(container: string, tail: number | 'all' = 'all'): Promise<string> {
    return containerLogs(container, tail);
  }
}

/**
 * Filters of `docker ps` for the containers that compose made for a project. Not by the project's label
 * alone: an image that compose built carries it too, and so does whatever is started from that image.
 * The hash of its configuration compose gives to containers only, and goes by it as well.
 */
export const ofProject = (project: string): string[] => [
  '--filter',
  `label=com.docker.compose.project=${project}`,
  '--filter',
  'label=com.docker.compose.config-hash',
];

/** The service that a container belongs to. */
export const serviceOf = (container: Inspected): string =>
  container.Config.Labels['com.docker.compose.service'] ?? container.Name.slice(1);

/**
 * What a container wrote, stdout and stderr in the order of its lines. `docker logs` splits them
 * between its own two, so it is run by a shell whose script is fixed: the container is an argument.
 */
async function containerLogs(container: string, tail: number | 'all'): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'exec docker logs --tail "$1" "$2" 2>&1', 'sh', String(tail), container]);
  return stdout;
}

/** How the docker-compose package is told of a project. */
const optionsOf = ({ name, dir, env }: Project): IDockerComposeOptions => ({
  cwd: dir,
  env: { ...process.env, ...env },
  composeOptions: [['--project-name', name]],
});

/** docker-compose rejects with a plain object; make it an EngineError. */
async function wrapped<T extends IDockerComposeResult>(command: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { exitCode, err } = error as { exitCode?: number | null; err?: string };
    if (err === undefined) throw error;
    throw new EngineError(classify(err, exitCode ?? null), ['compose', command], exitCode ?? null, lastLines(err, 15));
  }
}
