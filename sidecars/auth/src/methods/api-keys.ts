/** API keys: long random texts, of which only hashes are kept. */
import { createHash } from 'node:crypto';
import { BadLine, linesOf } from './lines.ts';
import type { Result } from './result.ts';

const MAX_KEY = 512;

export class ApiKeys {
  /** By hash. */
  #keys: ReadonlyMap<string, { readonly name: string; readonly groups: readonly string[] }> = new Map();

  /**
   * Take other keys from now on.
   * @param text lines of NAME:SHA-256:GROUP,GROUP
   * @throws {BadLine}
   */
  load(text: string): void {
    const keys = new Map<string, { name: string; groups: readonly string[] }>();
    for (const { number, name, secret, groups } of linesOf(text)) {
      const hash = secret.toLowerCase();
      if (!/^[0-9a-f]{64}$/.test(hash))
        throw new BadLine(
          number,
          'holds no SHA-256 in hexadecimal; accepted is NAME:HASH or NAME:HASH:GROUP,GROUP, the hash made by sha256sum',
        );
      if (keys.has(hash)) throw new BadLine(number, 'has the same key as a line before it');
      keys.set(hash, { name, groups });
    }
    this.#keys = keys;
  }

  look(key: string): Result {
    // Found by its hash: how long that takes tells nothing of the keys.
    const known = key.length > MAX_KEY ? undefined : this.#keys.get(createHash('sha256').update(key).digest('hex'));
    if (known === undefined) return { ok: false, method: 'apikey', reason: 'key' };
    return {
      ok: true,
      identity: { method: 'apikey', sub: known.name, preferredUsername: known.name, groups: known.groups },
    };
  }
}
