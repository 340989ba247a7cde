/** On which side a visitor is: by the hash of a cookie's value, and of nothing else. */
import { hash, randomBytes } from 'node:crypto';

/** How long a browser keeps the cookie, in seconds: 30 days. */
const MAX_AGE = 30 * 24 * 3600;
/** The golden ratio: its multiples without their whole parts fill 0 to 1 as evenly as anything does. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Ids that are tried for the right side, as a multiple of the expected number. */
const PATIENCE = 20;

/**
 * A cookie's value as a point from 0 to below 100: the first 48 bits of its SHA-256. The same in
 * every replica and after every restart; below the share, it is the new version's.
 */
export function pointOf(value: string): number {
  return (Number.parseInt(hash('sha256', Buffer.from(value, 'latin1'), 'hex').slice(0, 12), 16) / 2 ** 48) * 100;
}

/**
 * The value of a cookie.
 * @param fields the values of the Cookie fields
 * @returns undefined when there is none, or an empty one; of several the first
 */
export function cookieOf(fields: readonly string[], name: string): string | undefined {
  for (const field of fields)
    for (const pair of field.split(';')) {
      const equals = pair.indexOf('=');
      if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim() || undefined;
    }
  return undefined;
}

/** Set-Cookie's value. */
export const setCookie = (name: string, value: string): string =>
  `${name}=${value}; Path=/; Max-Age=${MAX_AGE}; HttpOnly; SameSite=Lax`;

/** Points from 0 to below 100 that are as evenly spread as can be, whatever share is cut off. */
export class EvenPoints {
  #at: number;

  /** @param start from 0 to below 1 */
  constructor(start = Math.random()) {
    this.#at = start;
  }

  next(): number {
    this.#at = (this.#at + GOLDEN) % 1;
    return this.#at * 100;
  }
}

/** Ids for visitors who come for the first time: random, and on either side as often as the share says. */
export class NewVisitorIds {
  readonly #percent: number;
  readonly #points: EvenPoints;

  constructor(percent: number, points = new EvenPoints()) {
    this.#percent = percent;
    this.#points = points;
  }

  /** @returns a cookie's value of 22 characters */
  next(): string {
    const wanted = this.#points.next() < this.#percent;
    const part = (wanted ? this.#percent : 100 - this.#percent) / 100;
    for (let left = PATIENCE / part; ; left--) {
      const id = randomBytes(16).toString('base64url');
      if (pointOf(id) < this.#percent === wanted || left <= 0) return id;
    }
  }
}
