/** A compose project that is up, by the commands of docker compose. */
import { rmSync } from 'node:fs';
import { eventually as poll } from '#kit/testing/eventually.ts';
import { NetworkCuts } from './network-cuts.ts';
import { COMMAND_MS, Engine, reasonOf, type Project } from './engine.ts';
import { reap, type Reaper } from './reaper.ts';
import { StackError, type EventuallyOptions, type ExecResult, type Stack, type UpOptions } from './stack.ts';

interface Settings extends Project {
  /** A folder that is removed with the stack. */
  readonly scratch: string;
  readonly options: UpOptions;
}

/** Made before it is up: `up()` brings it up, or leaves nothing behind. */
export class ComposeStack implements Stack {
  readonly project: string;
  readonly #settings: Settings;
  readonly #reaper: Reaper;
  readonly #engine: Engine;
  readonly #cuts: NetworkCuts;
  #failed = false;
  #kept = false;
  #down = false;

  constructor(settings: Settings) {
    this.project = settings.project;
    this.#settings = settings;
    this.#engine = new Engine(settings);
    this.#cuts = new NetworkCuts(this.#engine);
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
      await this.#engine.compose([...args, ...(options.services ?? [])], timeout + COMMAND_MS);
    } catch (error) {
      const logs = await this.#engine.compose(['logs', '--no-color', '--tail', '20'], COMMAND_MS).then(
        ({ stdout }) => stdout,
        () => '',
      );
      this.#failed = true;
      await this[Symbol.asyncDispose]();
      throw new StackError('up', `${this.project} did not come up: ${reasonOf(error)}`, logs, error);
    }
  }

  async port(service: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
    const { stdout } = await this.#engine
      .compose(['port', '--protocol', protocol, service, String(port)])
      .catch((error: unknown) => this.#fail('port', `port ${port} of ${service} is not published`, error));
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
    return this.#engine.compose(args, timeout, input).catch((error: unknown) =>
      // Not its arguments: a password may be among them.
      this.#fail('exec', `${command[0] ?? 'a command'} in ${service} failed`, error),
    );
  }

  async logs(service?: string): Promise<string> {
    const { stdout } = await this.#engine.compose([
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

  cut = (service: string): Promise<void> => this.#cuts.cut(service);
  heal = (service: string): Promise<void> => this.#cuts.heal(service);

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
      await this.#engine.compose(['down', '--volumes', '--remove-orphans', '--timeout', '5']);
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

  async #act(reason: string, args: readonly string[]): Promise<void> {
    await this.#engine.compose(args).catch((error: unknown) => this.#fail(reason, args.join(' '), error));
  }

  #fail(reason: string, what: string, error: unknown): never {
    this.#failed = true;
    throw new StackError(reason, `${what}: ${reasonOf(error)}`);
  }
}
