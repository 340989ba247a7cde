/** The OpenID provider: found by its discovery document, looked at again and again, used by openid-client. */
import * as openid from 'openid-client';
import { Backoff } from '#kit/time/backoff.ts';
import { explain } from '#kit/text/explain.ts';
import { HttpError } from '#kit/net/http-client.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { Counts } from '../lib/counts.ts';
import { Keys } from './keys.ts';
import { TokenVerifier } from './token-verifier.ts';
import { ProviderClient } from './provider-client.ts';

/** Milliseconds between looks while it answers, and while it does not. */
const WHILE_UP = 10_000;
const WHILE_DOWN = { initial: 250, max: 5000 };
/** A look this young counts as now, in milliseconds. */
const FRESH = 500;

export interface ProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly ca: string | undefined;
  readonly connectTo: string | undefined;
  readonly algorithms: readonly string[];
  /** In milliseconds. */
  readonly clockSkew: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly counts: Pick<Counts, 'jwksFetches'>;
  readonly onUp: (up: boolean) => void;
}

/** What the sidecar, or a browser that it redirects, connects to. */
const ENDPOINTS = [
  'jwks_uri',
  'authorization_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'end_session_endpoint',
  'revocation_endpoint',
] as const;

/** The discovery document is another issuer's, or no document. */
class Mismatch extends Error {}

export class Provider {
  readonly tokens: TokenVerifier;
  readonly keys: Keys;
  readonly wire: ProviderClient;
  readonly #options: ProviderOptions;
  readonly #backoff = new Backoff(WHILE_DOWN);
  #configuration: openid.Configuration | undefined;
  #document = '';
  #up = false;
  #said: boolean | undefined;
  #looking: Promise<boolean> | undefined;
  #lookedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.wire = new ProviderClient(options);
    this.keys = new Keys({
      fetch: async () => {
        const uri = (await this.configuration())?.serverMetadata().jwks_uri;
        if (uri === undefined) throw new Error('the provider names no jwks_uri');
        return await this.wire.askJson(uri);
      },
      onFetch: (result) => options.counts.jwksFetches.add(result),
    });
    this.tokens = new TokenVerifier({ ...options, keys: this.keys });
  }

  get up(): boolean {
    return this.#up;
  }

  /**
   * Look for the first time, and from then on.
   * @throws {ConfigurationError} when a document was found that is not the issuer's; not when none was
   */
  async start(): Promise<void> {
    try {
      await this.#discover();
      this.#seen(true);
    } catch (error) {
      if (error instanceof Mismatch)
        throw new ConfigurationError([
          { parameter: 'OIDC_ISSUER', reason: 'malformed', message: `OIDC_ISSUER: ${error.message}` },
        ]);
      this.#seen(false, error);
    }
    this.#lookedAt = performance.now();
    this.#next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #next(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => void this.look(0).then(() => this.#next()),
      this.#up ? WHILE_UP : this.#backoff.next(),
    ).unref();
  }

  /**
   * Whether it answers now.
   * @param fresh a look this young is good enough, in milliseconds
   */
  async look(fresh = FRESH): Promise<boolean> {
    if (performance.now() - this.#lookedAt < fresh) return this.#up;
    this.#looking ??= this.#discover()
      .then(
        () => this.#seen(true),
        (error: unknown) => this.#seen(false, error),
      )
      .then(() => {
        this.#lookedAt = performance.now();
        this.#looking = undefined;
        return this.#up;
      });
    return await this.#looking;
  }

  /** For openid-client; undefined while no discovery document was seen. */
  async configuration(): Promise<openid.Configuration | undefined> {
    if (this.#configuration === undefined) await this.look();
    return this.#configuration;
  }

  #seen(up: boolean, error?: unknown): void {
    this.#up = up;
    this.#options.onUp(up);
    if (up) this.#backoff.reset();
    if (this.#said === up) return;
    this.#said = up;
    const { log, issuer } = this.#options;
    if (up) log.info({ issuer }, 'the provider answers');
    else log.warn({ issuer, reason: explain(error) }, 'the provider does not answer; sessions go on, logins wait');
  }

  async #discover(): Promise<void> {
    const { issuer, clientId, clientSecret, clockSkew } = this.#options;
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = await this.wire.askJson(url);
    if (document['issuer'] !== issuer)
      throw new Mismatch(
        `${JSON.stringify(issuer)} is not the issuer of ${url}, which is ${JSON.stringify(document['issuer'] ?? null)}; accepted is the name that the provider gives itself, letter by letter`,
      );
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'])
      if (typeof document[name] !== 'string' || !URL.canParse(document[name]))
        throw new Mismatch(`${url} names no ${name}; accepted is an OpenID provider`);
    for (const name of ENDPOINTS)
      if (issuer.startsWith('https:') && /^http:/i.test(String(document[name])))
        throw new Mismatch(`${url} names a ${name} without TLS; accepted are https URLs, as the issuer's own`);
    const text = JSON.stringify(document);
    if (text === this.#document) return;
    this.#document = text;
    const methods = document['token_endpoint_auth_methods_supported'];
    const byBody = Array.isArray(methods) && !methods.includes('client_secret_basic');
    const configuration = new openid.Configuration(
      document as unknown as openid.ServerMetadata,
      clientId,
      { [openid.clockTolerance]: Math.ceil(clockSkew / 1000) },
      clientSecret === undefined
        ? openid.None()
        : byBody
          ? openid.ClientSecretPost(clientSecret)
          : openid.ClientSecretBasic(clientSecret),
    );
    // Only where the issuer was configured with plain HTTP.
    if (issuer.startsWith('http:')) openid.allowInsecureRequests(configuration);
    configuration[openid.customFetch] = (to, options) => this.#fetch(to, options);
    this.#configuration = configuration;
  }

  /** As openid-client asks. */
  async #fetch(url: string, options: openid.CustomFetchOptions): Promise<Response> {
    const { status, headers, body } = await this.wire.ask(url, {
      method: options.method,
      headers: options.headers,
      ...(options.body !== undefined && options.body !== null && { body: String(options.body as URLSearchParams) }),
      signal: options.signal,
    });
    // It is the provider that cannot, not the client that may not.
    if (status >= 500 || status === 429) throw new HttpError('network', `${String(url)} answered ${status}`);
    const fields = Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((each): [string, string] => [name, each]),
    );
    const bodiless = status === 204 || status === 304;
    return new Response(bodiless ? null : new Uint8Array(body), { status, headers: fields });
  }
}
