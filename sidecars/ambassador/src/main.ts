/** The ambassador sidecar's program. */
import { runSidecar, type Kit } from '#kit/sidecar.ts';
import { contract } from './contract.ts';

/** How many periods may pass without a success until it counts as not ready. */
const MISSED = 3;

function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
}: Kit<typeof contract.parameters, typeof contract.metrics>): void {
  const period = parameters.AMBASSADOR_PERIOD;
  const ready = readiness.check('said', MISSED * period);
  const say = (): void => {
    log.info('still here');
    metrics.ambassador_times_total.inc();
    ready.pass();
  };
  say();
  const timer = setInterval(say, period);
  shutdown.step('timer', () => Promise.resolve(clearInterval(timer)));
}

await runSidecar(contract, job);
