/** The addresses that DNS has for endpoints of a policy, asked for again and again. */
import { Resolver } from 'node:dns/promises';

export interface EndpointNamesOptions {
  /** DNS names that are wanted now. */
  readonly names: () => readonly string[];
  readonly onChange: () => void;
  /** A name has no address: the former ones stay. Told once for each row of failures. */
  readonly onFailure: (name: string, error: Error) => void;
  /** From the end of one round to the next, in milliseconds. */
  readonly interval: number;
  /** Addresses that names had before a restart: they stand until DNS answers. */
  readonly former?: Readonly<Record<string, readonly string[]>>;
  /** Addresses of a name; a test's seam. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/** Of one question, and how often it is put, in milliseconds. */
const TIMEOUT = 2000;
const TRIES = 2;
const AT_A_TIME = 8;
/** More are no endpoints of one service. */
const MAX_ADDRESSES = 64;

export class EndpointNames {
  readonly #options: EndpointNamesOptions;
  readonly #found: Map<string, readonly string[]>;
  readonly #failing = new Set<string>();
  readonly #resolve: (name: string) => Promise<readonly string[]>;
  #round: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EndpointNamesOptions) {
    this.#options = options;
    this.#found = new Map(Object.entries(options.former ?? {}));
    this.#resolve = options.resolve ?? resolver();
  }

  /** Sorted addresses by name; a name without an answer so far is missing. */
  get addresses(): ReadonlyMap<string, readonly string[]> {
    return this.#found;
  }

  /** Whether each name that is wanted has addresses. */
  get complete(): boolean {
    return this.#options.names().every((name) => this.#found.has(name));
  }

  /** Ask for all names now; a round that is under way is followed by another. Never throws. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#round = (this.#round ?? Promise.resolve()).then(async () => await this.#ask());
    await this.#round;
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.look(), this.#options.interval).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const names = new Set(this.#options.names());
    for (const name of this.#found.keys()) if (!names.has(name)) this.#found.delete(name);
    for (const name of this.#failing) if (!names.has(name)) this.#failing.delete(name);
    const waiting = [...names];
    let changed = false;
    const worker = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined && !this.#closed; name = waiting.pop())
        changed = (await this.#askFor(name)) || changed;
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    if (changed && !this.#closed) this.#options.onChange();
  }

  /** @returns whether its addresses are others than before */
  async #askFor(name: string): Promise<boolean> {
    try {
      const addresses = (await this.#resolve(name)).toSorted().slice(0, MAX_ADDRESSES);
      this.#failing.delete(name);
      if (this.#found.get(name)?.join() === addresses.join()) return false;
      this.#found.set(name, addresses);
      return true;
    } catch (error) {
      if (!this.#failing.has(name)) this.#options.onFailure(name, error as Error);
      this.#failing.add(name);
      return false;
    }
  }
}

/** IPv4 addresses, or those of IPv6 where there is none: not every network of a mesh has IPv6. */
function resolver(): (name: string) => Promise<readonly string[]> {
  const dns = new Resolver({ timeout: TIMEOUT, tries: TRIES });
  return async (name) => {
    try {
      return await dns.resolve4(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENODATA') throw error;
      return await dns.resolve6(name);
    }
  };
}
