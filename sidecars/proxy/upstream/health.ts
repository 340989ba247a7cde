/**
 * Is the application up? Traffic says so by itself; while there is none, a TCP connection now and
 * then does. Nothing is refused because of it: every request tries for itself, so that an
 * application that is back is found at once.
 */
import { connect } from 'node:net';
import { isAccepted } from '#kit/net/accepted.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { ProxyStats } from '#proxy/stats.ts';

/** Milliseconds between looks. */
const WHILE_UP = 5000;
const WHILE_DOWN = 500;
/**
 * How long a connection may wait for the application to accept it, in milliseconds. One that serves a
 * connection at a time may first have to see an idle one of ours closed, after PROXY_IDLE_TIMEOUT.
 */
const ACCEPT_WITHIN = 4500;
/** How long one success counts, in milliseconds. */
export const HEALTH_MAX_AGE = 3 * WHILE_UP;

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeout: number;
  readonly check: ReadinessCheck;
  readonly stats: Pick<ProxyStats, 'upstreamUp'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export class EndpointHealth {
  readonly #options: HealthOptions;
  #state: 'unknown' | 'up' | 'down' = 'unknown';
  /** Traffic has shown it to be up since the last look. */
  #seen = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Begin to look. */
  start(): void {
    this.#look();
  }

  /** A connection was made. */
  up(): void {
    if (this.#seen) return;
    this.#seen = true;
    this.#options.stats.upstreamUp(true);
    this.#options.check.pass();
    if (this.#state !== 'up') this.#options.log.info({ port: this.#options.port }, 'the application is up');
    this.#state = 'up';
  }

  /** A connection could not be made. */
  down(reason: string): void {
    this.#seen = false;
    this.#options.stats.upstreamUp(false);
    this.#options.check.fail(`the application does not accept connections: ${reason}`);
    if (this.#state === 'down') return;
    this.#options.log.warn({ port: this.#options.port, reason }, 'the application is down');
    this.#state = 'down';
    if (!this.#closed) this.#again();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#state === 'up' ? WHILE_UP : WHILE_DOWN);
    this.#timer.unref();
  }

  #look(): void {
    if (this.#seen) {
      // Traffic since the last look was proof enough; from here on it must be given again.
      this.#seen = false;
      this.#options.check.pass();
      this.#again();
      return;
    }
    const { host, port, connectTimeout } = this.#options;
    const socket = connect({ host, port, timeout: connectTimeout });
    let over = false;
    const done = (reason: string | undefined): void => {
      if (over) return;
      over = true;
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      if (this.#closed) return;
      if (reason === undefined) {
        this.up();
        this.#seen = false;
      } else this.down(reason);
      this.#again();
    };
    // The kernel takes connections for a program that is paused or hangs, too.
    socket.on('connect', () => {
      socket.setTimeout(0);
      void isAccepted(socket, ACCEPT_WITHIN).then((accepted) =>
        done(accepted === false ? `not accepted within ${ACCEPT_WITHIN / 1000} s` : undefined),
      );
    });
    socket.on('timeout', () => done('timeout'));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  }
}
