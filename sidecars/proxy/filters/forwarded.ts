/** Telling the application who called, and how: X-Forwarded-* and Forwarded (RFC 7239). */
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { FORWARDED, kindOf } from '#proxy/http/field-names.ts';
import { portOf } from '#proxy/http/host.ts';
import type { Filter } from './filter.ts';

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Fields about one connection; made once, then repeated for each request. */
export class ForwardedFields {
  readonly #before: string;
  readonly #node: string;
  readonly #proto: string;
  readonly #after: string;
  readonly #publicPort: string;
  #host: string | undefined;
  #block = '';

  /** @param publicPort the port of a host that names none */
  constructor(
    {
      remoteAddress,
      secure,
      clientCertificate,
    }: Pick<DownstreamInfo, 'remoteAddress' | 'secure' | 'clientCertificate'>,
    publicPort: number,
  ) {
    this.#proto = secure ? 'https' : 'http';
    this.#before = `X-Forwarded-For: ${remoteAddress}\r\nX-Forwarded-Proto: ${this.#proto}\r\n`;
    // RFC 7239, section 6: an IPv6 address stands in brackets, and so in quotes.
    this.#node = remoteAddress.includes(':') ? `"[${remoteAddress}]"` : remoteAddress;
    this.#after = clientCertificate === '' ? '' : `X-Forwarded-Client-Cert: ${clientCertificate}\r\n`;
    this.#publicPort = String(publicPort);
  }

  /**
   * The fields for a request.
   * @param host a valid host as the client named it; '' for none
   * @returns whole lines
   */
  lines(host: string): string {
    if (host !== this.#host) {
      this.#host = host;
      const named = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
      const forwardedHost = host === '' ? '' : `;host=${TOKEN.test(host) ? host : `"${host}"`}`;
      this.#block = `${this.#before}${named}X-Forwarded-Port: ${portOf(host) ?? this.#publicPort}\r\nForwarded: for=${this.#node}${forwardedHost};proto=${this.#proto}\r\n${this.#after}`;
    }
    return this.#block;
  }
}

/**
 * Adds the fields to each request. What a client says of itself was dropped already, unless
 * `settings.trustsForwarded`: then this filter drops it for all clients but those that are trusted.
 * @param publicPort the port of a host that names none
 * @param trusts whose fields are passed on as they are: another proxy of the same pod
 */
export function forwarded(publicPort: number, trusts?: (client: DownstreamInfo) => boolean): Filter {
  const known = new WeakMap<DownstreamInfo, ForwardedFields>();
  return {
    onRequest({ downstream, request }) {
      if (trusts !== undefined) {
        const said = [...request].filter(([name]) => kindOf(name) === FORWARDED);
        if (said.length > 0) {
          if (trusts(downstream)) return;
          for (const [name] of said) request.delete(name);
        }
      }
      let fields = known.get(downstream);
      if (fields === undefined) known.set(downstream, (fields = new ForwardedFields(downstream, publicPort)));
      request.appendLines(fields.lines(request.authority));
    },
  };
}
