/** Leaving out endpoints that fail, for a while, longer each time: Envoy's outlier detection. */
import type { OutlierDetection } from '#mesh/model/cluster.ts';
import type { Host } from './host.ts';

export type EjectionReason = 'consecutive_5xx' | 'consecutive_gateway_failure' | 'success_rate' | 'failure_percentage';

/** Told of each ejection. */
export type OnEjection = (host: Host, reason: EjectionReason, duration: number) => void;

export class Outliers {
  #settings: OutlierDetection | undefined;
  readonly #hosts: () => readonly Host[];
  readonly #onEjection: OnEjection;
  readonly #now: () => number;
  #intervalEnds = 0;

  /** @param hosts all of the cluster @param now a monotonic clock in milliseconds */
  constructor(hosts: () => readonly Host[], onEjection: OnEjection, now = () => performance.now()) {
    this.#hosts = hosts;
    this.#onEjection = onEjection;
    this.#now = now;
  }

  /** @param settings undefined for no detection: every endpoint is used again */
  update(settings: OutlierDetection | undefined): void {
    this.#settings = settings;
    if (settings === undefined) for (const host of this.#hosts()) host.ejectedUntil = 0;
  }

  /** Whether a host is left out. */
  ejected(host: Host): boolean {
    if (host.ejectedUntil === 0) return false;
    if (this.#now() < host.ejectedUntil) return true;
    host.ejectedUntil = 0;
    return false;
  }

  get count(): number {
    return this.#hosts().filter((host) => this.ejected(host)).length;
  }

  /**
   * A try is over.
   * @param status undefined where there was no response
   */
  observe(host: Host, status: number | undefined): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    this.#look(settings);
    const failed = status === undefined || status >= 500;
    if (failed) host.failures++;
    else host.successes++;
    host.consecutive5xx = failed ? host.consecutive5xx + 1 : 0;
    const gateway = status === undefined || (status >= 502 && status <= 504);
    host.consecutiveGatewayFailures = gateway ? host.consecutiveGatewayFailures + 1 : 0;
    const { consecutive5xx: most = 5, consecutiveGatewayFailure: mostGateway = 0 } = settings;
    if (mostGateway > 0 && host.consecutiveGatewayFailures >= mostGateway)
      this.#eject(host, 'consecutive_gateway_failure', settings);
    else if (most > 0 && host.consecutive5xx >= most) this.#eject(host, 'consecutive_5xx', settings);
  }

  #eject(host: Host, reason: EjectionReason, settings: OutlierDetection): void {
    host.consecutive5xx = 0;
    host.consecutiveGatewayFailures = 0;
    if (this.ejected(host)) return;
    const hosts = this.#hosts();
    const { maxEjectionPercent = 10, baseEjectionTime = 30_000, maxEjectionTime = 300_000 } = settings;
    const most = Math.max(1, Math.floor((hosts.length * maxEjectionPercent) / 100));
    if (this.count >= most) return;
    host.ejections++;
    const duration = Math.min(baseEjectionTime * host.ejections, Math.max(maxEjectionTime, baseEjectionTime));
    host.ejectedUntil = this.#now() + duration;
    this.#onEjection(host, reason, duration);
  }

  /** Once each interval: compare the hosts, and forget an ejection of each that was in. */
  #look(settings: OutlierDetection): void {
    const now = this.#now();
    if (now < this.#intervalEnds) return;
    const first = this.#intervalEnds === 0;
    this.#intervalEnds = now + (settings.interval ?? 10_000);
    if (first) return;
    const hosts = this.#hosts();
    this.#compare(hosts, settings);
    for (const host of hosts) {
      if (!this.ejected(host)) host.ejections = Math.max(0, host.ejections - 1);
      host.successes = 0;
      host.failures = 0;
    }
  }

  #compare(hosts: readonly Host[], settings: OutlierDetection): void {
    const { successRate, failurePercentage } = settings;
    if (successRate !== undefined) {
      const { minimumHosts = 5, requestVolume = 100, stdevFactor = 1900 } = successRate;
      const rated = ratedOf(hosts, requestVolume);
      if (rated.length >= minimumHosts) {
        const mean = rated.reduce((sum, [, rate]) => sum + rate, 0) / rated.length;
        const deviation = Math.sqrt(rated.reduce((sum, [, rate]) => sum + (rate - mean) ** 2, 0) / rated.length);
        const least = mean - deviation * (stdevFactor / 1000);
        for (const [host, rate] of rated) if (rate < least) this.#eject(host, 'success_rate', settings);
      }
    }
    if (failurePercentage !== undefined) {
      const { threshold, minimumHosts = 5, requestVolume = 50 } = failurePercentage;
      const rated = ratedOf(hosts, requestVolume);
      if (rated.length >= minimumHosts)
        for (const [host, rate] of rated)
          if (100 - rate >= threshold) this.#eject(host, 'failure_percentage', settings);
    }
  }
}

/** Hosts with enough requests in the interval, and how many of these succeeded, in percent. */
function ratedOf(hosts: readonly Host[], volume: number): [Host, number][] {
  return hosts
    .filter(({ successes, failures }) => successes + failures >= volume)
    .map((host) => [host, (host.successes / (host.successes + host.failures)) * 100]);
}
