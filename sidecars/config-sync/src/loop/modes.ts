/** The two ways to run: once, before the application; and beside it, for good. */
import type { Kit } from '#kit/life/sidecar.ts';
import type { ManagedFile, Outcome } from '../apply/managed-file.ts';
import type { contract } from '../contract.ts';
import type { Outbox } from '../reports/outbox.ts';
import type { Source } from '../sources/source.ts';
import { Watcher } from '../sources/watcher.ts';
import { pause } from '#kit/time/backoff.ts';
import { takeLease } from './lease.ts';
import { leaveToSidecar, putInPlace } from './one-time.ts';
import { Runner } from './runner.ts';

export interface Mode {
  readonly kit: Kit<typeof contract.parameters, typeof contract.metrics>;
  readonly source: Source;
  readonly files: readonly ManagedFile[];
  readonly outbox: Outbox | undefined;
  readonly signal: AbortSignal;
}

/** sysexits.h's EX_UNAVAILABLE. */
const EXIT_UNAVAILABLE = 69;
/** How long one-time mode waits for its reports to be taken, in milliseconds; what is left, the sidecar sends. */
const LAST_REPORTS = 2000;

/** Between looks whether another process has ended, in milliseconds. */
const LEASE_AGAIN = 100;

/** What ends a cycle, for the metrics. */
const ENDS = new Set<Outcome>(['applied', 'rejected', 'rolled_back']);

/** Put every file in place, and end the program: 0 when all are. */
export async function runOnce({ kit, source, files, outbox, signal }: Mode): Promise<void> {
  const { parameters, log, readiness, shutdown } = kit;
  const check = readiness.check('files');
  const onProblem = (problem: string): void => check.fail(problem);
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(parameters.CONFIG_ONE_TIME_TIMEOUT)]);
  const { CONFIG_MAX_SIZE: maxSize, CONFIG_RETRY_MAX: retryMax } = parameters;
  let problems: string[];
  if (await takeLease(parameters.CONFIG_STATE_DIR)) {
    await outbox?.load();
    problems = await putInPlace({ files, source, log, maxSize, retryMax, onProblem, signal: inTime });
  } else problems = await leaveToSidecar({ files, log, onProblem, signal: inTime });
  if (signal.aborted) return;
  for (const problem of problems) log.fatal(`not in place: ${problem}`);
  if (outbox) await sendLast(outbox, signal);
  // Not awaited: the shutdown waits for this to return.
  void shutdown.run('one-time mode', problems.length === 0 ? 0 : EXIT_UNAVAILABLE);
}

async function sendLast(outbox: Outbox, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const until = AbortSignal.any([signal, enough.signal, AbortSignal.timeout(LAST_REPORTS)]);
  const sending = outbox.run(until);
  while (outbox.size > 0 && !until.aborted) await pause(10, until).catch(() => {});
  enough.abort();
  await sending;
}

/** Wait until no other process is at work on the state directory. */
async function ownState({ parameters, log, readiness }: Mode['kit'], signal: AbortSignal): Promise<void> {
  const directory = parameters.CONFIG_STATE_DIR;
  const check = readiness.check('state');
  for (let tries = 0; !signal.aborted && !(await takeLease(directory)); tries++) {
    check.fail(`another sidecar is at work on ${directory}`);
    if (tries === 0) log.warn(`another sidecar is at work on ${directory}: waiting for its end`);
    await pause(LEASE_AGAIN, signal).catch(() => {});
  }
  check.pass();
}

/** Watch and apply until the signal aborts. */
export async function runForever({ kit, source, files, outbox, signal }: Mode): Promise<void> {
  const { parameters, log, metrics, readiness, adminPath } = kit;
  adminPath('/startupz', (_request, response) => void response.writeHead(503).end('starting\n'));
  await ownState(kit, signal);
  await outbox?.load();
  const sourceCheck = readiness.check('source', parameters.CONFIG_MAX_AGE);
  const filesCheck = readiness.check('files');
  let heard: number | undefined;

  const watcher = new Watcher({
    source,
    keys: [...new Set(files.map(({ plan }) => plan.key))],
    period: parameters.UPDATE_FREQUENCY,
    retryMax: parameters.CONFIG_RETRY_MAX,
    log,
    events: {
      told: (key) => runner.told(key),
      found: (key, reading) => runner.found(key, reading),
      unchanged: (key) => runner.unchanged(key),
      verified: () => {
        heard = performance.now();
        sourceCheck.pass();
        metrics.config_last_verified_timestamp_seconds.set(Date.now() / 1000);
      },
      failed: (reason, message) => {
        metrics.config_source_errors_total.inc({ reason });
        // One failure is not the end of what was verified a moment ago.
        if (heard === undefined) sourceCheck.fail(message);
        else if (performance.now() - heard > parameters.CONFIG_MAX_AGE)
          sourceCheck.fail(`nothing was verified for ${Math.round((performance.now() - heard) / 1000)} s: ${message}`);
      },
      connected: (open) => metrics.config_source_connected.set(open ? 1 : 0),
    },
  });
  const runner = new Runner({
    files,
    read: (key) => watcher.read(key, signal),
    maxSize: parameters.CONFIG_MAX_SIZE,
    minInterval: parameters.CONFIG_MIN_INTERVAL,
    retryMax: parameters.CONFIG_RETRY_MAX,
    log,
    signal,
    events: {
      seen: (file) => metrics.config_versions_seen_total.inc({ file }),
      superseded: (file, count) => metrics.config_versions_total.inc({ file, result: 'superseded' }, count),
      ended: (file, outcome, seconds) => {
        if (!ENDS.has(outcome)) return;
        metrics.config_versions_total.inc({ file, result: outcome });
        metrics.config_cycle_duration_seconds.observe({ result: outcome }, seconds);
      },
      storageFailed: (reason) => metrics.config_storage_errors_total.inc({ reason }),
      stepped: () => {
        const { problem } = runner;
        if (problem === undefined) filesCheck.pass();
        else filesCheck.fail(problem);
        for (const { path, in_sync } of runner.status()) metrics.config_in_sync.set({ file: path }, in_sync ? 1 : 0);
      },
    },
  });

  adminPath(
    '/startupz',
    (_request, response) =>
      void response
        .writeHead(runner.inPlace ? 200 : 503)
        .end(runner.inPlace ? 'ok\n' : `${runner.problem ?? 'starting'}\n`),
  );
  adminPath('/status', (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify({ source: parameters.CONFIG_SOURCE, files: runner.status() }, null, 2)}\n`);
  });
  await Promise.all([runner.run(), watcher.run(signal), outbox?.run(signal)]);
}
