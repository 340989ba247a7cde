/** The addresses of the pod itself. */
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '#kit/net/ip-address.ts';

/** How long a look counts, in milliseconds: networks are connected and disconnected while a pod runs. */
const FRESH = 5000;
/** And for an address that it did not find. */
const BRIEF = 100;

export class OwnAddresses {
  /** Each address, and whether others can reach it: those of the loopback interface nobody can. */
  #known: ReadonlyMap<string, boolean> = new Map();
  #lookedAt = -Infinity;

  has(address: string): boolean {
    return this.#find(address) !== undefined;
  }

  /** Whether it is one of the pod's, and others may send to it: none of loopback. */
  takesFromOthers(address: string): boolean {
    return this.#find(address) === true;
  }

  #find(address: string): boolean | undefined {
    const canonical = canonicalAddress(address);
    this.#look(FRESH);
    if (!this.#known.has(canonical)) this.#look(BRIEF);
    return this.#known.get(canonical);
  }

  /** @param age in milliseconds, up to which the last look counts */
  #look(age: number): void {
    const now = performance.now();
    if (now - this.#lookedAt < age) return;
    this.#lookedAt = now;
    const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    this.#known = new Map(all.map((each) => [each.address, !each.internal]));
  }
}
