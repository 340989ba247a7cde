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
