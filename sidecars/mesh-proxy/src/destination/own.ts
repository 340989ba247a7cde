/** The addresses of the pod itself. */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '#kit/net/ip-address.ts';

/** How long a look counts, in milliseconds: networks are connected and disconnected while a pod runs. */
const FRESH = 5000;
/** And for an address that it did not find. */
const BRIEF = 100;

const LINK_LOCAL = /^(fe80:|169\.254\.)/;

export class OwnAddresses {
  /** Each address, and whether others can reach it: those of the loopback interface nobody can. */
  #known: ReadonlyMap<string, boolean> = new Map();
  #networks = new BlockList();
  #lookedAt = -Infinity;

  has(address: string): boolean {
    return this.#find(address) !== undefined;
  }

  /** Whether it is one of the pod's, and others may send to it: none of loopback. */
  takesFromOthers(address: string): boolean {
    return this.#find(address) === true;
  }

  /** Those that others may send to, on whatever network they are; none of one link alone. */
  get forOthers(): readonly string[] {
    this.#look(FRESH);
    return [...this.#known]
      .flatMap(([address, open]) => (open && !LINK_LOCAL.test(address) ? [address] : []))
      .toSorted();
  }

  /** Of several addresses of one endpoint, the first on a network of the pod's own; the first, where there is none. */
  nearest(addresses: readonly string[]): string {
    this.#look(FRESH);
    return addresses.find((each) => this.#isNear(each)) ?? addresses[0]!;
  }

  /** Those of several endpoints that are on a network of the pod's own; all, where none is. */
  near(addresses: readonly string[]): readonly string[] {
    this.#look(FRESH);
    const near = addresses.filter((each) => this.#isNear(each));
    return near.length === 0 ? addresses : near;
  }

  #isNear(address: string): boolean {
    return this.#networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
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
    this.#networks = new BlockList();
    for (const { address, cidr, family, internal } of all)
      if (!internal && cidr !== null)
        this.#networks.addSubnet(address, Number(cidr.split('/')[1]), family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
}
