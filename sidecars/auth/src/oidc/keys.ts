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
  /** In milliseconds, from any beginning: a clock that stands still while the machine sleeps, and one that does not. */
  readonly clocks?: readonly (() => number)[];
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #clocks: NonNullable<KeysOptions['clocks']>;
  #keys: KeyGetter | undefined;
  #fetching: Promise<void> | undefined;
  /** When the last fetch began, and the last one for a key that is unknown. */
  #fetchedAt: readonly number[] = [];
  #unknownAt: readonly number[] = [];

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#clocks = options.clocks ?? [() => performance.now(), () => Date.now()];
  }

  /** As jose asks for a key of a token that anybody may have sent. @throws {errors.JOSEError} where there is none */
  readonly get = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> =>
    await this.#find(header, token, false);

  /** The same for a token that came from the provider itself: its key is fetched at once. */
  readonly getTrusted = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> =>
    await this.#find(header, token, true);

  async #find(header: JWSHeaderParameters, token: FlattenedJWSInput, trusted: boolean): Promise<CryptoKey> {
    // Without any key each request would ask a provider that is down.
    if (this.#keys === undefined && (this.#fetching !== undefined || this.#since(this.#fetchedAt) >= WITHOUT))
      await this.#refresh();
    if (this.#keys === undefined) throw new errors.JWKSInvalid('the keys of the provider cannot be had');
    const age = this.#since(this.#fetchedAt);
    if (age > MAX_AGE) {
      const refreshed = this.#refresh();
      // After a long silence, or when the machine slept, a withdrawn key would still be good for one token.
      if (age > 2 * MAX_AGE) await refreshed;
    }
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!trusted && this.#fetching === undefined) {
        if (this.#since(this.#unknownAt) < COOLDOWN) throw error;
        this.#unknownAt = this.#now();
      }
      await this.#refresh();
      return await this.#keys(header, token);
    }
  }

  #now(): readonly number[] {
    return this.#clocks.map((clock) => clock());
  }

  /** Milliseconds since then, by the clock that says most. */
  #since(then: readonly number[]): number {
    return Math.max(...this.#clocks.map((clock, index) => clock() - (then[index] ?? -Infinity)));
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
