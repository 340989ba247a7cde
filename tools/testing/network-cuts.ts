/** Services that are taken out of their networks, as when a cable is pulled, and put back. */
import type { Engine } from './engine.ts';
import { StackError } from './stack.ts';

interface Attachment {
  readonly network: string;
  readonly aliases: readonly string[];
  readonly address: string;
}

interface Inspected {
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly Aliases: string[] | null; readonly IPAddress: string }>>;
  };
  readonly HostConfig: { readonly NetworkMode: string };
}

/** Which services of a project are cut off, and how they were attached. */
export class NetworkCuts {
  readonly #engine: Engine;
  readonly #cut = new Map<string, { container: string; attachments: Attachment[] }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Take a service out of all its networks. */
  async cut(service: string): Promise<void> {
    if (this.#cut.has(service)) return;
    const container = await this.#networkOwner(service);
    const inspected = JSON.parse((await this.#engine.docker(['inspect', container])).stdout) as Inspected[];
    const networks = Object.entries(inspected[0]?.NetworkSettings.Networks ?? {});
    const attachments = networks.map(([network, { Aliases, IPAddress }]) => ({
      network,
      aliases: Aliases ?? [],
      address: IPAddress,
    }));
    this.#cut.set(service, { container, attachments });
    for (const { network } of attachments)
      await this.#engine.docker(['network', 'disconnect', '--force', network, container]);
  }

  /** Attach it again, under its names and, where the engine allows it, with its address. */
  async heal(service: string): Promise<void> {
    const was = this.#cut.get(service);
    if (!was) return;
    for (const { network, aliases, address } of was.attachments) {
      const names = aliases.flatMap((alias) => ['--alias', alias]);
      const connect = (...more: string[]): Promise<unknown> =>
        this.#engine.docker(['network', 'connect', ...names, ...more, network, was.container]);
      // The engine gives a fixed address only on networks whose subnet the user chose.
      await connect(...(address === '' ? [] : ['--ip', address])).catch(() => connect());
    }
    this.#cut.delete(service);
  }

  /** The container whose network a service is in: its own, or the one it joined. */
  async #networkOwner(service: string): Promise<string> {
    let container =
      (await this.#engine.compose(['ps', '--all', '--quiet', service])).stdout.trim().split('\n')[0] ?? '';
    if (container === '') throw new StackError('cut', `${service} has no container`);
    for (let depth = 0; depth < 5; depth++) {
      const [inspected] = JSON.parse((await this.#engine.docker(['inspect', container])).stdout) as Inspected[];
      const joined = /^container:(.+)$/.exec(inspected?.HostConfig.NetworkMode ?? '')?.[1];
      if (joined === undefined) return container;
      container = joined;
    }
    return container;
  }
}
