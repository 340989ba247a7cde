/** Passwords (RFC 7617) against bcrypt hashes, computed by a thread of their own. */
import { createHmac, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Lru } from '../lib/lru.ts';
import type { PasswordThread } from './password-thread.ts';
import { BadLine, linesOf } from './lines.ts';
import type { Result } from './result.ts';

/** bcrypt looks at no more bytes of a password. */
const MAX_PASSWORD = 72;
/** The dearest hash that is taken: a second or so. */
const MAX_COST = 14;
/** How long a password that was right is not computed again, in milliseconds. */
const REMEMBERED = 300_000;
const MAX_REMEMBERED = 2000;
/** Salt and hash of a text that nobody knows any more, for names that are unknown. */
const NOBODY = 'Tjpjr.M2xbPGbfr93Ist4uFMfTZjc4MoqyA2U9ofW451Ep1WrolEW';

interface User {
  readonly hash: string;
  readonly result: Result & { readonly ok: true };
}

export class Passwords {
  readonly #thread: PasswordThread;
  readonly #key = randomBytes(32);
  readonly #right = new Lru<number>(MAX_REMEMBERED);
  #users: ReadonlyMap<string, User> = new Map();
  /** Of each user: `$2b$10$`. */
  #prefixes: readonly string[] = [];

  constructor(thread: PasswordThread) {
    this.#thread = thread;
  }

  /**
   * Take other users from now on.
   * @param text as htpasswd -B writes it
   * @throws {BadLine}
   */
  load(text: string): void {
    const users = new Map<string, User>();
    for (const { number, name, secret, groups } of linesOf(text)) {
      const cost = /^\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}$/.exec(secret)?.[1];
      if (cost === undefined)
        throw new BadLine(
          number,
          'holds no bcrypt hash; accepted is what `htpasswd -B` writes, with groups after a further colon',
        );
      if (Number(cost) > MAX_COST) throw new BadLine(number, `has a cost of ${cost}; at most ${MAX_COST} is taken`);
      const identity = { method: 'basic', sub: name, preferredUsername: name, groups } as const;
      const good = (): boolean => {
        const now = this.#users.get(name);
        return now?.hash === secret && isDeepStrictEqual(now.result.identity, identity);
      };
      users.set(name, { hash: secret, result: { ok: true, identity, good } });
    }
    this.#users = users;
    this.#prefixes = [...users.values()].map(({ hash }) => hash.slice(0, 7));
    this.#right.clear();
  }

  /**
   * @param credentials what follows `Basic `
   * @param wait milliseconds for which nothing more may be computed for this client
   */
  look(credentials: string, wait: () => number): Result | Promise<Result> {
    const decoded = Buffer.from(credentials, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    const name = decoded.slice(0, colon);
    const password = decoded.slice(colon + 1);
    if (colon === -1 || Buffer.byteLength(password) > MAX_PASSWORD) return wrong('malformed');
    const user = this.#users.get(name);
    const proof = createHmac('sha256', this.#key).update(`${user?.hash}\0${decoded}`).digest('base64');
    if (user !== undefined && (this.#right.get(proof) ?? 0) > Date.now()) return user.result;
    const later = wait();
    return later > 0 ? { ok: 'later', method: 'basic', wait: later } : this.#compare(name, user, password, proof);
  }

  async #compare(name: string, user: User | undefined, password: string, proof: string): Promise<Result> {
    const same = await this.#thread.compare(password, user?.hash ?? this.#nobody(name));
    if (same === undefined) return { ok: 'later', method: 'basic', wait: 1000 };
    if (!same || user === undefined || this.#users.get(name)?.hash !== user.hash) return wrong('password');
    this.#right.set(proof, Date.now() + REMEMBERED);
    return user.result;
  }

  /** A hash of the cost of one of the users, always the same one for a name: time tells no name that is known. */
  #nobody(name: string): string {
    const chosen = createHmac('sha256', this.#key).update(name).digest().readUInt32BE();
    return `${this.#prefixes[chosen % this.#prefixes.length] ?? '$2b$10$'}${NOBODY}`;
  }
}

const wrong = (reason: string): Result => ({ ok: false, method: 'basic', reason });
