/** A stack on a cluster, as its scenario speaks to it: by kubectl, and by the node where the API has no way. */
import type { ComposeSpecification } from 'docker-compose';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { Project, type ProjectOptions } from '../lib/compose.ts';
import type { Driver, Inspected, Lacks } from '../lib/driver.ts';
import { docker, type DockerOptions } from '../lib/engine.ts';
import type { Manifest, Member } from '../lib/exported.ts';
import { containerId, inspected, NO_CONFIG, statusesOf, type Image } from './inspected.ts';
import { kubectl } from './kubectl.ts';
import type { Layout } from './layout.ts';
import { takesNames } from './names.ts';
import { Node } from './node.ts';
import { runOnce } from './one-off.ts';

const LACKS: Lacks = {
  'log-driver':
    'a node keeps what containers write in files: Kubernetes has no logging driver that sends it on (fluentd)',
  'own-cgroup': 'where control groups are of version 1, a container sees those of the whole node, not its own',
  compose: 'it is about docker compose itself',
  'same-container': 'a container that is restarted is another one in Kubernetes, with another id',
  'dotted-names': 'other pods are found by Services, whose names have no dots',
  'same-pod': 'a pod of Kubernetes is not stopped and started, it is replaced; and its init containers run once',
};

/** An image that nobody has: a container that is given it ends, and stays down until it gets its own again. */
const NO_IMAGE = 'sidecar-stacks/stopped:none';
const SHORT = { timeoutMs: 30_000 };
const LONG = { timeoutMs: 60_000 };

export class KubernetesProject implements Driver {
  readonly lacks: Lacks;
  readonly name: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #options: ProjectOptions;
  readonly #layout: Layout;
  readonly #node: Node;
  /** Services by the ids that their containers have, and had. */
  readonly #ids = new Map<string, string>();
  readonly #images = new Map<string, Promise<string>>();

  constructor(options: ProjectOptions, layout: Layout) {
    const { 'dotted-names': dotted, ...rest } = LACKS;
    this.lacks = takesNames(layout) ? rest : { ...rest, 'dotted-names': dotted! };
    this.name = options.name;
    this.dir = options.dir;
    this.env = options.env ?? {};
    this.#options = options;
    this.#layout = layout;
    this.#node = new Node(layout.node);
  }

  async exec(
    service: string,
    args: readonly string[],
    { user, ...options }: DockerOptions & { user?: string } = {},
  ): Promise<string> {
    const { pod, container } = this.#inside(service);
    const said = { ...SHORT, subject: `${args[0]} in service ${service}`, ...options };
    if (user !== undefined) return this.#node.execAs((await this.#state(service)).id, user, args, said);
    const flags = options.input === undefined ? [] : ['--stdin'];
    return this.#kubectl(['exec', pod, `--container=${container}`, '--quiet', ...flags, '--', ...args], said);
  }

  /** A pod of its own, with the volumes that outlive a pod. */
  async run(service: string, args: readonly string[]): Promise<string> {
    const { spec, pod } = this.#at(service);
    if (!spec) throw new Error(`service ${service} has no container of its own`);
    return runOnce(this.#layout, { service, pod, spec, args });
  }

  rerun(service: string): Promise<void> {
    throw new Error(`rerun ${service}: this stack runs on Kubernetes; its obligation needs 'same-pod'`);
  }

  async logs(container: string, tail: number | 'all' = 'all'): Promise<string> {
    const service = this.#serviceOf(container);
    const text = await this.#node.log(`${await this.#folderOf(service)}`);
    return tail === 'all'
      ? text
      : text
          .split('\n')
          .slice(-tail - 1)
          .join('\n');
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

  async crash(service: string): Promise<void> {
    const { pid } = await this.#state(service);
    if (pid === undefined) throw new Error(`service ${service} does not run`);
    await this.#node.kill(pid);
  }

  async kill(service: string): Promise<void> {
    const { pid } = await this.#state(service);
    await this.#setImage(service, NO_IMAGE);
    // It may have ended by then: the kubelet was told to end it.
    if (pid !== undefined) await this.#node.kill(pid).catch(() => {});
    await this.#isDown(service);
  }

  async stop(service: string): Promise<void> {
    await this.#setImage(service, NO_IMAGE);
    await this.#isDown(service);
  }

  async start(service: string): Promise<void> {
    await this.launch(service);
    await this.healthy(service);
  }

  async launch(service: string): Promise<void> {
    await this.#setImage(service, this.#at(service).spec!['image'] as string);
    await eventually(`${service} runs`, async () => (await this.#state(service)).pid !== undefined, { within: 60_000 });
  }

  async pause(service: string): Promise<void> {
    await this.#node.task('pause', (await this.#state(service)).id);
  }

  async unpause(service: string): Promise<void> {
    await this.#node.task('resume', (await this.#state(service)).id);
  }

  async cut(service: string, network: string): Promise<void> {
    await this.#routes(service, network, 'add');
  }

  async heal(service: string, network: string): Promise<void> {
    await this.#routes(service, network, 'del');
  }

  compose(args: readonly string[]): Promise<string> {
    throw new Error(`docker compose ${args[0]}: this stack runs on Kubernetes; its obligation needs 'compose'`);
  }

  config(): Promise<ComposeSpecification> {
    return new Project(this.#options).config();
  }

  up(): Promise<void> {
    return this.compose(['up']).then(() => undefined);
  }

  down(): Promise<void> {
    return this.compose(['down']).then(() => undefined);
  }

  /** Wait until a pod's containers are up, or, of one that ends, until it has ended well. */
  async settled(pod: string, ends: boolean, within: number): Promise<void> {
    await eventually(
      `pod ${pod} ${ends ? 'has ended' : 'is up'}`,
      async () => {
        const found = await this.#pod(pod);
        const { phase } = found['status'];
        if (phase === 'Failed') throw new TerminalState(`pod ${pod} has failed: ${JSON.stringify(found['status'])}`);
        if (ends) return phase === 'Succeeded';
        const lasting = [...this.#lastingOf(pod)];
        const statuses = statusesOf(found);
        return (
          phase === 'Running' &&
          lasting.every((spec) =>
            isUp(
              spec,
              statuses.find(({ name }) => name === spec['name']),
            ),
          )
        );
      },
      { within, every: 200 },
    );
  }

  /** Wait until a container is up, as compose's health check has it: its startup probe has succeeded. */
  async healthy(service: string, within = LONG.timeoutMs): Promise<void> {
    await eventually(
      `${service} is up`,
      async () => {
        const { pod, container } = this.#inside(service);
        const spec = this.#lastingOf(pod).find(({ name }) => name === container);
        const { pods } = await this.#seen();
        return isUp(
          spec ?? {},
          statusesOf(pods.get(pod)).find(({ name }) => name === container),
        );
      },
      { within, every: 100 },
    );
  }

  /** Containers of a pod that do not end: applications and sidecars. */
  #lastingOf(pod: string): Manifest[] {
    const { initContainers = [], containers } = this.#layout.pods[pod]!.manifest['spec'] as Record<string, Manifest[]>;
    return [...initContainers.filter((each) => each['restartPolicy'] === 'Always'), ...containers!];
  }

  async #isDown(service: string): Promise<void> {
    await eventually(`${service} is down`, async () => (await this.#state(service)).pid === undefined, LONG_WAIT);
  }

  /** Its grace is a pod's: a container that ends because its image has changed gets as much. */
  async #setImage(service: string, image: string): Promise<void> {
    const { pod, spec, isInit } = this.#at(service);
    if (!spec) throw new Error(`service ${service} has no container of its own`);
    const list = isInit ? 'initContainers' : 'containers';
    const patch = JSON.stringify({ spec: { [list]: [{ name: spec['name'], image }] } });
    await this.#kubectl(['patch', 'pod', pod, '--patch', patch], SHORT);
  }

  async #routes(service: string, network: string, what: 'add' | 'del'): Promise<void> {
    const own = this.#inside(service).pod;
    const others = Object.entries(this.#layout.pods).filter(
      ([name, { networks }]) => name !== own && networks.includes(network),
    );
    const found = await Promise.all(others.map(([name]) => this.#pod(name)));
    const addresses = found.flatMap(({ status }) => (status.podIP === undefined ? [] : [status.podIP as string]));
    const { pid } = await this.#state(service);
    if (pid === undefined) throw new Error(`service ${service} does not run`);
    await this.#node.routes(pid, what, addresses);
  }

  async #inspect(services: readonly string[]): Promise<Inspected[]> {
    const { pods, pids } = await this.#seen();
    return Promise.all(
      services.map(async (service) => {
        const member = this.#at(service);
        const pod = pods.get(member.pod);
        if (!pod) throw new Error(`pod ${member.pod} of service ${service} is not there`);
        const image = member.spec ? await this.#image(member.spec['image'] as string) : NO_CONFIG;
        const found = inspected(this.name, member, pod, pids, image);
        this.#ids.set(found.Id, service);
        return found;
      }),
    );
  }

  /** As this machine's engine names it, from which the node has it. */
  async #image(reference: string): Promise<Image> {
    const known = this.#images.get(reference) ?? docker(['image', 'inspect', reference], SHORT);
    this.#images.set(reference, known);
    return (JSON.parse(await known) as [Image])[0];
  }

  /** The container of a service now; of a pause service, one of its pod. `pid` undefined: it does not run. */
  async #state(service: string): Promise<{ id: string; pid: number | undefined }> {
    const { pod, container } = this.#inside(service);
    const { pods, pids } = await this.#seen();
    const own = statusesOf(pods.get(pod)).find(({ name }) => name === container);
    const id = own === undefined ? '' : containerId(own);
    return { id, pid: pids.get(id) };
  }

  /**
   * All pods as the API server has them, and running containers as the node has them. The kubelet looks once a second
   * at what runs: until both agree, what the server tells is older than what a client may have seen.
   */
  async #seen(): Promise<{ pods: ReadonlyMap<string, Manifest>; pids: ReadonlyMap<string, number> }> {
    for (let attempt = 1; ; attempt++) {
      const [pids, list] = await Promise.all([
        this.#node.running(this.name),
        this.#kubectl(['get', 'pods', '--output=json'], SHORT),
      ]);
      const pods = (JSON.parse(list) as { items: Manifest[] }).items;
      const told = pods.flatMap(statusesOf).filter(({ state }) => state?.running !== undefined);
      const agree = told.length === pids.size && told.every((each) => pids.has(containerId(each)));
      if (agree || attempt === LOOKS)
        return { pods: new Map(pods.map((pod) => [pod['metadata'].name as string, pod])), pids };
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Where the node keeps what a service's container writes. */
  async #folderOf(service: string): Promise<string> {
    const { pod, container } = this.#inside(service);
    const { metadata } = await this.#pod(pod);
    return `${this.name}_${pod}_${metadata.uid}/${container}`;
  }

  async #pod(name: string): Promise<Manifest> {
    return JSON.parse(await this.#kubectl(['get', 'pod', name, '--output=json'], SHORT)) as Manifest;
  }

  /** By its name in compose, or by an id that `inspect` gave it. */
  #serviceOf(container: string): string {
    const found = this.#layout.services[container] ? container : this.#ids.get(container);
    if (found === undefined) throw new Error(`project ${this.name} has no container ${container}`);
    return found;
  }

  /** The container of a service; of a pause service, the application's of its pod. */
  #inside(service: string): { pod: string; container: string } {
    const { pod, spec } = this.#at(service);
    const own = spec ?? this.#layout.pods[pod]!.manifest['spec'].containers[0];
    return { pod, container: own['name'] as string };
  }

  #at(service: string): Member {
    const found = this.#layout.services[service];
    if (!found) throw new Error(`service ${service} of project ${this.name} has no container`);
    return found;
  }

  #kubectl(args: readonly string[], options: DockerOptions): Promise<string> {
    return kubectl(this.#layout, args, options);
  }
}

/** Looks until server and node agree, and the milliseconds between two: what comes and goes all the time never does. */
const LOOKS = 40;
const LOOK_MS = 100;
const LONG_WAIT = { within: LONG.timeoutMs, every: 100 };

/** Whether a container has started, by its startup probe; without one, whether it is ready. */
const isUp = (spec: Manifest, status: Manifest | undefined): boolean =>
  status?.['state'].running !== undefined &&
  (spec['startupProbe'] === undefined ? status['ready'] === true : status['started'] === true);
