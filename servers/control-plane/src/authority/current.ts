/** The authority that signs now: its intermediate is followed by the next one while the control plane runs. */
import type { Logger } from '#kit/telemetry/log.ts';
import { WallTimer, type WallClock } from '#kit/time/wall-clock.ts';
import { Authority } from './authority.ts';
import { beginningOf, halfLifeOf, openAuthorityFiles, setAsideDamagedFiles } from './store.ts';

export interface CurrentAuthorityOptions {
  /** Private to the control plane. */
  readonly directory: string;
  readonly trustDomain: string;
  /** How long leaves last, in milliseconds. */
  readonly lifetime: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** A damaged file was set aside; counts. */
  readonly onDamaged?: () => void;
  /** A test's seam. */
  readonly clock?: WallClock;
}

/** Between two attempts where the root's key is not here, or failed, in milliseconds. */
const AGAIN = 3_600_000;

export class CurrentAuthority {
  /** PEM of the roots that clients are to trust. They stay while the control plane runs. */
  readonly roots: string;
  readonly #options: CurrentAuthorityOptions;
  readonly #renewal: WallTimer;
  #authority: Authority;
  #renewing: Promise<void> | undefined;
  /** When the next intermediate is due, in milliseconds since the epoch. */
  #due: number;

  private constructor(options: CurrentAuthorityOptions, { authority, due, from }: Opened) {
    this.#options = options;
    this.roots = authority.roots;
    this.#renewal = new WallTimer(options.clock);
    this.#authority = authority;
    this.#due = due;
    this.#renewAt(due, from);
  }

  /** @throws {RootOffline}, and errors of the file system */
  static async open(options: CurrentAuthorityOptions): Promise<CurrentAuthority> {
    for (const aside of setAsideDamagedFiles(options.directory)) {
      options.log.warn({ aside }, 'a file of the authority is damaged, and was set aside');
      options.onDamaged?.();
    }
    return new CurrentAuthority(options, await read(options));
  }

  /** The one that signs. Where the clock was set, or the machine has slept, the next intermediate is waited for. */
  async signing(): Promise<Authority> {
    this.#renewal.look();
    await this.#renewing;
    return this.#authority;
  }

  close(): void {
    this.#renewal.clear();
  }

  #now(): number {
    return (this.#options.clock ?? Date).now();
  }

  #renewAt(time: number, from?: number): void {
    // Where the root's key is away the files are looked at again: it may be brought for a while.
    this.#renewal.set(Math.max(time, this.#now() + 1), () => (this.#renewing = this.#renew()), from);
  }

  async #renew(): Promise<void> {
    const { log } = this.#options;
    const until = new Date(this.#authority.notAfter);
    let from: number | undefined;
    try {
      const opened = await read(this.#options);
      this.#authority = opened.authority;
      if (opened.due === this.#due) log.warn({ until }, "no new intermediate certificate: the root's key is not here");
      else from = opened.from;
      this.#due = opened.due;
    } catch (error) {
      log.warn({ reason: (error as Error).message, until }, 'no new intermediate certificate');
    }
    this.#renewAt(Math.max(this.#due, this.#now() + AGAIN), from);
  }
}

interface Opened {
  readonly authority: Authority;
  /** When the next intermediate is due, and from when on this one is valid, in milliseconds since the epoch. */
  readonly due: number;
  readonly from: number;
}

async function read(options: CurrentAuthorityOptions): Promise<Opened> {
  const { directory, trustDomain, lifetime, log, clock } = options;
  const now = clock?.now ?? Date.now;
  const files = await openAuthorityFiles(directory, trustDomain, now());
  for (const made of files.made) log.info({ made }, 'the authority made a certificate');
  const { cert } = files.intermediate;
  return {
    authority: await Authority.open({ ...files, lifetime, now }),
    due: halfLifeOf(cert),
    from: beginningOf(cert),
  };
}
