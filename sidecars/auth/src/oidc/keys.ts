/** The provider's public keys (JWKS, RFC 7517): kept, fetched again when a token names one that is unknown. */
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';

/** Unknown keys cause a fetch at most this often, in milliseconds. */
export const COOLDOWN = 10_000;
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
  /** When the last fetch began. */
  #fetchedAt = -Infinity;

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** As jose asks for a key. @throws {errors.JOSEError} where there is none */
  readonly get = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    if (this.#keys === undefined) await this.refresh();
    if (this.#keys === undefined) throw new errors.JWKSInvalid('the keys of the provider cannot be had');
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!(await this.refresh())) throw error;
      return await this.#keys(header, token);
    }
  };

  /**
   * Fetch the keys, unless that was done a moment ago. Keys that are known stay when it fails.
   * @returns whether the keys may have changed
   */
  async refresh(): Promise<boolean> {
    if (this.#fetching === undefined) {
      if (this.#now() - this.#fetchedAt < COOLDOWN) return false;
      this.#fetchedAt = this.#now();
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined));
    }
    await this.#fetching;
    return true;
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
