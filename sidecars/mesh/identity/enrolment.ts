/** The control plane's enrolment interface, as a proxy asks it: JSON over TLS, with the join token. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { HttpError, request, type Answer } from '#kit/net/http-client.ts';

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
  /** That the token is for. */
  readonly service: string;
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
  /** Roots that the control plane has proved by the token; PEM. */
  #found = '';

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

  async #ask(method: string, path: string, body: object): Promise<Fields> {
    const known = await this.#options.roots();
    try {
      return fieldsOf(await this.#send(method, path, body, { ca: known + this.#found }));
    } catch (error) {
      if (!(error instanceof HttpError) || error.reason !== 'tls') throw error;
      // The authority is not the one that was known: it was lost, or another has followed it.
      this.#found = await this.#findRoots(error);
      return fieldsOf(await this.#send(method, path, body, { ca: known + this.#found }));
    }
  }

  /**
   * Ask a server that nobody vouches for yet for the roots. The token is not sent; who answers shows that it has it.
   * @throws {EnrolmentError} and {HttpError}
   */
  async #findRoots(cause: Error): Promise<string> {
    const { service, token } = this.#options;
    const nonce = randomBytes(24).toString('base64');
    const { roots, proofs } = fieldsOf(await this.#send('POST', '/v1/roots', { service, nonce }, { insecure: true }));
    const key = createHash('sha256').update(token).digest();
    const wanted = createHmac('sha256', key)
      .update(`mesh-roots\n${nonce}\n${String(roots)}`)
      .digest();
    const proved = (proof: unknown): boolean => {
      const shown = Buffer.from(String(proof), 'base64');
      return shown.length === wanted.length && timingSafeEqual(shown, wanted);
    };
    if (typeof roots === 'string' && Array.isArray(proofs) && proofs.some(proved)) return roots;
    throw new EnrolmentError(`${cause.message}; and who answers does not show that it knows the join token`);
  }

  async #send(
    method: string,
    path: string,
    body: object,
    trust: { readonly ca: string } | { readonly insecure: true },
  ): Promise<Answer> {
    const { host, port, token } = this.#options;
    const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
    const text = JSON.stringify(body);
    const headers = {
      ...('ca' in trust && { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      // Node sends none with DELETE, and the body would be no part of the request.
      'content-length': Buffer.byteLength(text),
    };
    return await request(url, { method, headers, body: text, timeout: TIMEOUT, maxBody: MAX_ANSWER, ...trust });
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws {EnrolmentError} for what is no success */
function fieldsOf({ status, body }: Answer): Fields {
  let content: unknown;
  try {
    content = body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    content = {};
  }
  const fields = (typeof content === 'object' && content !== null ? content : {}) as Fields;
  if (status >= 200 && status <= 299) return fields;
  const { error } = fields;
  throw new EnrolmentError(typeof error === 'string' ? error : `the control plane answered ${status}`, status);
}
