/** Bearer tokens and what each may do. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Refusal } from './refusal.ts';

export const SCOPES = ['read', 'write', 'report'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

interface Entry {
  readonly caller: Caller;
  readonly hash: Buffer;
}

/** Shorter ones can be guessed. */
const LEAST_LENGTH = 16;
const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Thrown for a token file that cannot be used; the message names the line and never shows a token. */
export class TokenFileError extends Error {}

export class Tokens {
  readonly #entries: readonly Entry[];

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /**
   * Read a token file: a line a token, `NAME SCOPE[,SCOPE] TOKEN`; `#` begins a comment line.
   * @throws {TokenFileError} for a line that is not that, a name or token that comes twice, or no line at all
   */
  static parse(text: string): Tokens {
    const entries: Entry[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      if (/^\s*(#|$)/.test(line)) continue;
      const wrong = (why: string): never => {
        throw new TokenFileError(`line ${index + 1} ${why}; accepted is NAME SCOPE[,SCOPE] TOKEN`);
      };
      const [name = '', scopes = '', token = '', ...rest] = line.trim().split(/\s+/);
      if (token === '' || rest.length > 0) wrong('has not three fields');
      if (!/^[\w.-]{1,64}$/.test(name)) wrong('has a name of other than letters, digits, ".", "_" and "-"');
      const named = scopes.split(',');
      if (!named.every((scope) => (SCOPES as readonly string[]).includes(scope)))
        wrong(`names a scope that is none of ${SCOPES.join(', ')}`);
      if (!/^[\w~+/.=-]+$/.test(token) || token.length < LEAST_LENGTH)
        wrong(`has a token that is no bearer token of ${LEAST_LENGTH} characters or more`);
      const hash = hashOf(token);
      if (entries.some((entry) => entry.caller.name === name || entry.hash.equals(hash)))
        wrong('repeats a name or a token');
      // Who may read a document may say what became of it.
      const granted = new Set([...(named as Scope[]), ...(named.includes('read') ? (['report'] as const) : [])]);
      entries.push({ caller: { name, scopes: granted }, hash });
    }
    if (entries.length === 0) throw new TokenFileError('it holds no token');
    return new Tokens(entries);
  }

  /** The caller behind a token; undefined when it is unknown. */
  callerOf(token: string): Caller | undefined {
    const hash = hashOf(token);
    let found: Caller | undefined;
    // Every entry is compared, and by hash: the time taken tells nothing of a token.
    for (const entry of this.#entries) if (timingSafeEqual(entry.hash, hash)) found = entry.caller;
    return found;
  }
}

/** What knows callers by a secret of theirs. */
export interface Register {
  readonly callerOf: (secret: string) => Caller | undefined;
}

/** The secret of an Authorization header; undefined when it holds none. */
export const bearerOf = (header: string | undefined): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];

/**
 * The caller behind an Authorization header.
 * @param registers that are asked: tokens, sessions
 * @param header its value
 * @param scope what the request needs
 * @throws {Refusal} unauthorized without a known secret, forbidden without the scope
 */
export function authorize(registers: readonly Register[], header: string | undefined, scope: Scope): Caller {
  const secret = bearerOf(header);
  if (secret === undefined) throw new Refusal('unauthorized', 'a bearer token is needed');
  const [caller] = registers.flatMap((register) => register.callerOf(secret) ?? []);
  if (!caller) throw new Refusal('unauthorized', 'the bearer token is unknown');
  if (!caller.scopes.has(scope)) throw new Refusal('forbidden', `the token of ${caller.name} lacks the scope ${scope}`);
  return caller;
}
