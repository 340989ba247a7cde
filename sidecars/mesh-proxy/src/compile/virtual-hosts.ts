/** Which virtual host a request's authority means: Envoy's order of domains. */
import type { VirtualHost } from '#mesh/model/route.ts';
import { ConfigurationRefused } from '#mesh/model/source.ts';

export class VirtualHosts<T> {
  readonly #exact = new Map<string, T>();
  /** `*.suffix`, the longest first. */
  readonly #suffixes: [suffix: string, host: T][] = [];
  /** `prefix.*`, the longest first. */
  readonly #prefixes: [prefix: string, host: T][] = [];
  #any: T | undefined;
  /** What was found for authorities as clients write them. */
  readonly #found = new Map<string, T>();

  /** @throws {ConfigurationRefused} for a domain that two have */
  constructor(hosts: readonly (readonly [VirtualHost, T])[], where: string) {
    const seen = new Set<string>();
    for (const [{ name, domains }, host] of hosts)
      for (const written of domains) {
        const domain = written.toLowerCase();
        if (seen.has(domain)) throw new ConfigurationRefused(`${where}: ${name} has the domain ${domain} of another`);
        seen.add(domain);
        this.#add(domain, host);
      }
    const byLength = (a: readonly [string, T], b: readonly [string, T]): number => b[0].length - a[0].length;
    this.#suffixes.sort(byLength);
    this.#prefixes.sort(byLength);
  }

  #add(domain: string, host: T): void {
    if (domain === '*') this.#any = host;
    else if (domain.startsWith('*')) this.#suffixes.push([domain.slice(1), host]);
    else if (domain.endsWith('*')) this.#prefixes.push([domain.slice(0, -1), host]);
    else this.#exact.set(domain, host);
  }

  /** @param authority as the client wrote it: with or without a port */
  find(authority: string): T | undefined {
    const found = this.#found.get(authority);
    if (found !== undefined) return found;
    const name = authority.toLowerCase().replace(/\.(?=$|:)/, '');
    const host = this.#exact.get(authority) ?? this.#find(name) ?? this.#find(withoutPort(name)) ?? this.#any;
    // Invented names are not kept: they cost the search without this cache, and no memory.
    if (host !== undefined && this.#found.size < MOST_FOUND && authority.length < MOST_LENGTH)
      this.#found.set(authority, host);
    return host;
  }

  #find(name: string): T | undefined {
    return (
      this.#exact.get(name) ??
      // The wildcard stands for one character at least.
      this.#suffixes.find(([suffix]) => name.length > suffix.length && name.endsWith(suffix))?.[1] ??
      this.#prefixes.find(([prefix]) => name.length > prefix.length && name.startsWith(prefix))?.[1]
    );
  }
}

const MOST_FOUND = 256;
const MOST_LENGTH = 256;

function withoutPort(authority: string): string {
  return authority.replace(/:\d*$/, '');
}
