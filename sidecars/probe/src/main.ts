/** The probe sidecar's program. */
import { Backoff } from '#kit/time/backoff.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { Restarts } from './life/restarts.ts';
import { pod } from './pod/pod.ts';
import { readTargets } from './targets/read.ts';
import type { Probe } from './targets/target.ts';
import { Watch } from './watch.ts';

/** How many periods may pass without a look until a watch counts as gone. */
const MISSED = 3;

function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
  adminPath,
}: Kit<typeof contract.parameters, typeof contract.metrics>): void {
  const targets = readTargets(parameters);
  const stop = new AbortController();
  const watches = targets.map((target) => {
    const backoff = new Backoff({ initial: parameters.PROBE_BACKOFF_INITIAL, max: parameters.PROBE_BACKOFF_MAX });
    const restarts = new Restarts({
      backoff,
      resetAfter: parameters.PROBE_BACKOFF_RESET,
      budget: parameters.PROBE_RESTART_BUDGET,
      window: parameters.PROBE_RESTART_WINDOW,
    });
    const maxAge = (probe: Probe): number => MISSED * (probe.period + probe.timeout) + probe.gracePeriod;
    const ready = readiness.check(target.name, Math.max(maxAge(target), maxAge(target.startup ?? target)));
    return new Watch({ target, pod, restarts, log, metrics, ready });
  });
  adminPath('/targets', (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(watches.map((watch) => watch.status()))}\n`);
  });
  const ended = Promise.all(watches.map((watch) => watch.run(stop.signal)));
  shutdown.step('watches', async () => {
    stop.abort(new Error('shutting down'));
    await ended;
  });
}

await runSidecar(contract, job);
