/** Connections to the provider: by the sidecar's own HTTP client, bounded, to where OIDC_CONNECT_TO says. */
import type { Agent, RequestOptions as AgentOptions } from 'node:http';
import { request, type Answer } from '#kit/net/http-client.ts';

/** How long any answer of the provider may take, in milliseconds, and how long it may be, in bytes. */
const TIMEOUT = 5000;
const MAX_BODY = 1024 * 1024;

export interface ProviderClientOptions {
  readonly issuer: string;
  readonly ca: string | undefined;
  /** HOST:PORT */
  readonly connectTo: string | undefined;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

export class ProviderClient {
  readonly #origin: string;
  readonly #agent: Agent | undefined;
  readonly #ca: string | undefined;

  constructor({ issuer, ca, connectTo }: ProviderClientOptions) {
    const { origin, protocol } = new URL(issuer);
    this.#origin = origin;
    this.#ca = ca;
    this.#agent = connectTo === undefined ? undefined : agentTo(connectTo, protocol, ca);
  }

  /** @throws {HttpError} */
  async ask(url: string, { method = 'GET', headers, body, signal }: Ask = {}): Promise<Answer> {
    // What the issuer publishes of another origin is reached where it says.
    const agent = new URL(url).origin === this.#origin ? this.#agent : undefined;
    return await request(url, {
      method,
      timeout: TIMEOUT,
      maxBody: MAX_BODY,
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
      ...(agent && { agent }),
    });
  }

  /** A document of JSON. @throws {HttpError}, and an Error that says what came instead */
  async askJson(url: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.ask(url, { headers: { accept: 'application/json' } });
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    let value: unknown;
    try {
      value = JSON.parse(body.toString());
    } catch {
      throw new Error(`${url} answered with what is not JSON`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error(`${url} answered with what is no JSON object`);
    return value as Record<string, unknown>;
  }
}

/** Connections that go elsewhere than their URL says; names and certificates stay those of the URL. */
function agentTo(connectTo: string, protocol: string, ca: string | undefined): Agent {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(connectTo) ?? [];
  const http = process.getBuiltinModule('http');
  const https = process.getBuiltinModule('https');
  const elsewhere = (options: AgentOptions): AgentOptions => ({ ...options, host, port });
  if (protocol === 'https:') {
    return new (class extends https.Agent {
      override createConnection(options: AgentOptions, callback?: (error: Error | null, stream: never) => void) {
        return super.createConnection(elsewhere(options), callback as never);
      }
    })({ keepAlive: false, ...(ca !== undefined && { ca }) });
  }
  return new (class extends http.Agent {
    override createConnection(options: AgentOptions, callback?: (error: Error | null, stream: never) => void) {
      return super.createConnection(elsewhere(options), callback as never);
    }
  })({ keepAlive: false });
}
