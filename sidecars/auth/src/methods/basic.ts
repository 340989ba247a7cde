/** Passwords (RFC 7617) against bcrypt hashes, computed by a thread of their own. */
import { createHmac, randomBytes } from 'node:crypto';
import { Lru } from '../lru.ts';
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
/** For names that are unknown, so that they take as long as others: of a text that nobody knows any more. */
const NOBODY = '$2b$10$Tjpjr.M2xbPGbfr93Ist4uFMfTZjc4MoqyA2U9ofW451Ep1WrolEW';

interface User {
  readonly hash: string;
  readonly groups: readonly string[];
}

export class Passwords {
  readonly #thread: PasswordThread;
  readonly #key = randomBytes(32);
  readonly #right = new Lru<number>(MAX_REMEMBERED);
  #users: ReadonlyMap<string, User> = new Map();

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
      users.set(name, { hash: secret, groups });
    }
    this.#users = users;
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
    if (user !== undefined && (this.#right.get(proof) ?? 0) > Date.now()) return right(name, user);
    const later = wait();
    return later > 0 ? { ok: 'later', method: 'basic', wait: later } : this.#compare(name, user, password, proof);
  }

  async #compare(name: string, user: User | undefined, password: string, proof: string): Promise<Result> {
    const same = await this.#thread.compare(password, user?.hash ?? NOBODY);
    if (same === undefined) return { ok: 'later', method: 'basic', wait: 1000 };
    if (!same || user === undefined || this.#users.get(name)?.hash !== user.hash) return wrong('password');
    this.#right.set(proof, Date.now() + REMEMBERED);
    return right(name, user);
  }
}

const wrong = (reason: string): Result => ({ ok: false, method: 'basic', reason });
const right = (name: string, { groups }: User): Result => ({
  ok: true,
  identity: { method: 'basic', sub: name, preferredUsername: name, groups },
});
