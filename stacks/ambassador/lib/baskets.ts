/** The app as its users see it: shopping baskets over HTTP. */

import { createHash } from 'node:crypto';
import { eventually } from '#kit/testing/eventually.ts';

/** A visitor's session, by a number: as web frameworks make them. */
export const idOf = (index: number): string => createHash('sha1').update(String(index)).digest('hex');

/** One published copy of it. */
export class Baskets {
  readonly #base: string;

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  /** Wait until it answers, and its servers too. */
  async up(): Promise<void> {
    await eventually('the app answers', () => this.ask('GET', '/baskets'));
  }

  /** @returns what it answered @throws {Error} with its error when it is not a success */
  async ask(method: string, path: string, sent?: unknown): Promise<unknown> {
    const response = await fetch(this.#base + path, {
      method,
      ...(sent !== undefined && { body: JSON.stringify(sent) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.trim()}`);
    return JSON.parse(text);
  }

  /** Put an item into somebody's basket. */
  async add(name: string, item: string): Promise<void> {
    await this.ask('POST', `/baskets/${encodeURIComponent(name)}`, { [item]: 1 });
  }
}
