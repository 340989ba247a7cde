/** What is known becomes what clients are sent. A service that cannot be made stays as it was published last. */
import type { Boundary } from './xds/boundary.ts';
import { EMPTY_POLICY, MeshStates, type MeshParts } from './mesh/mesh.ts';
import { describeHeld, type Failures } from './xds/held.ts';
import type { MeshState } from './xds/resources/state.ts';
import { isEnvoy, NothingYet, type Client } from './xds/server.ts';
import type { View } from './xds/resources/types.ts';
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
  /**
   * @param failure why nothing was published; undefined where it was
   * @param held services that are not as they should be, for people; undefined where all are
   */
  readonly onResult: (failure: Error | undefined, held: string | undefined) => void;
}

export class Publication {
  readonly #options: PublicationOptions;
  readonly #states = new MeshStates();
  readonly #views = new Views();
  #state: MeshState;
  #version = 0;
  #digest: string | undefined;
  #failure: Error | undefined;
  #held: Failures = new Map();

  constructor(options: PublicationOptions) {
    const { trustDomain, namespace } = options;
    this.#options = options;
    this.#state = { trustDomain, namespace, mesh: EMPTY_POLICY.mesh, services: [] };
  }

  /** What was published last. */
  get state(): MeshState {
    return this.#state;
  }

  /**
   * Its number, 0 before the first; the policy file that it follows; why what came after it was not published; and which
   * services of it are not as they should be.
   */
  get last(): {
    readonly version: number;
    readonly policy: string | undefined;
    readonly failure: Error | undefined;
    readonly held: Failures;
  } {
    return { version: this.#version, policy: this.#digest, failure: this.#failure, held: this.#held };
  }

  /** Which services are not as they should be, for people; undefined where all are. */
  get held(): string | undefined {
    return describeHeld(this.#held, (name) => this.#isPublished(name));
  }

  /** Publish what is known now. @returns why nothing was published; undefined where it was, if not all of it */
  now(): Error | undefined {
    const { trustDomain, namespace, roots, boundary, known, tell, onState, onResult } = this.#options;
    this.#failure = boundary.run('publication', () => {
      const { digest, ...parts } = known();
      const made = this.#states.next({ trustDomain, namespace, ...parts });
      const { state, failures } = this.#views.update(made.state, roots, made.failures);
      this.#state = state;
      this.#note(failures);
      this.#digest = digest;
      this.#version++;
    });
    if (this.#failure === undefined) {
      tell(this.#version);
      boundary.run('report', () => onState(this.#state));
    }
    boundary.run('report', () => onResult(this.#failure, this.held));
    return this.#failure;
  }

  /** Each failure is written down once, and counted whenever it comes again. */
  #note(failures: Failures): void {
    const { boundary } = this.#options;
    for (const [service, error] of failures)
      if (this.#held.get(service)?.message === error.message) boundary.failedAgain('service');
      else boundary.failed('service', error, { service });
    this.#held = failures;
  }

  #isPublished(service: string): boolean {
    return this.#state.services.some(({ name }) => name === service);
  }

  /** What a client sees. @throws {NothingYet} before the first publication of it */
  viewOf(client: Client): View {
    // An empty view would take away what a client still has from before a restart.
    if (this.#version === 0)
      throw new NothingYet('nothing could be published yet; the log of the control plane says why');
    const { service } = client;
    if (service !== undefined && this.#held.has(service) && !this.#isPublished(service))
      throw new NothingYet(`${service} could not be published yet; the log of the control plane says why`);
    const view = this.#ofKind(client);
    return client.locality ? this.#views.near(view, client.locality) : view;
  }

  #ofKind(client: Client): View {
    const { service } = client;
    if (!isEnvoy(client)) return this.#views.of(service);
    return service === undefined ? this.#views.ofEnvoy() : this.#views.ofEnvoyProxy(service);
  }
}
