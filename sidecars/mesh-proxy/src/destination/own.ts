/** The addresses of the pod itself. */
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '#kit/net/ip-address.ts';

/** How long a look counts, in milliseconds: networks are connected and disconnected while a pod runs. */
const FRESH = 5000;

export class OwnAddresses {
  #known: ReadonlySet<string> = new Set();
  #until = 0;

  has(address: string): boolean {
    const now = performance.now();
    if (now >= this.#until) {
      this.#until = now + FRESH;
      const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
      this.#known = new Set(all.map((each) => each.address));
    }
    return this.#known.has(canonicalAddress(address));
  }
}
