/** Compose projects as fixtures of integration tests: up, looked at, made to fail, and gone again. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { isolation } from './isolate.ts';
import { reap, type Reaper } from './reaper.ts';
import { eventually as poll } from '#kit/testing/eventually.ts';

export interface UpOptions {
  /** Only these services and what they depend on; all when absent. */
  readonly services?: readonly string[];
  /** Variables for the compose files, besides the process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Compose profiles to enable. */
  readonly profiles?: readonly string[];
  /** How long until everything is running and healthy, in milliseconds; 120,000 unless told. */
  readonly timeout?: number;
  /** Build images first; true unless told. */
  readonly build?: boolean;
  /**
   * Leave everything up when something of this stack failed (`up` itself, `exec`, or `eventually`), and
   * say how to look at it. A test framework's own assertions are not seen: end a failing test with
   * `stack.keep()`.
   */
  readonly keepOnFailure?: boolean;
  /** Beginning of the project's name; the folder's unless told. The rest is random. */
  readonly name?: string;
}

export interface EventuallyOptions {
  /** Deadline in milliseconds; 20,000 unless told. */
  readonly within?: number;
  /** Pause between two looks in milliseconds; 100 unless told. */
  readonly every?: number;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** A stack did not come up, or a command on it failed. */
export class StackError extends Error {
  override readonly name = 'StackError';
  /** `up`, `exec`, `port`, `engine`, … */
  readonly reason: string;
  /** The last log lines of every container, when the stack did not come up. */
  readonly logs: string;
  constructor(reason: string, message: string, logs = '', cause?: unknown) {
    super(logs === '' ? message : `${message}\n${logs}`, { cause });
    this.reason = reason;
    this.logs = logs;
  }
}

/** A running compose project. `await using` takes it down at the end of its scope. */
export interface Stack extends AsyncDisposable {
  /** The compose project's name. */
  readonly project: string;
  /** Number of the port of this machine under which a service's port is published. */
  port(service: string, port: number, protocol?: 'tcp' | 'udp'): Promise<number>;
  /** `http://127.0.0.1:PORT` of a published port. */
  url(service: string, port: number, scheme?: string): Promise<string>;
  /** Run a command in a service's container. @throws {StackError} when it fails */
  exec(
    service: string,
    command: readonly string[],
    options?: { input?: string; timeout?: number; user?: string },
  ): Promise<ExecResult>;
  /** What a service, or all of them, wrote so far: stdout and stderr. */
  logs(service?: string): Promise<string>;
  /** Send a signal to a service's process; SIGKILL unless told. Its restart policy does not bring it back. */
  kill(service: string, signal?: string): Promise<void>;
  start(service: string): Promise<void>;
  stop(service: string): Promise<void>;
  restart(service: string): Promise<void>;
  pause(service: string): Promise<void>;
  unpause(service: string): Promise<void>;
  /** Take a service out of all its networks: connections hang, as when a cable is pulled. */
  cut(service: string): Promise<void>;
  /** Put it back, under its names and with its address. */
  heal(service: string): Promise<void>;
  /** Wait until a look returns something other than undefined, null or false without throwing. */
  eventually<T>(
    what: string,
    look: () => T | Promise<T>,
    options?: EventuallyOptions,
  ): Promise<Exclude<T, undefined | null | false>>;
  /** Leave everything up at the end. */
  keep(): void;
  /** Take everything down now. */
  down(): Promise<void>;
}

const COMMAND_MS = 60_000;
const OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Bring a compose project up under a name of its own, with free ports, and wait until it is healthy.
 * It is taken down by the end of the scope (`await using`), and when the test process is killed.
 * @param files a compose file, or several that are laid over each other; relative to the working directory
 * @throws {StackError} with the containers' last log lines when it does not come up
 */
export async function up(files: string | readonly string[], options: UpOptions = {}): Promise<Stack> {
  const list = (typeof files === 'string' ? [files] : files).map((file) => resolve(file));
  const [first] = list;
  if (first === undefined) throw new StackError('up', 'no compose file was given');
  const folder = dirname(first);
  const base =
    (options.name ?? basename(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '')
      .replace(/^[^a-z0-9]+/, '') || 'stack';
  const project = `${base}-${randomBytes(4).toString('hex')}`;
  const scratch = mkdtempSync(join(tmpdir(), 'sidecar-stacks-'));
  const text = isolation(list, folder);
  const all = [...list];
  if (text !== undefined) {
    const file = join(scratch, 'isolation.yaml');
    writeFileSync(file, text);
    all.push(file);
  }
  const stack = new ComposeStack({ project, folder, files: all, scratch, options });
  await stack.up();
  return stack;
}

interface Settings {
  readonly project: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly scratch: string;
  readonly options: UpOptions;
}

interface Attachment {
  readonly network: string;
  readonly aliases: readonly string[];
  readonly address: string;
}

class ComposeStack implements Stack {
  readonly project: string;
  readonly #settings: Settings;
  readonly #reaper: Reaper;
  readonly #cut = new Map<string, { container: string; attachments: Attachment[] }>();
  #failed = false;
  #kept = false;
  #down = false;

  constructor(settings: Settings) {
    this.project = settings.project;
    this.#settings = settings;
    this.#reaper = reap(settings.project);
  }

  async up(): Promise<void> {
    const { options } = this.#settings;
    const timeout = options.timeout ?? 120_000;
    const args = [
      'up',
      '--detach',
      '--wait',
      '--wait-timeout',
      String(Math.ceil(timeout / 1000)),
      ...(options.build === false ? [] : ['--build']),
    ];
    try {
      await this.#compose([...args, ...(options.services ?? [])], timeout + COMMAND_MS);
    } catch (error) {
      const logs = await this.#compose(['logs', '--no-color', '--tail', '20'], COMMAND_MS).then(
        ({ stdout }) => stdout,
        () => '',
      );
      this.#failed = true;
      await this[Symbol.asyncDispose]();
      throw new StackError('up', `${this.project} did not come up: ${reasonOf(error)}`, logs, error);
    }
  }

  async port(service: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
    const { stdout } = await this.#compose(['port', '--protocol', protocol, service, String(port)]).catch(
      (error: unknown) => this.#fail('port', `port ${port} of ${service} is not published`, error),
    );
    const number = Number(stdout.trim().split(':').at(-1));
    if (!(number > 0)) throw new StackError('port', `port ${port} of ${service} is not published`);
    return number;
  }

  async url(service: string, port: number, scheme = 'http'): Promise<string> {
    return `${scheme}://127.0.0.1:${await this.port(service, port)}`;
  }

  exec(
    service: string,
    command: readonly string[],
    { input, timeout, user }: { input?: string; timeout?: number; user?: string } = {},
  ): Promise<ExecResult> {
    const args = ['exec', '--no-TTY', ...(user === undefined ? [] : ['--user', user]), service, ...command];
    return this.#compose(args, timeout, input).catch((error: unknown) =>
      // Not its arguments: a password may be among them.
      this.#fail('exec', `${command[0] ?? 'a command'} in ${service} failed`, error),
    );
  }

  async logs(service?: string): Promise<string> {
    const { stdout } = await this.#compose([
      'logs',
      '--no-color',
      '--no-log-prefix',
      ...(service === undefined ? [] : [service]),
    ]);
    return stdout;
  }

  async kill(service: string, signal = 'SIGKILL'): Promise<void> {
    await this.#act('kill', ['kill', '--signal', signal, service]);
  }
  start = (service: string): Promise<void> => this.#act('start', ['start', service]);
  stop = (service: string): Promise<void> => this.#act('stop', ['stop', service]);
  restart = (service: string): Promise<void> => this.#act('restart', ['restart', service]);
  pause = (service: string): Promise<void> => this.#act('pause', ['pause', service]);
  unpause = (service: string): Promise<void> => this.#act('unpause', ['unpause', service]);

  async cut(service: string): Promise<void> {
    if (this.#cut.has(service)) return;
    const container = await this.#networkOwner(service);
    const inspected = JSON.parse((await this.#docker(['inspect', container])).stdout) as Inspected[];
    const networks = Object.entries(inspected[0]?.NetworkSettings.Networks ?? {});
    const attachments = networks.map(([network, { Aliases, IPAddress }]) => ({
      network,
      aliases: Aliases ?? [],
      address: IPAddress,
    }));
    this.#cut.set(service, { container, attachments });
    for (const { network } of attachments) await this.#docker(['network', 'disconnect', '--force', network, container]);
  }

  async heal(service: string): Promise<void> {
    const was = this.#cut.get(service);
    if (!was) return;
    for (const { network, aliases, address } of was.attachments)
      await this.#docker([
        'network',
        'connect',
        ...aliases.flatMap((alias) => ['--alias', alias]),
        ...(address === '' ? [] : ['--ip', address]),
        network,
        was.container,
      ]).catch(() =>
        this.#docker(['network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, was.container]),
      );
    this.#cut.delete(service);
  }

  eventually<T>(
    what: string,
    look: () => T | Promise<T>,
    { within, every = 100 }: EventuallyOptions = {},
  ): Promise<Exclude<T, undefined | null | false>> {
    return poll(what, look, { every, ...(within !== undefined && { within }) }).catch((error: unknown) => {
      this.#failed = true;
      throw error;
    });
  }

  keep(): void {
    this.#kept = true;
  }

  async down(): Promise<void> {
    if (this.#down) return;
    this.#down = true;
    try {
      await this.#compose(['down', '--volumes', '--remove-orphans', '--timeout', '5']);
      this.#reaper.release();
    } finally {
      rmSync(this.#settings.scratch, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#kept || (this.#failed && this.#settings.options.keepOnFailure)) {
      this.#reaper.release();
      process.stderr.write(
        `${this.project} is left up: docker compose -p ${this.project} logs; docker compose -p ${this.project} down --volumes\n`,
      );
      return;
    }
    await this.down();
  }

  /** The container whose network a service is in: its own, or the one it joined. */
  async #networkOwner(service: string): Promise<string> {
    let container = (await this.#compose(['ps', '--all', '--quiet', service])).stdout.trim().split('\n')[0] ?? '';
    if (container === '') throw new StackError('cut', `${service} has no container`);
    for (let depth = 0; depth < 5; depth++) {
      const [inspected] = JSON.parse((await this.#docker(['inspect', container])).stdout) as Inspected[];
      const joined = /^container:(.+)$/.exec(inspected?.HostConfig.NetworkMode ?? '')?.[1];
      if (joined === undefined) return container;
      container = joined;
    }
    return container;
  }

  async #act(reason: string, args: readonly string[]): Promise<void> {
    await this.#compose(args).catch((error: unknown) => this.#fail(reason, args.join(' '), error));
  }

  #fail(reason: string, what: string, error: unknown): never {
    this.#failed = true;
    throw new StackError(reason, `${what}: ${reasonOf(error)}`);
  }

  #compose(args: readonly string[], timeout = COMMAND_MS, input?: string): Promise<ExecResult> {
    const { project, folder, files, options } = this.#settings;
    const profiles = (options.profiles ?? []).flatMap((name) => ['--profile', name]);
    return this.#docker(
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

  #docker(args: readonly string[], timeout = COMMAND_MS, input?: string): Promise<ExecResult> {
    const env = { ...process.env, ...this.#settings.options.env };
    return runCommand(['docker', ...args], {
      env,
      timeout,
      maxOutput: OUTPUT_BYTES,
      ...(input !== undefined && { input }),
    });
  }
}

interface Inspected {
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly Aliases: string[] | null; readonly IPAddress: string }>>;
  };
  readonly HostConfig: { readonly NetworkMode: string };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof CommandError)) return String(error);
  if (error.reason === 'not-found')
    return 'docker is not here: install a container engine with docker compose 2.24.4 or newer';
  const said = error.stderr.trim().split('\n').slice(-3).join(' ');
  if (said !== '') return said;
  return error.code === undefined ? error.reason : `exit code ${error.code}`;
}
