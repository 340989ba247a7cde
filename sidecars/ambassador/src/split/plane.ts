/** Everything between the clients' port and the two versions. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { PlainListener } from '#proxy/downstream/plain-listener.ts';
import { Filters, type Filter } from '#proxy/filters/filter.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import { EndpointHealth } from '#proxy/upstream/health.ts';
import { HTTP_IDLE_TIMEOUT, httpSettings, type Address } from '../http.ts';
import { Judge, type Change, type Version } from './judge.ts';
import { mirrorFilter, type CopyOutcome } from './mirror-filter.ts';
import { splitFilter } from './split-filter.ts';
import type { Versions } from './visit.ts';
import { EvenPoints, NewVisitorIds } from './visitors.ts';

/** From one look at the judge's clock to the next, in milliseconds. */
const LOOK = 100;

export interface SplitPlaneOptions {
  readonly address: string;
  readonly port: number;
  readonly maxClients: number;
  readonly old: Address;
  readonly new: Address;
  readonly percent: number;
  readonly mirror: boolean;
  readonly cookie: string;
  readonly setsCookie: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  /** Percentage points. */
  readonly tolerance: number;
  /** In milliseconds. */
  readonly pause: number;
  /** Told whether the old version is up. */
  readonly check: ReadinessCheck;
  readonly stats: ProxyStats;
  /** The first filters, and the last ones. */
  readonly tracing: readonly Filter[];
  readonly accessLog: readonly Filter[];
  readonly log: Logger;
  readonly onTry: (server: string) => void;
  readonly onAnswer: (server: string) => void;
  readonly onFallback: () => void;
  /** No version answered a request. */
  readonly onUnanswered: () => void;
  readonly onJudged: (version: Version, failed: boolean) => void;
  readonly onChange: (change: Change) => void;
  readonly onCopy: (outcome: CopyOutcome) => void;
}

export class SplitPlane {
  readonly judge: Judge;
  readonly #listener: PlainListener;
  readonly #health: EndpointHealth;
  readonly #endpoints: readonly Http1Endpoint[];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SplitPlaneOptions) {
    const { log, stats, timeout } = options;
    const settings = httpSettings();
    const sweeper = new Sweeper(Math.min(settings.connectTimeout, timeout));
    const endpointTo = ({ host, port }: Address): Http1Endpoint =>
      new Http1Endpoint({
        host,
        port,
        idleTimeout: HTTP_IDLE_TIMEOUT,
        maxHeaderSize: settings.maxHeaderSize,
        sweeper,
      });
    const [before, tried] = [endpointTo(options.old), endpointTo(options.new)];
    this.#endpoints = [before, tried];
    const { connectTimeout } = settings;
    this.#health = new EndpointHealth({ ...options.old, connectTimeout, check: options.check, stats, log });
    this.judge = new Judge({
      percent: options.percent,
      timeout,
      tolerance: options.tolerance,
      pause: options.pause,
      now: () => performance.now(),
      onJudged: (version, failed) => options.onJudged(version, failed),
      onChange: (change) => options.onChange(change),
    });
    const versions: Versions = {
      old: before,
      new: tried,
      judge: this.judge,
      timeout,
      connectTimeout,
      onTry: ({ authority }) => options.onTry(authority),
      onAnswer: ({ authority }) => options.onAnswer(authority),
      onFallback: () => options.onFallback(),
      onConnected: (endpoint, reason) => {
        if (endpoint !== before) return;
        if (reason === undefined) this.#health.up();
        else this.#health.down(reason);
      },
    };
    const points = new EvenPoints();
    const splits = options.mirror
      ? mirrorFilter({ context: () => context, versions, points, onCopy: (outcome) => options.onCopy(outcome) })
      : splitFilter({
          versions,
          cookie: options.cookie,
          sets: options.setsCookie,
          newcomers: new NewVisitorIds(options.percent, points),
        });
    const counts: Filter = {
      onEnd: ({ failure }) => {
        if (failure !== undefined) options.onUnanswered();
      },
    };
    const context: ProxyContext = {
      settings,
      log,
      stats,
      sweeper,
      filters: new Filters([...options.tracing, counts, splits, ...options.accessLog]),
      cluster: { pick: () => before },
      draining: false,
    };
    this.#listener = new PlainListener({
      context,
      host: options.address,
      port: options.port,
      portParameter: 'AMBASSADOR_PORT',
      maxConnections: options.maxClients,
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Listen. @throws {ConfigurationError} when the port cannot be had */
  async open(): Promise<void> {
    await this.#listener.open();
    this.#health.start();
    this.#timer = setInterval(() => this.judge.look(), LOOK);
  }

  /**
   * Come to an end: no further connections, the begun requests finished.
   * @param patience milliseconds after which the rest is cut
   */
  async drain(patience: number): Promise<void> {
    clearInterval(this.#timer);
    await this.#listener.drain(patience);
    this.#health.close();
    for (const endpoint of this.#endpoints) endpoint.close();
  }
}
