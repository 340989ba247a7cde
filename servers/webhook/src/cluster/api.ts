/** The cluster's API server, asked as the webhook's own service account. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from '#kit/net/http-client.ts';

const TIMEOUT_MS = 5000;
const MAX_BODY = 4 * 1024 * 1024;

/** The API server refused. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class Api {
  readonly #url: URL;
  readonly #account: string;

  /** @param account a folder as a pod has it: `token`, `ca.crt`, `namespace` */
  constructor(url: URL, account: string) {
    this.#url = url;
    this.#account = account;
  }

  /** The pod's own namespace. @throws {Error} where there is no service account */
  get namespace(): string {
    return this.#read('namespace').trim();
  }

  /**
   * @param path below the API server's address
   * @throws {ApiError} for a status of 400 or more
   * @throws {HttpError} when there is no answer
   */
  async ask(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH',
    path: string,
    body?: unknown,
    type = 'application/json',
  ): Promise<Record<string, unknown>> {
    // The token is another one every hour.
    const headers = { authorization: `Bearer ${this.#read('token').trim()}`, accept: 'application/json' };
    const answer = await request(new URL(path, this.#url), {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ca: this.#read('ca.crt'),
      timeout: TIMEOUT_MS,
      maxBody: MAX_BODY,
    });
    let parsed: Record<string, unknown>;
    try {
      parsed = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    } catch {
      throw new ApiError(answer.status, `${method} ${path}: the answer is no JSON`);
    }
    if (answer.status >= 400) throw new ApiError(answer.status, `${method} ${path}: ${String(parsed['message'])}`);
    return parsed;
  }

  #read(name: string): string {
    return readFileSync(join(this.#account, name), 'utf8');
  }
}
