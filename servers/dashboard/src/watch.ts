/** Looks at the control plane and at every proxy again and again, and keeps what it saw. */
import type { ControlPlane, Known, Replica } from './control-plane.ts';
import { Edges } from './edges.ts';
import type { Proxies } from './proxies.ts';
import type { MeshDocument, RequestDocument } from './view.ts';

/** Proxies that are asked at the same time. */
const AT_ONCE = 16;

export interface WatchOptions {
  readonly controlPlane: Pick<ControlPlane, 'look'>;
  readonly proxies: Pick<Proxies, 'samples' | 'requests'>;
  /** Milliseconds of which rates are those. */
  readonly window: number;
  /** Told of each look at a proxy. */
  readonly onScrape: (outcome: 'answered' | 'failed') => void;
}

export class Watch {
  readonly #options: WatchOptions;
  readonly #edges: Edges;
  #known: Known = { services: [], replicas: [], splits: [] };
  #problem: string | undefined = 'nothing was heard of the control plane yet';

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#edges = new Edges(options.window);
  }

  /** One look at everything; a proxy that does not answer is left out. */
  async look(): Promise<void> {
    try {
      this.#known = await this.#options.controlPlane.look();
      this.#problem = undefined;
    } catch (error) {
      // What is known of old is still shown: traffic goes on without a control plane.
      this.#problem = `no news of the control plane: ${(error as Error).message}`;
    }
    const queue = [...this.#known.replicas];
    const worker = async (): Promise<void> => {
      for (let replica = queue.pop(); replica !== undefined; replica = queue.pop()) await this.#scrape(replica);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #scrape(replica: Replica): Promise<void> {
    try {
      const samples = await this.#options.proxies.samples(replica);
      this.#edges.add(`${replica.service}/${replica.name}`, { at: performance.now(), samples });
      this.#options.onScrape('answered');
    } catch {
      this.#options.onScrape('failed');
    }
  }

  /** What is known now. */
  mesh(): MeshDocument {
    const { services, replicas, splits } = this.#known;
    return {
      ...(this.#problem !== undefined && { problem: this.#problem }),
      services: services.toSorted().map((name) => ({
        name,
        replicas: replicas
          .filter(({ service }) => service === name)
          .map(({ name: replica, version, healthy }) => ({
            name: replica,
            healthy,
            ...(version !== undefined && { version }),
          })),
      })),
      edges: this.#edges.edges(performance.now()),
      splits,
    };
  }

  /** The last requests of an edge, the newest first. */
  requests(from: string, to: string): Promise<RequestDocument[]> {
    const of = (name: string) => this.#known.replicas.filter(({ service }) => service === name);
    return this.#options.proxies.requests({ callers: of(from), called: of(to) }, { from, to });
  }
}
