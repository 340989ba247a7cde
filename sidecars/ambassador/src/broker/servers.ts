/** A service's servers in the order in which they are tried. */
import type { Address } from '../http.ts';

/** One that could not be connected to is tried after the others for so long, in milliseconds. */
const AVOIDED = 2000;

interface Failure {
  readonly at: number;
  readonly reason: string;
}

export const nameOf = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

export class Servers {
  readonly #addresses = new Map<string, Address>();
  readonly #failures = new Map<string, Failure>();
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(addresses: readonly Address[], now: () => number = () => performance.now()) {
    this.#now = now;
    for (const address of addresses) this.#addresses.set(nameOf(address), address);
  }

  has(name: string): boolean {
    return this.#addresses.has(name);
  }

  get names(): readonly string[] {
    return [...this.#addresses.keys()];
  }

  /** Why none of them could be connected to; undefined while one could, or none was tried. */
  get wrong(): string | undefined {
    if (this.#failures.size < this.#addresses.size) return undefined;
    return [...this.#failures].map(([name, { reason }]) => `${name}: ${reason}`).join(', ');
  }

  /**
   * The server to try next: the first in the file's order that did not fail lately.
   * @param tried names of those that this connection or request has tried already
   * @returns undefined when all were tried
   */
  next(tried: ReadonlySet<string>): (Address & { readonly name: string }) | undefined {
    let avoided: (Address & { readonly name: string }) | undefined;
    for (const [name, address] of this.#addresses) {
      if (tried.has(name)) continue;
      const failure = this.#failures.get(name);
      if (failure === undefined || this.#now() - failure.at >= AVOIDED) return { ...address, name };
      avoided ??= { ...address, name };
    }
    return avoided;
  }

  connected(name: string): void {
    this.#failures.delete(name);
  }

  failed(name: string, reason: string): void {
    if (this.#addresses.has(name)) this.#failures.set(name, { at: this.#now(), reason });
  }
}
