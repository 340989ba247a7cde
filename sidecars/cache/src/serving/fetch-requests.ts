/** What the application is asked on behalf of a client. */
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { ForwardedFields } from '#proxy/filters/forwarded.ts';
import { FORWARDED, kindOf } from '#proxy/http/field-names.ts';
import { CONDITIONS } from '../policy/conditions.ts';
import { digest } from '../policy/digest.ts';
import { originOf } from '../policy/keys.ts';
import { normalized } from '../policy/vary.ts';
import type { Store } from '../store/store.ts';
import { storingOf, type CacheLookup } from './cache-lookup.ts';
import type { FetchRequest } from './fetches.ts';

export interface FetchRequestsOptions {
  readonly store: Store;
  /** Whose X-Forwarded-* are believed. */
  readonly trusts: (client: DownstreamInfo) => boolean;
  /** The port of a host that names none. */
  readonly publicPort: number;
}

/** The store answers conditions and ranges itself. */
const DROPPED: ReadonlySet<string> = new Set<string>(CONDITIONS);

export class FetchRequests {
  readonly #options: FetchRequestsOptions;
  readonly #forwarded = new WeakMap<DownstreamInfo, ForwardedFields>();

  constructor(options: FetchRequestsOptions) {
    this.#options = options;
  }

  /** The request for a client's: without its conditions, and with who called. */
  of(lookup: CacheLookup): FetchRequest {
    const { exchange, facts, key, cookie, varying: heard } = lookup;
    const { request, downstream, cluster } = exchange;
    const { store, trusts } = this.#options;
    const trusted = trusts(downstream);
    let lines = '';
    let said = false;
    for (const [name, value] of request) {
      if (DROPPED.has(name.toLowerCase())) continue;
      if (kindOf(name) === FORWARDED) {
        if (!trusted) continue;
        said = true;
      }
      lines += `${name}: ${value}\r\n`;
    }
    if (!said) lines += this.#forwardedOf(downstream).lines(request.authority);
    const { target, authority } = request;
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    // Those that differ in what is known to matter do not wait for each other.
    const last = store.variants(key).at(-1);
    const names = last?.selecting.map(([name]) => name) ?? heard;
    const varying = names.map((name) => `${name}=${normalized(name, request.get(name)) ?? '\t'}`);
    return {
      key,
      method,
      collapseKey: digest([key, method, cookie === undefined ? '' : 'c', ...varying].join('\n')),
      origin: originOf(facts.scheme, authority),
      target,
      authority,
      lines,
      fields: request,
      storing: storingOf(lookup),
      cluster,
      downstream,
    };
  }

  #forwardedOf(downstream: DownstreamInfo): ForwardedFields {
    let fields = this.#forwarded.get(downstream);
    if (fields === undefined)
      this.#forwarded.set(downstream, (fields = new ForwardedFields(downstream, this.#options.publicPort)));
    return fields;
  }
}
