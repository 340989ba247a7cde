/** What a peer may do for free, and no more of (RFC 9113, section 10.5). */
import { RateLimit } from './rate-limit.ts';

/** Streams that the peer resets, or makes us reset (CVE-2023-44487, CVE-2025-8671): at once, and a second. */
const RESETS = [200, 20] as const;
/** Frames that carry nothing: at once, and a second. */
const OVERHEAD = [2000, 300] as const;

/**
 * DATA frames of a few bytes each, before the last one: at once, and a second. No peer of good will has as many: a byte
 * in a frame of its own costs as much CPU as a kilobyte in one.
 */
const SMALL_DATA_FRAMES = [20_000, 20_000] as const;
/** A DATA frame with fewer bytes is one of these. */
export const SMALL_DATA = 16;

/** What each frame of SETTINGS costs: every stream's window may change. */
export const SETTINGS_COST = 10;
/** What an empty DATA frame costs. */
export const EMPTY_DATA_COST = 2;
/** What a request, and a frame of data, are worth. */
export const REQUEST_CREDIT = 4;
export const DATA_CREDIT = 2;

export class FloodLimits {
  readonly resets: RateLimit;
  readonly smallData: RateLimit;
  readonly overhead = new RateLimit(...OVERHEAD);

  /** @param trusted streams are connections: closed as often as they are opened, and their bytes come in pieces of any size */
  constructor(trusted = false) {
    this.resets = trusted ? new RateLimit(Infinity, 0) : new RateLimit(...RESETS);
    this.smallData = trusted ? new RateLimit(Infinity, 0) : new RateLimit(...SMALL_DATA_FRAMES);
  }
}
