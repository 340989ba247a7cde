/** What is known becomes what clients are sent: all of it, or nothing, and then what was published last stays. */
import type { Boundary } from './boundary.ts';
import { EMPTY_POLICY, MeshStates, type MeshParts } from './mesh.ts';
import type { MeshState } from './xds/resources/state.ts';
import { isEnvoy, NothingYet, type Client } from './xds/server.ts';
import type { View } from './xds/types.ts';
import { Views } from './xds/views.ts';

export interface PublicationOptions {
  readonly trustDomain: string;
  readonly namespace: string;
  /** PEM of the trust domain's roots. */
  readonly roots: string;
  readonly boundary: Boundary;
  /** What is known now. @returns it, with the SHA-256 of the policy file in hex */
  readonly known: () => Omit<MeshParts, 'trustDomain' | 'namespace'> & { readonly digest: string | undefined };
  /** All clients are to be told. @param version higher each time */
  readonly tell: (version: number) => void;
  readonly onState: (state: MeshState) => void;
  /** @param failure why nothing was published; undefined where it was */
  readonly onResult: (failure: Error | undefined) => void;
}

export class Publication {
  readonly #options: PublicationOptions;
  readonly #states = new MeshStates();
  readonly #views = new Views();
  #state: MeshState;
  #version = 0;
  #digest: string | undefined;
  #failure: Error | undefined;

  constructor(options: PublicationOptions) {
    const { trustDomain, namespace } = options;
    this.#options = options;
    this.#state = { trustDomain, namespace, mesh: EMPTY_POLICY.mesh, services: [] };
  }

  /** What was published last. */
  get state(): MeshState {
    return this.#state;
  }

  /** Its number, 0 before the first; the policy file that it follows; and why what came after it was not published. */
  get last(): { readonly version: number; readonly policy: string | undefined; readonly failure: Error | undefined } {
    return { version: this.#version, policy: this.#digest, failure: this.#failure };
  }

  /** Publish what is known now. @returns why that failed; undefined where it did not */
  now(): Error | undefined {
    const { trustDomain, namespace, roots, boundary, known, tell, onState, onResult } = this.#options;
    this.#failure = boundary.run('publication', () => {
      const { digest, ...parts } = known();
      const state = this.#states.next({ trustDomain, namespace, ...parts });
      this.#views.update(state, roots);
      this.#state = state;
      this.#digest = digest;
      this.#version++;
    });
    if (this.#failure === undefined) {
      tell(this.#version);
      boundary.run('report', () => onState(this.#state));
    }
    boundary.run('report', () => onResult(this.#failure));
    return this.#failure;
  }

  /** What a client sees. @throws {NothingYet} before the first publication */
  viewOf(client: Client): View {
    // An empty view would take away what a client still has from before a restart.
    if (this.#version === 0)
      throw new NothingYet('nothing could be published yet; the log of the control plane says why');
    return isEnvoy(client) ? this.#views.ofEnvoy() : this.#views.of(client.service);
  }
}
