/** The provider's public keys (JWKS, RFC 7517): kept, fetched again when a token names one that is unknown. */
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';

/** Unknown keys cause a fetch at most this often, in milliseconds. */
const COOLDOWN = 10_000;
/** While there are no keys at all, in milliseconds. */
const WITHOUT = 1000;
/** Keys that are older are fetched again, so that one that the provider has withdrawn is forgotten; in milliseconds. */
const MAX_AGE = 300_000;
const MAX_KEYS = 100;

type KeyGetter = ReturnType<typeof createLocalJWKSet>;

export interface KeysOptions {
  /** Fetch the document. */
  readonly fetch: () => Promise<Record<string, unknown>>;
  readonly onFetch: (result: 'ok' | 'failed') => void;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #now: () => number;
  #keys: KeyGetter | undefined;
  #fetching: Promise<void> | undefined;
  /** When the last fetch began, and the last one for a key that is unknown. */
  #fetchedAt = -Infinity;
  #unknownAt = -Infinity;

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** As jose asks for a key of a token that anybody may have sent. @throws {errors.JOSEError} where there is none */
  readonly get = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> =>
    await this.#find(header, token, false);

  /** The same for a token that came from the provider itself: its key is fetched at once. */
  readonly getTrusted = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> =>
    await this.#find(header, token, true);

  async #find(header: JWSHeaderParameters, token: FlattenedJWSInput, trusted: boolean): Promise<CryptoKey> {
    // Without any key each request would ask a provider that is down.
    if (this.#keys === undefined && (this.#fetching !== undefined || this.#age >= WITHOUT)) await this.#refresh();
    if (this.#keys === undefined) throw new errors.JWKSInvalid('the keys of the provider cannot be had');
    if (this.#age > MAX_AGE) void this.#refresh();
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!trusted && this.#fetching === undefined) {
        if (this.#now() - this.#unknownAt < COOLDOWN) throw error;
        this.#unknownAt = this.#now();
      }
      await this.#refresh();
      return await this.#keys(header, token);
    }
  }

  get #age(): number {
    return this.#now() - this.#fetchedAt;
  }

  /** Fetch the keys; all who ask meanwhile wait for the same. Keys that are known stay when it fails. */
  async #refresh(): Promise<void> {
    if (this.#fetching === undefined) {
      this.#fetchedAt = this.#now();
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined));
    }
    await this.#fetching;
  }

  async #fetch(): Promise<void> {
    try {
      const { keys } = await this.#options.fetch();
      if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new Error('no list of keys');
      this.#keys = createLocalJWKSet({ keys } as JSONWebKeySet);
      this.#options.onFetch('ok');
    } catch {
      this.#options.onFetch('failed');
    }
  }
}
