/** Sealing what leaves the sidecar: compact JWE (RFC 7516), A256GCM with a key derived from a secret. */
import { createHash, hkdfSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { CompactEncrypt, compactDecrypt } from 'jose';

/** What a sealed text is for: one kind never opens as another. */
export type Purpose = 'session' | 'login' | 'state' | 'record';

/** Longest text that is opened, and most bytes that it may become. */
const MAX_SEALED = 64 * 1024;
const MAX_OPENED = 1024 * 1024;

interface Key {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export class Seal {
  /** By purpose, the newest first. */
  #keys: ReadonlyMap<Purpose, readonly Key[]>;

  /** @param secrets of 32 characters or more; the first seals, all open */
  constructor(secrets: readonly string[]) {
    this.#keys = keysOf(secrets);
  }

  /** Use other secrets from now on. */
  rotate(secrets: readonly string[]): void {
    this.#keys = keysOf(secrets);
  }

  /** @param value what JSON can say; @returns characters that a cookie may hold */
  async seal(purpose: Purpose, value: unknown): Promise<string> {
    const key = this.#keys.get(purpose)![0]!;
    return await new CompactEncrypt(deflateRawSync(JSON.stringify(value)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id })
      .encrypt(key.bytes);
  }

  /** @returns undefined for what no current secret has sealed for this purpose */
  async open(purpose: Purpose, text: string): Promise<unknown> {
    if (text.length > MAX_SEALED) return undefined;
    try {
      const { plaintext } = await compactDecrypt(
        text,
        ({ kid }) => {
          const key = this.#keys.get(purpose)!.find(({ id }) => id === kid);
          if (key === undefined) throw new Error('sealed by another secret');
          return key.bytes;
        },
        { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
      );
      return JSON.parse(inflateRawSync(plaintext, { maxOutputLength: MAX_OPENED }).toString());
    } catch {
      return undefined;
    }
  }
}

function keysOf(secrets: readonly string[]): Map<Purpose, Key[]> {
  if (secrets.length === 0) throw new Error('no secret to seal with');
  const purposes: readonly Purpose[] = ['session', 'login', 'state', 'record'];
  return new Map(
    purposes.map((purpose) => [
      purpose,
      secrets.map((secret) => {
        const bytes = new Uint8Array(hkdfSync('sha256', secret, 'sidecar-stacks auth', purpose, 32));
        return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes };
      }),
    ]),
  );
}
