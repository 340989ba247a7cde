/**
 * The keys of session tickets (RFC 8446, section 4.6.1). All workers have the same, so that a session
 * that began on one resumes on any; they are renewed, so that one that leaks opens little. OpenSSL
 * here knows one set at a time: a session from before a renewal takes a full handshake.
 */
import { randomBytes } from 'node:crypto';
import { everyInterval, type WallClock } from '#kit/time/wall-clock.ts';

/** How long a set is used, in milliseconds. */
const LIFETIME = 3_600_000;
/** What `server.setTicketKeys()` takes, in bytes. */
const SIZE = 48;

export class TicketKeys {
  #current = randomBytes(SIZE);

  /**
   * @param onRenew told of each further set
   * @param clock a test's seam
   */
  constructor(onRenew: (keys: Buffer) => void, clock?: WallClock) {
    everyInterval(
      LIFETIME,
      () => {
        this.#current = randomBytes(SIZE);
        onRenew(this.#current);
      },
      clock,
    );
  }

  get current(): Buffer {
    return this.#current;
  }
}
