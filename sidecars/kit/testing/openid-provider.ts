/**
 * An OpenID provider for tests, which says yes to every login and lies when it is told to: what no real
 * provider can be made to do.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { CompactSign, exportJWK, generateKeyPair, type JWK, type JWTPayload } from 'jose';

export interface Person {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: unknown;
  readonly preferred_username?: string;
  readonly groups?: readonly string[];
}

/** How the next tokens are wrong. */
export interface TokenFaults {
  /** Changes to an ID token's claims; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Changes to its header. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** `none`: no signature; `hs256`: the public key as a shared secret; `stranger`: a key that is not published. */
  readonly signature?: 'none' | 'hs256' | 'stranger';
  /** Changes to what userinfo says. */
  readonly userinfo?: Readonly<Record<string, unknown>>;
}

interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}
interface Grant {
  readonly person: Person;
  readonly sid: string;
  readonly nonce: string | undefined;
  readonly challenge: string | undefined;
}

const MAX_BODY = 64 * 1024;
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

export class TestProvider {
  readonly issuer: string;
  readonly clientId: string;
  person: Person = {
    sub: 'ann',
    email: 'ann@example.org',
    email_verified: true,
    preferred_username: 'ann',
    groups: ['staff'],
  };
  mischief: TokenFaults = {};
  /** Of access tokens, in seconds. */
  life = 300;
  /** What the discovery document says otherwise than it should. */
  discovery: Readonly<Record<string, unknown>> = {};
  /** What its document of keys is otherwise, made of the keys that it should hold. */
  jwks: (keys: readonly JWK[]) => unknown = (keys) => ({ keys });
  /** Answers to token requests are this status instead. */
  tokenStatus = 200;
  /** A refresh brings a new ID token. */
  idTokenAtRefresh = true;
  /** Waited for before each refresh is answered. */
  beforeRefresh: () => Promise<void> = () => Promise.resolve();
  readonly counts = { logins: 0, codes: 0, refreshes: 0, reused: 0, jwks: 0, userinfo: 0, revoked: 0, logouts: 0 };
  /** Its names of the logins so far (`sid`). */
  readonly logins: string[] = [];
  #keys: SigningKey[] = [];
  readonly #codes = new Map<string, Grant>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #accessTokens = new Map<string, Grant>();
  readonly #spent = new Set<string>();

  constructor(issuer: string, clientId = 'app') {
    this.issuer = issuer;
    this.clientId = clientId;
  }

  /** Sign with a new key from now on. @param keep former keys stay published */
  async rotateKeys(alg = 'RS256', keep = false): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const kid = randomUUID();
    const key = { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
    this.#keys = [key, ...(keep ? this.#keys : [])];
  }

  /** For an HTTP server. */
  readonly listener: RequestListener = (request, response) => {
    void this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer);
    const json = (status: number, value: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(200, this.#document());
      case '/jwks':
        this.counts.jwks++;
        return json(200, this.jwks(this.#keys.map(({ jwk }) => jwk)));
      case '/authorize':
        return this.#authorize(url, response);
      case '/token':
        if (this.tokenStatus !== 200) return json(this.tokenStatus, { error: 'temporarily_unavailable' });
        return await this.#token(new URLSearchParams(await bodyOf(request)), json);
      case '/userinfo': {
        this.counts.userinfo++;
        const grant = this.#accessTokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
        return grant
          ? json(200, { ...grant.person, ...this.mischief.userinfo })
          : json(401, { error: 'invalid_token' });
      }
      case '/revoke':
        this.counts.revoked++;
        this.#refreshTokens.delete(new URLSearchParams(await bodyOf(request)).get('token') ?? '');
        return json(200, {});
      case '/logout':
        this.counts.logouts++;
        response.writeHead(302, { location: url.searchParams.get('post_logout_redirect_uri') ?? '/' }).end();
        return;
      default:
        return json(404, { error: 'not_found' });
    }
  }

  #document(): Record<string, unknown> {
    const at = (path: string): string => `${this.issuer}${path}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      jwks_uri: at('/jwks'),
      userinfo_endpoint: at('/userinfo'),
      revocation_endpoint: at('/revoke'),
      end_session_endpoint: at('/logout'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ALGORITHMS,
      code_challenge_methods_supported: ['S256'],
      ...this.discovery,
    };
  }

  #authorize({ searchParams }: URL, response: ServerResponse): void {
    this.counts.logins++;
    const code = randomUUID();
    const sid = randomUUID();
    this.logins.push(sid);
    this.#codes.set(code, {
      person: this.person,
      sid,
      nonce: searchParams.get('nonce') ?? undefined,
      challenge: searchParams.get('code_challenge') ?? undefined,
    });
    const back = new URL(searchParams.get('redirect_uri')!);
    back.searchParams.set('code', code);
    back.searchParams.set('state', searchParams.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  }

  async #token(form: URLSearchParams, json: (status: number, value: unknown) => void): Promise<void> {
    if (form.get('grant_type') === 'refresh_token') {
      await this.beforeRefresh();
      const token = form.get('refresh_token') ?? '';
      const grant = this.#refreshTokens.get(token);
      if (this.#spent.has(token)) this.counts.reused++;
      if (grant === undefined) return json(400, { error: 'invalid_grant' });
      this.#refreshTokens.delete(token);
      this.#spent.add(token);
      this.counts.refreshes++;
      const { id_token: idToken, ...others } = await this.#tokens({ ...grant, nonce: undefined });
      return json(200, { ...others, ...(this.idTokenAtRefresh && { id_token: idToken }) });
    }
    const grant = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant === undefined || proof !== grant.challenge) return json(400, { error: 'invalid_grant' });
    this.counts.codes++;
    json(200, await this.#tokens(grant));
  }

  async #tokens(grant: Grant): Promise<Record<string, unknown>> {
    const refresh = randomUUID();
    const access = randomUUID();
    this.#refreshTokens.set(refresh, grant);
    this.#accessTokens.set(access, grant);
    const claims = { sid: grant.sid, ...(grant.nonce !== undefined && { nonce: grant.nonce }) };
    return {
      token_type: 'Bearer',
      access_token: access,
      refresh_token: refresh,
      expires_in: this.life,
      id_token: await this.sign({ sub: grant.person.sub, ...claims }),
    };
  }

  /** A token of this provider, with today's mischief. @param claims besides iss, aud, iat and exp */
  async sign(claims: Readonly<Record<string, unknown>>, type?: string): Promise<string> {
    const { mischief } = this;
    const now = Math.floor(Date.now() / 1000);
    const payload: JWTPayload = {
      iss: this.issuer,
      aud: this.clientId,
      iat: now,
      exp: now + 300,
      ...claims,
      ...mischief.claims,
    };
    const [key] = this.#keys as [SigningKey];
    const header = { alg: key.alg, kid: key.kid, ...(type && { typ: type }), ...mischief.header };
    const bytes = Buffer.from(JSON.stringify(payload));
    switch (mischief.signature) {
      case 'none':
        return `${encoded({ ...header, alg: 'none' })}.${bytes.toString('base64url')}.`;
      case 'hs256': {
        const secret = Buffer.from(JSON.stringify(key.jwk).padEnd(32));
        return await new CompactSign(bytes).setProtectedHeader({ ...header, alg: 'HS256' }).sign(secret);
      }
      case 'stranger': {
        const { privateKey } = await generateKeyPair(key.alg);
        return await new CompactSign(bytes).setProtectedHeader(header).sign(privateKey);
      }
      default:
        return await new CompactSign(bytes).setProtectedHeader(header).sign(key.privateKey);
    }
  }

  /** A token that ends a login (OpenID Connect Back-Channel Logout). */
  async logoutToken(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    return await this.sign({ jti: randomUUID(), events, ...claims }, 'logout+jwt');
  }

  /** Forget all refresh tokens: the next refresh is refused. */
  forgetRefreshTokens(): void {
    this.#refreshTokens.clear();
  }
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > MAX_BODY) throw new Error('the body is too long');
  }
  return text;
}
