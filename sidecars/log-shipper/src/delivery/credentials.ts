/** Files that change while they are used: secrets and authorities. */
import { readFileSync, statSync } from 'node:fs';
import type { Authentication } from './settings.ts';

/** A file's text, read again when the file is another one or has changed; the last good text when it cannot be. */
export class WatchedText {
  readonly #path: string;
  #stamp = '';
  #text: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws when the file could not be read even once */
  read(): string {
    try {
      const { ino, mtimeMs, size } = statSync(this.#path);
      const stamp = `${ino} ${mtimeMs} ${size}`;
      if (stamp !== this.#stamp) {
        this.#text = readFileSync(this.#path, 'utf8').trim();
        this.#stamp = stamp;
      }
    } catch (error) {
      if (this.#text === undefined) throw error;
    }
    return this.#text!;
  }
}

/**
 * The Authorization header, made anew for each request, so that a rotated secret is used at once.
 * @returns undefined when there is none
 */
export function authorization(authentication: Authentication): () => string | undefined {
  if (authentication.kind === 'none') return () => undefined;
  const secret = new WatchedText(authentication.file);
  switch (authentication.kind) {
    case 'basic':
      return () => `Basic ${Buffer.from(`${authentication.user}:${secret.read()}`).toString('base64')}`;
    case 'api-key':
      return () => `ApiKey ${secret.read()}`;
    case 'bearer':
      return () => `Bearer ${secret.read()}`;
  }
}

/**
 * The client's certificate and key, as they are now. A pair that does not belong together, as while it is
 * being replaced, is not used: the last good one is.
 * @returns undefined when there is none
 * @throws when there was no good pair yet
 */
export function identityOf(
  certFile: string | undefined,
  keyFile: string | undefined,
): () => { readonly cert: string; readonly key: string } | undefined {
  if (certFile === undefined || keyFile === undefined) return () => undefined;
  const certText = new WatchedText(certFile);
  const keyText = new WatchedText(keyFile);
  let pair: { readonly cert: string; readonly key: string } | undefined;
  return () => {
    const [cert, key] = [certText.read(), keyText.read()];
    if (pair?.cert === cert && pair.key === key) return pair;
    try {
      process.getBuiltinModule('node:tls').createSecureContext({ cert, key });
      pair = { cert, key };
    } catch (error) {
      if (pair === undefined)
        throw new Error(`STORE_CERT_FILE and STORE_KEY_FILE: ${(error as Error).message}`, { cause: error });
    }
    return pair;
  };
}
