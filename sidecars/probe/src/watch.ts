/** One target's watch: look, probe, and restart it when its probe has failed often enough. */
import { pause } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { ProbeResult } from '#kit/net/probes.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { contract } from './contract.ts';
import { Liveness, type State } from './life/liveness.ts';
import type { Restarts } from './life/restarts.ts';
import { AmbiguousProcess, type Container } from './pod/container.ts';
import type { Pod } from './pod/pod.ts';
import { describe, type Probe, type Target } from './targets/target.ts';

export interface WatchOptions {
  readonly target: Target;
  readonly pod: Pod;
  readonly restarts: Restarts;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics<typeof contract.metrics>, keyof typeof contract.metrics>;
  /** Passes while the target can be watched and restarted. */
  readonly ready: ReadinessCheck;
  readonly now?: () => number;
}

/** A target for `/targets`. */
export interface Status {
  readonly target: string;
  readonly process: string;
  readonly probe: string;
  readonly state: State;
  readonly failures: number;
  readonly reason?: string;
  readonly restarts: number;
  readonly budget_left: number;
}

/** While a container is away it is looked for this often at least, in milliseconds. */
const LOOK = 1000;

export class Watch {
  readonly #options: Required<WatchOptions>;
  readonly #liveness: Liveness;
  #restarts = 0;
  /** The life of the container that was last seen. */
  #life: string | undefined;
  /** Why a failed target is left alone, so that it is said once. */
  #withheld: 'backoff' | 'budget' | undefined;
  /** Why it could not be restarted at all, so that it is said once. */
  #obstacle: string | undefined;

  constructor({ now = () => performance.now(), ...options }: WatchOptions) {
    this.#options = { now, ...options };
    this.#liveness = new Liveness(options.target);
    const { target, metrics, restarts } = options;
    for (const result of ['success', 'failure']) metrics.probe_checks_total.inc({ target: target.name, result }, 0);
    for (const by of ['term', 'kill']) metrics.probe_restarts_total.inc({ target: target.name, by }, 0);
    metrics.probe_restart_budget_left.set({ target: target.name }, restarts.left);
  }

  /** Watch until the signal aborts. One step ends before the next begins, so probes never pile up. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = await this.step(signal);
      await pause(wait, signal).catch(() => {});
    }
  }

  /**
   * Look once, probe when it is due, act when it must be.
   * @returns milliseconds until the next step
   */
  async step(signal: AbortSignal): Promise<number> {
    const { target, pod, now } = this.#options;
    const started = now();
    try {
      const container = pod.find(target);
      const wait = this.#see(container);
      if (container === undefined || wait === undefined) return Math.min(this.#probe.period, LOOK);
      if (wait > 0) return Math.min(wait, LOOK);
      const result = await pod.probe(this.#probe, container, signal);
      // What a shutdown of ours cut short says nothing about the target, and neither does what failed
      // because the container went meanwhile.
      if (signal.aborted) return 0;
      if (!result.ok && pod.find(target)?.life !== container.life) return 0;
      if (this.#record(container, result) === 'dead') await this.#restart(container, signal);
    } catch (error) {
      if (signal.aborted) return 0;
      if (!(error instanceof AmbiguousProcess)) throw error;
      this.#cannot(error.message);
    }
    return Math.max(0, this.#probe.period - (now() - started));
  }

  status(): Status {
    const { target, restarts } = this.#options;
    const { state, failures, reason } = this.#liveness;
    return {
      target: target.name,
      process: target.process,
      probe: describe(this.#probe.check),
      state,
      failures,
      ...(reason !== undefined && { reason }),
      restarts: this.#restarts,
      budget_left: restarts.left,
    };
  }

  /** The one whose turn it is. */
  get #probe(): Probe {
    const { target } = this.#options;
    return this.#liveness.started ? target : (target.startup ?? target);
  }

  /** Take note of the container, and of whether we could restart it. */
  #see(container: Container | undefined): number | undefined {
    const { target, pod, ready, metrics, restarts, log } = this.#options;
    const { name } = target;
    const wait = this.#liveness.see(container && { life: container.life, age: pod.age(container) });
    metrics.probe_target_present.set({ target: name }, container ? 1 : 0);
    metrics.probe_restart_budget_left.set({ target: name }, restarts.left);
    if (container?.life !== this.#life) {
      this.#life = container?.life;
      this.#withheld = undefined;
      restarts.unhealthy();
      if (container) log.info({ target: name, pid: container.root.pid }, `${name} is there`);
      else log.info({ target: name }, `${name} is away`);
    }
    if (container === undefined) {
      metrics.probe_target_up.set({ target: name }, 0);
      ready.fail(`no process named ${target.process}: does it run, and is the pid namespace shared?`);
      return undefined;
    }
    const denied = pod.denied(container);
    if (denied !== undefined) this.#cannot(denied);
    else {
      this.#obstacle = undefined;
      if (this.#withheld !== 'budget') ready.pass();
    }
    return wait;
  }

  #record({ life }: Container, result: ProbeResult): State {
    const { target, metrics, restarts, log } = this.#options;
    const { name } = target;
    const { state: before, started } = this.#liveness;
    const state = this.#liveness.record(life, result);
    const { failures, reason } = this.#liveness;
    metrics.probe_duration_seconds.observe({ target: name }, result.ms / 1000);
    metrics.probe_checks_total.inc({ target: name, result: result.ok ? 'success' : started ? 'failure' : 'starting' });
    metrics.probe_target_up.set({ target: name }, result.ok ? 1 : 0);
    metrics.probe_failures_in_a_row.set({ target: name }, failures);
    if (result.ok) {
      restarts.healthy();
      this.#withheld = undefined;
      if (before !== 'healthy') log.info({ target: name }, `${name} is healthy`);
    } else {
      restarts.unhealthy();
      if (failures === 1 && started) log.warn({ target: name, reason }, `${name} failed a probe: ${reason}`);
      else if (failures === 1) log.info({ target: name, reason }, `${name} has not started yet: ${reason}`);
    }
    return state;
  }

  async #restart(container: Container, signal: AbortSignal): Promise<void> {
    const { target, pod, restarts, log, metrics } = this.#options;
    const { name } = target;
    const { failures, reason, started } = this.#liveness;
    const probe = this.#probe;
    if (pod.denied(container) !== undefined) {
      metrics.probe_restarts_withheld_total.inc({ target: name, reason: 'denied' });
      return;
    }
    const verdict = restarts.ask();
    if (!verdict.allowed) {
      this.#withhold(verdict.reason, verdict.wait);
      return;
    }
    this.#restarts += 1;
    restarts.restarted();
    const about = { target: name, pid: container.root.pid, probe: describe(probe.check), failures, reason };
    log.warn(
      { ...about, restart: this.#restarts, budget_left: restarts.left },
      `${name} failed its ${started ? 'probe' : 'startup probe'} ${failures} times in a row, last because ${reason}: told to stop`,
    );
    const by = await pod.end(
      probe,
      container,
      () => log.warn(about, `${name} did not stop within ${probe.gracePeriod / 1000} s: killed`),
      signal,
    );
    metrics.probe_restarts_total.inc({ target: name, by });
    metrics.probe_restart_budget_left.set({ target: name }, restarts.left);
    if (by === 'stuck') log.error(about, `${name} outlives even SIGKILL: the kernel holds it`);
  }

  /** A failed target is left running. */
  #withhold(reason: 'backoff' | 'budget', wait: number): void {
    const { target, ready, log, metrics, restarts } = this.#options;
    metrics.probe_restarts_withheld_total.inc({ target: target.name, reason });
    const until = Number.isFinite(wait) ? ` for ${Math.ceil(wait / 1000)} s` : '';
    const why =
      reason === 'budget'
        ? `its budget of restarts is used up${until}`
        : `it was restarted just now, the back-off goes on${until}`;
    if (reason === 'budget') ready.fail(`${target.name} is dead, and ${why}`);
    if (this.#withheld === reason) return;
    this.#withheld = reason;
    const { failures, reason: last } = this.#liveness;
    const about = { target: target.name, failures, reason: last, withheld: reason, budget_left: restarts.left };
    if (reason === 'budget') log.error(about, `${target.name} is dead and stays: ${why}`);
    else log.warn(about, `${target.name} is dead and waits: ${why}`);
  }

  /** The target can be seen, but not be told apart, or not be signalled. */
  #cannot(message: string): void {
    const { target, ready, log } = this.#options;
    ready.fail(message);
    if (this.#obstacle === message) return;
    this.#obstacle = message;
    log.error({ target: target.name }, `${target.name} could not be restarted: ${message}`);
  }
}
