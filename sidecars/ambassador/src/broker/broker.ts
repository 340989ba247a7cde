/** All services of the file: each keeps its port and its connections while the file changes around it. */
import type { Service } from './document.ts';
import { BrokeredService, type ServiceEnvironment } from './service.ts';

export class Broker {
  readonly #environment: ServiceEnvironment;
  readonly #services = new Map<string, BrokeredService>();
  /** Those that the file no longer has, while they come to their end. */
  readonly #leaving = new Map<BrokeredService, Promise<void>>();
  readonly #onMoved: (service: string) => void;

  /** @param onMoved told of each service that got other servers */
  constructor(environment: ServiceEnvironment, onMoved: (service: string) => void) {
    this.#environment = environment;
    this.#onMoved = onMoved;
  }

  /** All whose connections may still be open. */
  *[Symbol.iterator](): Generator<BrokeredService> {
    yield* this.#services.values();
    yield* this.#leaving.keys();
  }

  /** Why some service can reach none of its servers; undefined while each can, or nobody has asked. */
  get wrong(): string | undefined {
    const wrong = [...this.#services.values()].flatMap((service) => service.wrong ?? []);
    return wrong.length === 0 ? undefined : wrong.join('; ');
  }

  /**
   * Take what the file says now, all of it or nothing.
   * @throws {ConfigurationError} when a new port cannot be had; then everything is as before
   */
  async apply(services: ReadonlyMap<string, Service>): Promise<void> {
    const opened = new Map<string, BrokeredService>();
    try {
      for (const service of services.values()) {
        if (this.#services.get(service.name)?.port === service.port) continue;
        const fresh = new BrokeredService(service, this.#environment);
        opened.set(service.name, fresh);
        await fresh.open();
      }
    } catch (error) {
      await Promise.all([...opened.values()].map((fresh) => fresh.drain(0)));
      throw error;
    }
    for (const [name, current] of this.#services) {
      const service = services.get(name);
      const fresh = opened.get(name);
      if (service !== undefined && fresh === undefined) {
        if (current.update(service)) this.#onMoved(name);
      } else {
        this.#services.delete(name);
        this.#leave(current);
      }
    }
    for (const [name, fresh] of opened) this.#services.set(name, fresh);
  }

  /**
   * Come to an end: no further connections, what was begun finished.
   * @param patience milliseconds after which the rest is cut
   */
  async drain(patience: number): Promise<void> {
    await Promise.all([...this].map((service) => service.drain(patience)));
  }

  #leave(service: BrokeredService): void {
    const end = service.drain(service.limit).finally(() => this.#leaving.delete(service));
    this.#leaving.set(service, end);
  }
}
