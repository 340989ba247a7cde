/**
 * Who may speak to the server. The page stops containers, so: this machine only, a random token, and exactly our own Host
 * and Origin, so that no other page of the same browser speaks to it, by whatever name (DNS rebinding, CSRF).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403 | 405 | 415;
  readonly message: string;
}

export class Admission {
  readonly token = randomBytes(24).toString('base64url');
  #port = 0;

  /** Once the port is known. */
  listens(port: number): void {
    this.#port = port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What a person opens. */
  get address(): string {
    return `${this.origin}/?token=${this.token}`;
  }

  /** The cookie that the address is exchanged for; of its port, because a browser sends cookies to all ports. */
  get cookie(): string {
    return `${this.#name}=${this.token}; HttpOnly; SameSite=Strict; Path=/`;
  }

  get #name(): string {
    return `workshop-${this.#port}`;
  }

  /** Whether a text is the token, found out in the same time for every text of its length. */
  isToken(text: string | null | undefined): boolean {
    const [given, own] = [Buffer.from(text ?? ''), Buffer.from(this.token)];
    return given.length === own.length && timingSafeEqual(given, own);
  }

  /**
   * Why a request is refused; undefined when it is not.
   * @param open whether what is asked for needs no token: only the exchange of a token for a cookie
   */
  refuse({ method, headers }: IncomingMessage, open: boolean): Refusal | undefined {
    if (headers.host !== `127.0.0.1:${this.#port}`) return { status: 403, message: 'this is not the host of the page' };
    const { origin } = headers;
    if (origin !== undefined && origin !== this.origin) return { status: 403, message: 'another page may not ask' };
    if (method === 'POST') {
      if (origin === undefined) return { status: 403, message: 'a POST comes from the page' };
      if (headers['content-type'] !== 'application/json') return { status: 415, message: 'only application/json' };
    } else if (method !== 'GET') return { status: 405, message: 'only GET and POST' };
    if (!open && !this.isToken(this.#given(headers.cookie)))
      return { status: 401, message: 'open the address that the server printed: it holds a token' };
    return undefined;
  }

  #given(cookies = ''): string | undefined {
    return cookies
      .split(/; */)
      .find((each) => each.startsWith(`${this.#name}=`))
      ?.slice(this.#name.length + 1);
  }
}
