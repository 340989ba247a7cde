/** Telling the application who called, and how: X-Forwarded-* and Forwarded (RFC 7239). */
import { portOf } from './host.ts';

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Fields about one connection; made once, then repeated for each request. */
export class Forwarding {
  readonly #before: string;
  readonly #node: string;
  readonly #after: string;
  readonly #publicPort: string;
  #host: string | undefined;
  #block = '';

  /**
   * @param address the client's IP address
   * @param publicPort the port of a host that names none
   * @param clientCertificate an X-Forwarded-Client-Cert element; '' when the client was not verified
   */
  constructor(address: string, publicPort: number, clientCertificate: string) {
    this.#before = `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: https\r\n`;
    // RFC 7239, section 6: an IPv6 address stands in brackets, and so in quotes.
    this.#node = address.includes(':') ? `"[${address}]"` : address;
    this.#after = clientCertificate === '' ? '' : `X-Forwarded-Client-Cert: ${clientCertificate}\r\n`;
    this.#publicPort = String(publicPort);
  }

  /**
   * The fields for a request.
   * @param host a valid host as the client named it; '' for none
   * @returns whole lines
   */
  fields(host: string): string {
    if (host !== this.#host) {
      this.#host = host;
      const named = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
      const forwardedHost = host === '' ? '' : `;host=${TOKEN.test(host) ? host : `"${host}"`}`;
      this.#block = `${this.#before}${named}X-Forwarded-Port: ${portOf(host) ?? this.#publicPort}\r\nForwarded: for=${this.#node}${forwardedHost};proto=https\r\n${this.#after}`;
    }
    return this.#block;
  }
}
