/** Where the application of this pod is reached: at the address that was meant, or on loopback where it listens there alone. */
import type { ClusterEnvironment, MeshCluster } from '../cluster/cluster.ts';
import { listeningPorts } from './listening.ts';
import type { Destination } from './sockaddr.ts';
import { Passthrough } from './passthrough.ts';

export interface ApplicationOptions {
  readonly environment: ClusterEnvironment;
  /** Whether the configuration names a port: others on loopback are the pod's alone. */
  readonly isNamed: (port: number) => boolean;
}

export class Application {
  readonly #passthrough: Passthrough;
  readonly #isNamed: (port: number) => boolean;
  #listening: Awaited<ReturnType<typeof listeningPorts>> = new Map();

  constructor({ environment, isNamed }: ApplicationOptions) {
    this.#passthrough = new Passthrough('inbound', environment);
    this.#isNamed = isNamed;
  }

  /** Look where it listens. @returns the ports */
  async look(): Promise<{ has(port: number): boolean }> {
    this.#listening = await listeningPorts();
    return this.#listening;
  }

  /** The cluster of an address: in the clear, and without limits of its own. */
  to(destination: Destination): MeshCluster {
    const { port } = destination;
    const loopback = this.#listening.get(port);
    const isLoopback = loopback !== undefined && this.#isNamed(port);
    return this.#passthrough.to(isLoopback ? { address: loopback, port } : destination);
  }

  close(): void {
    this.#passthrough.close();
  }
}
