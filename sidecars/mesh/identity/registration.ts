/** This replica's place in the mesh: registered, kept by a lease, given up before the proxy stops. */
import { Backoff } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { EnrolmentError, type Claim, type Enrolment, type Lease, type Phase } from './enrolment.ts';

export interface RegistrationOptions {
  readonly enrolment: Pick<Enrolment, 'join' | 'renew' | 'leave'>;
  readonly claim: Omit<Claim, 'phase' | 'addresses'>;
  /** By which others may reach it, now. */
  readonly addresses?: () => readonly string[];
  /** Whether requests may come. */
  readonly ready: () => boolean | Promise<boolean>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Between two looks whether it is ready, in milliseconds. */
  readonly look?: number;
}

const BACKOFF = { initial: 250, max: 5000 };
/** A lease is renewed this often in its time, so that one answer may be lost. */
const RENEWALS = 3;
const LOOK = 250;
/** Between two looks at least, whatever calls for one, in milliseconds. */
const PAUSE = 20;
/** How long an answer is waited for when the proxy is to end, in milliseconds. */
const ANSWER = 2000;

export class Registration {
  readonly #options: Required<RegistrationOptions>;
  readonly #backoff = new Backoff(BACKOFF);
  #lease: Lease | undefined;
  #told: Phase = 'starting';
  /** What it was registered with. */
  #addresses = '';
  /** When the lease is to be renewed at the latest. */
  #due = 0;
  #draining = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #looking = false;
  #lookedAt = 0;

  constructor(options: RegistrationOptions) {
    this.#options = { look: LOOK, addresses: () => [], ...options };
    this.#next(0);
  }

  /** Whether the control plane knows this replica. */
  get registered(): boolean {
    return this.#lease !== undefined;
  }

  /** Something says that it is not ready any more: look now, and not only when it is time. */
  look(): void {
    if (this.#told !== 'ready' || this.#looking || this.#draining || this.#closed) return;
    if (performance.now() - this.#lookedAt < PAUSE) return;
    this.#working = this.#work();
  }

  /** Nothing new is to come: told at once. @returns when it was told, or could not be */
  async drain(): Promise<void> {
    this.#draining = true;
    clearTimeout(this.#timer);
    await this.#soon(this.#working.then(async () => await this.#work()));
  }

  /** Give up the place. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#soon(this.#working);
    const lease = this.#lease;
    this.#lease = undefined;
    if (!lease) return;
    const left = this.#options.enrolment.leave(lease).catch((error: Error) => {
      this.#options.log.warn({ reason: error.message }, 'this replica ends untold: its lease will lapse');
    });
    await this.#soon(left);
  }

  /** A control plane that does not answer does not hold up the end. */
  async #soon(work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, ANSWER);
    await Promise.race([work, promise]);
    clearTimeout(deadline);
  }

  #next(wait: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#working = this.#work();
    }, wait).unref();
  }

  /** One look, and what follows from it. */
  async #work(): Promise<void> {
    const { enrolment, claim, log, look } = this.#options;
    clearTimeout(this.#timer);
    let wait = look;
    this.#looking = true;
    this.#lookedAt = performance.now();
    try {
      const phase = await this.#phase();
      const addresses = this.#options.addresses();
      // Another network was connected, or one was taken away: registered anew under its name, it takes its former place.
      if (addresses.join() !== this.#addresses && !this.#draining) this.#lease = undefined;
      if (!this.#lease) {
        this.#lease = await enrolment.join({ ...claim, phase, ...(addresses.length > 1 && { addresses }) });
        this.#addresses = addresses.join();
        log.info({ service: claim.service, replica: claim.name, phase }, 'registered');
        this.#renewed(phase);
      } else if (phase !== this.#told || performance.now() >= this.#due) {
        await enrolment.renew(this.#lease, phase);
        if (phase !== this.#told) log.info({ phase, was: this.#told }, 'the control plane was told');
        this.#renewed(phase);
      }
      this.#backoff.reset();
    } catch (error) {
      const gone = error instanceof EnrolmentError && error.status === 404;
      // Restarted without its memory, or we were silent for too long.
      if (gone) this.#lease = undefined;
      wait = gone ? look : this.#backoff.next();
      log.warn({ reason: (error as Error).message, retry_ms: Math.round(wait) }, 'the lease could not be renewed');
    }
    this.#looking = false;
    this.#next(wait);
  }

  #renewed(phase: Phase): void {
    this.#told = phase;
    this.#due = performance.now() + this.#lease!.lease / RENEWALS;
  }

  async #phase(): Promise<Phase> {
    if (this.#draining) return 'draining';
    return (await this.#options.ready()) ? 'ready' : 'starting';
  }
}
