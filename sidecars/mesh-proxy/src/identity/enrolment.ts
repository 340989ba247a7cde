/** The control plane's enrolment interface, as a proxy asks it: JSON over TLS, with the join token. */
import { request } from '#kit/net/http-client.ts';

export type Phase = 'starting' | 'ready' | 'draining';

export interface Claim {
  readonly service: string;
  /** Of this replica. */
  readonly name: string;
  /** Absent: the address that it asks from. */
  readonly address?: string;
  /** All that others may reach it by; the control plane adds the one that it is asked from. */
  readonly addresses?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
  readonly phase: Phase;
}

export interface Lease {
  readonly id: string;
  readonly secret: string;
  /** Milliseconds. */
  readonly lease: number;
}

export interface Certificate {
  readonly spiffeId: string;
  readonly chain: string;
  readonly trustBundle: string;
  readonly notAfter: number;
}

export interface EnrolmentOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** PEM of the roots, read anew for each request: a volume may fill later. */
  readonly roots: () => Promise<string>;
}

/** The control plane said no, or said something that is no answer. */
export class EnrolmentError extends Error {
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT = 10_000;
const MAX_ANSWER = 256 * 1024;

export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** @throws {EnrolmentError} and {HttpError} */
  async certificate(service: string, certificateRequest: string): Promise<Certificate> {
    const answer = await this.#ask('POST', '/v1/certificates', { service, request: certificateRequest });
    const { spiffeId, chain, trustBundle, notAfter } = answer;
    if (
      typeof spiffeId !== 'string' ||
      typeof chain !== 'string' ||
      typeof trustBundle !== 'string' ||
      typeof notAfter !== 'number'
    )
      throw new EnrolmentError('the control plane sent no certificate');
    return { spiffeId, chain, trustBundle, notAfter };
  }

  /** @throws {EnrolmentError} and {HttpError} */
  async join(claim: Claim): Promise<Lease> {
    const { id, secret, lease } = await this.#ask('POST', '/v1/replicas', claim);
    if (typeof id !== 'string' || typeof secret !== 'string' || typeof lease !== 'number' || !(lease > 0))
      throw new EnrolmentError('the control plane sent no lease');
    return { id, secret, lease };
  }

  /** @throws {EnrolmentError} with status 404 when the lease is gone, and {HttpError} */
  async renew({ id, secret }: Lease, phase: Phase): Promise<void> {
    await this.#ask('PUT', `/v1/replicas/${encodeURIComponent(id)}`, { secret, phase });
  }

  /** @throws {EnrolmentError} and {HttpError} */
  async leave({ id, secret }: Lease): Promise<void> {
    await this.#ask('DELETE', `/v1/replicas/${encodeURIComponent(id)}`, { secret });
  }

  async #ask(method: string, path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const { host, port, token, roots } = this.#options;
    const ca = await roots();
    const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
    const text = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      // Node sends none with DELETE, and the body would be no part of the request.
      'content-length': Buffer.byteLength(text),
    };
    const answer = await request(url, { method, headers, body: text, timeout: TIMEOUT, maxBody: MAX_ANSWER, ca });
    let content: unknown;
    try {
      content = answer.body.length === 0 ? {} : JSON.parse(answer.body.toString());
    } catch {
      content = {};
    }
    const fields = (typeof content === 'object' && content !== null ? content : {}) as Record<string, unknown>;
    if (answer.status >= 200 && answer.status <= 299) return fields;
    const { error } = fields;
    throw new EnrolmentError(
      typeof error === 'string' ? error : `the control plane answered ${answer.status}`,
      answer.status,
    );
  }
}
