/** Whether replicas do their work, as seen from here and not only as they say. */
import { connect } from 'node:net';
import { request } from '#kit/net/http-client.ts';

export interface Target {
  readonly id: string;
  /** What is asked: a URL that answers 2xx, or a port that takes connections. */
  readonly url?: string;
  readonly address: string;
  readonly port: number;
}

export interface ProbeOptions {
  readonly targets: () => readonly Target[];
  readonly onResult: (id: string, result: 'passing' | 'failing', reason?: string) => void;
  /** A probe, or a round of them, failed otherwise than by who was asked; the next one comes. */
  readonly onFailure: (error: unknown) => void;
  /** From the end of one round to the next, in milliseconds. */
  readonly interval: number;
  /** Of one probe, in milliseconds. */
  readonly timeout: number;
}

/** As Kubernetes: one failure may be the network's. */
const FAILURES = 2;
const AT_A_TIME = 32;

/** Asks all targets, round after round. */
export class Probes {
  readonly #options: ProbeOptions;
  readonly #failures = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #next(): void {
    if (this.#closed) return;
    const { interval, onFailure } = this.#options;
    const round = (): void =>
      void this.#round()
        .catch(onFailure)
        .finally(() => this.#next());
    this.#timer = setTimeout(round, interval).unref();
  }

  async #round(): Promise<void> {
    const waiting = [...this.#options.targets()];
    const known = new Set(waiting.map(({ id }) => id));
    for (const id of this.#failures.keys()) if (!known.has(id)) this.#failures.delete(id);
    const worker = async (): Promise<void> => {
      for (let target = waiting.pop(); target && !this.#closed; target = waiting.pop())
        await this.#probe(target).catch(this.#options.onFailure);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }

  async #probe(target: Target): Promise<void> {
    try {
      await (target.url === undefined ? this.#connects(target) : this.#answers(target.url));
    } catch (error) {
      const failures = (this.#failures.get(target.id) ?? 0) + 1;
      this.#failures.set(target.id, failures);
      if (failures >= FAILURES) this.#options.onResult(target.id, 'failing', (error as Error).message);
      return;
    }
    this.#failures.delete(target.id);
    this.#options.onResult(target.id, 'passing');
  }

  async #answers(url: string): Promise<void> {
    const { status } = await request(url, { timeout: this.#options.timeout, maxBody: 64 * 1024 });
    if (status < 200 || status > 299) throw new Error(`${url} answered ${status}`);
  }

  async #connects({ address, port }: Target): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host: address, port, timeout: this.#options.timeout });
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('timeout', () =>
      reject(new Error(`${address}:${port} took no connection in ${this.#options.timeout} ms`)),
    );
    await promise.finally(() => socket.destroy());
  }
}
