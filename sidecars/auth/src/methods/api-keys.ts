/** API keys: long random texts, of which only hashes are kept. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { BadLine, linesOf } from './lines.ts';
import type { Result } from './result.ts';

const MAX_KEY = 512;

export class ApiKeys {
  /** By hash. */
  #keys: ReadonlyMap<string, Result & { readonly ok: true }> = new Map();

  /**
   * Take other keys from now on.
   * @param text lines of NAME:SHA-256:GROUP,GROUP
   * @throws {BadLine}
   */
  load(text: string): void {
    const keys = new Map<string, Result & { readonly ok: true }>();
    for (const { number, name, secret, groups } of linesOf(text)) {
      const hash = secret.toLowerCase();
      if (!/^[0-9a-f]{64}$/.test(hash))
        throw new BadLine(
          number,
          'holds no SHA-256 in hexadecimal; accepted is NAME:HASH or NAME:HASH:GROUP,GROUP, the hash made by sha256sum',
        );
      if (keys.has(hash)) throw new BadLine(number, 'has the same key as a line before it');
      const identity = { method: 'apikey', sub: name, preferredUsername: name, groups } as const;
      const good = (): boolean => isDeepStrictEqual(this.#keys.get(hash)?.identity, identity);
      keys.set(hash, { ok: true, identity, good });
    }
    this.#keys = keys;
  }

  look(key: string): Result {
    // Found by its hash: how long that takes tells nothing of the keys.
    const known = key.length > MAX_KEY ? undefined : this.#keys.get(createHash('sha256').update(key).digest('hex'));
    return known ?? { ok: false, method: 'apikey', reason: 'key' };
  }
}
