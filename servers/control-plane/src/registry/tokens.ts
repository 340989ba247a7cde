/** Join tokens: who may be which service. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

interface Token {
  readonly name: string;
  readonly services: ReadonlySet<string>;
  readonly digest: Buffer;
}

/** The file cannot be used; the message names the line. */
export class TokenFileError extends Error {}

/** The identity by which proxies know the control plane: nobody joins under this name. */
export const CONTROL_PLANE = 'control-plane';

const MIN_LENGTH = 16;
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tokens of a file: a line each, `NAME SERVICE[,SERVICE] TOKEN`; `*` stands for every service. */
export class Tokens {
  readonly #tokens: readonly Token[];

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** @throws {TokenFileError} */
  static parse(text: string): Tokens {
    const tokens = text.split('\n').flatMap((line, index): Token[] => {
      const content = line.trim();
      if (content === '' || content.startsWith('#')) return [];
      const [name, services, token, ...rest] = content.split(/\s+/);
      // Never the line itself: it holds a token.
      if (token === undefined || rest.length > 0)
        throw new TokenFileError(`line ${index + 1}: expected NAME SERVICE[,SERVICE] TOKEN`);
      if (token.length < MIN_LENGTH)
        throw new TokenFileError(`line ${index + 1}: the token of ${name} has less than ${MIN_LENGTH} characters`);
      return [{ name: name!, services: new Set(services!.split(',')), digest: digestOf(token) }];
    });
    if (tokens.length === 0) throw new TokenFileError('there is no token, so that nobody could join');
    return new Tokens(tokens);
  }

  /**
   * Whose token it is.
   * @returns `unknown` for one that nobody has, `other-service` for one that is not for this service
   */
  check(token: string, service: string): { readonly name: string } | 'unknown' | 'other-service' {
    const digest = digestOf(token);
    // All are compared, so that the time says nothing of which it was.
    const matching = this.#tokens.filter((each) => timingSafeEqual(each.digest, digest));
    if (matching.length === 0) return 'unknown';
    if (service === CONTROL_PLANE) return 'other-service';
    return matching.find(({ services }) => services.has(service) || services.has('*')) ?? 'other-service';
  }

  /**
   * Show knowledge of the tokens for a service, without showing one: who has such a token believes a text by it.
   * @param nonce of who asks
   * @returns for each of those tokens HMAC-SHA256 over nonce and text, its key the token's SHA-256, in base64
   */
  proofs(service: string, nonce: string, text: string): string[] {
    return this.#tokens
      .filter(({ services }) => services.has(service) || services.has('*'))
      .map(({ digest }) => createHmac('sha256', digest).update(`mesh-roots\n${nonce}\n${text}`).digest('base64'));
  }
}
