/** A stack that podman plays, as its scenario speaks to it: every command goes into the container that podman runs in. */
import type { ComposeSpecification } from 'docker-compose';
import { eventually } from '#kit/testing/eventually.ts';
import { Project, type ProjectOptions } from '../lib/compose.ts';
import type { Driver, Inspected, Lacks } from '../lib/driver.ts';
import { docker, EngineError, type DockerOptions } from '../lib/engine.ts';
import type { Layout, PlacedService } from './layout.ts';
import { runArguments } from './manifests.ts';

const LACKS: Lacks = {
  'start-order':
    'podman kube play starts the containers of a pod side by side: it does not know native sidecars (containers/podman#25157)',
  'log-driver':
    'podman keeps what containers write in files, as a node does: it has no logging driver that sends it on (fluentd)',
  'own-cgroup':
    'where control groups are of version 1, a container of podman in a container sees those of the whole engine, not its own',
  compose: 'it is about docker compose: kube play replaces a pod as a whole, and plays none a second time',
};

const SHORT = { timeoutMs: 30_000 };
const LONG = { timeoutMs: 60_000 };

/** Run podman in its container; resolves with its standard output. */
export const podman = (engine: string, args: readonly string[], options: DockerOptions = {}): Promise<string> =>
  docker(['exec', ...(options.input === undefined ? [] : ['--interactive']), engine, 'podman', ...args], options);

export class PodmanProject implements Driver {
  readonly lacks = LACKS;
  readonly name: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #options: ProjectOptions;
  readonly #layout: Layout;
  readonly #said = new Map<string, readonly string[]>();

  constructor(options: ProjectOptions, layout: Layout) {
    this.name = options.name;
    this.dir = options.dir;
    this.env = options.env ?? {};
    this.#options = options;
    this.#layout = layout;
  }

  async exec(
    service: string,
    args: readonly string[],
    { user, ...options }: DockerOptions & { user?: string } = {},
  ): Promise<string> {
    const flags = [
      ...(user === undefined ? [] : ['--user', user]),
      ...(options.input === undefined ? [] : ['--interactive']),
    ];
    return this.#podman(['exec', ...flags, this.#at(service).inside, ...args], {
      ...SHORT,
      subject: `${args[0]} in service ${service}`,
      ...options,
    });
  }

  async run(service: string, args: readonly string[]): Promise<string> {
    const { spec, pod } = this.#at(service);
    if (!spec) throw new Error(`service ${service} has no container of its own`);
    const { volumes } = this.#layout.pods[pod]!;
    return this.#podman([...runArguments(spec, volumes, this.#layout.network), ...args], {
      ...LONG,
      subject: `run ${args[0] ?? ''} in service ${service}`,
    });
  }

  logs(container: string, tail: number | 'all' = 'all'): Promise<string> {
    // podman splits the two outputs as docker does; a shell whose script is fixed joins them.
    const number = tail === 'all' ? '-1' : String(tail);
    return docker(
      ['exec', this.#layout.engine, 'sh', '-c', 'exec podman logs --tail "$1" "$2" 2>&1', 'sh', number, container],
      SHORT,
    );
  }

  async id(service: string): Promise<string> {
    return (await this.inspect(service)).Id;
  }

  async inspect(service: string): Promise<Inspected> {
    const [found] = await this.#inspect([service]);
    return found!;
  }

  containers(): Promise<Inspected[]> {
    return this.#inspect(Object.keys(this.#layout.services));
  }

  async port(service: string, port: number): Promise<string> {
    const { services = {} } = await this.config();
    for (const each of (services[service]?.ports ?? []) as { target: number; published: string }[])
      if (each.target === port) return `127.0.0.1:${each.published}`;
    throw new Error(`service ${service} does not publish ${port}`);
  }

  /** From outside: the first process of a container that has no init cannot be ended from inside. */
  async crash(service: string): Promise<void> {
    const { State } = await this.inspect(service);
    await docker(['exec', this.#layout.engine, 'bash', '-c', 'kill -KILL "$1"', 'bash', String(State.Pid)], SHORT);
  }

  async kill(service: string): Promise<void> {
    await this.#podman(['kill', '--signal', 'KILL', this.#at(service).container], SHORT);
  }

  async stop(service: string): Promise<void> {
    await this.#podman(['stop', this.#at(service).container], LONG);
  }

  async start(service: string): Promise<void> {
    await this.launch(service);
    await this.healthy(service);
  }

  async launch(service: string): Promise<void> {
    await this.#podman(['start', this.#at(service).container], SHORT);
  }

  async rerun(service: string): Promise<void> {
    await this.#podman(['start', '--attach', this.#at(service).container], LONG);
  }

  async pause(service: string): Promise<void> {
    await this.#podman(['pause', this.#at(service).container], SHORT);
  }

  async unpause(service: string): Promise<void> {
    await this.#podman(['unpause', this.#at(service).container], SHORT);
  }

  /** A pod has one network here: so the way to those of the other's pods is closed. */
  async cut(service: string, network: string): Promise<void> {
    await this.#routes(service, network, 'add');
  }

  async heal(service: string, network: string): Promise<void> {
    await this.#routes(service, network, 'del');
  }

  compose(args: readonly string[]): Promise<string> {
    throw new Error(`docker compose ${args[0]}: this stack runs on podman; its obligation needs 'compose'`);
  }

  config(): Promise<ComposeSpecification> {
    return new Project(this.#options).config();
  }

  up(): Promise<void> {
    return this.compose(['up']).then(() => undefined);
  }

  /** podman's container has everything, its volumes too. */
  down(options: DockerOptions = {}): Promise<void> {
    return new Project(this.#options).down(options);
  }

  /** Wait until a service says that it is healthy, by its own startup probe. */
  async healthy(service: string, within = LONG.timeoutMs): Promise<void> {
    const { healthy } = this.#at(service);
    if (!healthy) return;
    await eventually(
      `${service} is healthy`,
      async () => {
        try {
          await this.exec(service, healthy);
          return true;
        } catch (error) {
          if (error instanceof EngineError && error.reason === 'failed') return false;
          throw error;
        }
      },
      { within, every: 100 },
    );
  }

  async #routes(service: string, network: string, what: 'add' | 'del'): Promise<void> {
    const own = this.#at(service).pod;
    const others = Object.entries(this.#layout.pods).filter(
      ([name, { networks }]) => name !== own && networks.includes(network),
    );
    const infra = this.#layout.pods[own]!.infra;
    const found = JSON.parse(
      await this.#podman(['inspect', infra, ...others.map(([, each]) => each.infra)], SHORT),
    ) as Inspected[];
    const [{ State }, ...rest] = found as [Inspected, ...Inspected[]];
    const addresses = rest.flatMap(({ NetworkSettings }) =>
      Object.values(NetworkSettings.Networks).flatMap(({ IPAddress }) => (IPAddress === '' ? [] : [IPAddress])),
    );
    const script = 'for to in "${@:3}"; do nsenter -t "$1" -n ip route "$2" unreachable "$to"; done';
    await docker(
      ['exec', this.#layout.engine, 'bash', '-ec', script, 'bash', String(State.Pid), what, ...addresses],
      SHORT,
    );
  }

  /** As the engine would tell of containers that compose made. */
  async #inspect(services: readonly string[]): Promise<Inspected[]> {
    const found = JSON.parse(
      await this.#podman(['inspect', ...services.map((service) => this.#at(service).container)], SHORT),
    ) as Inspected[];
    const images = await this.#environments(found.map(({ Image }) => Image));
    return found.map((container, index) => {
      const service = services[index]!;
      const said = new Set([
        ...images.get(container.Image)!,
        ...((this.#at(service).spec?.['env'] ?? []) as { name: string }[]).map(({ name }) => name),
      ]);
      const labels = {
        'com.docker.compose.service': service,
        'com.docker.compose.project': this.name,
        'dev.sidecar-stacks.role': this.#at(service).role,
      };
      return {
        ...container,
        Name: `/${this.name}-${service}-1`,
        // As docker tells it.
        Image: `sha256:${container.Image.replace(/^sha256:/, '')}`,
        Config: {
          ...container.Config,
          Env: container.Config.Env.filter((each) => said.has(each.split('=')[0]!)),
          Labels: { ...container.Config.Labels, ...labels },
        },
      };
    });
  }

  /** Names of the variables that images say; podman tells those that it adds itself among a container's. */
  async #environments(images: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const missing = [...new Set(images)].filter((id) => !this.#said.has(id));
    if (missing.length > 0) {
      const found = JSON.parse(await this.#podman(['image', 'inspect', ...missing], SHORT)) as {
        Config: { Env?: readonly string[] };
      }[];
      for (const [index, id] of missing.entries())
        this.#said.set(
          id,
          (found[index]!.Config.Env ?? []).map((each) => each.split('=')[0]!),
        );
    }
    return this.#said;
  }

  #at(service: string): PlacedService {
    const found = this.#layout.services[service];
    if (!found) throw new Error(`service ${service} of project ${this.name} has no container`);
    return found;
  }

  #podman(args: readonly string[], options: DockerOptions): Promise<string> {
    return podman(this.#layout.engine, args, options);
  }
}
