/**
 * The good client's process, in the pod: `node witness.ts SUITE SECONDS SETTLE PATIENCE`. It asks one thing after the other while
 * the attack goes on, looks at the admin port, then waits for the counts to return to zero; its last line is a report.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSuite } from './suite.ts';

export interface Witnessed {
  readonly requests: number;
  /** What went wrong, the first few. */
  readonly failures: readonly string[];
  /** In milliseconds: of good requests, and of answers of the admin port. */
  readonly p99: number;
  readonly slowest: number;
  readonly adminSlowest: number;
  /** Gauges that were not 0 in time, and counters that are not. */
  readonly wrong: readonly string[];
}

/** One good request each, in milliseconds. */
const PACE = 10;
const ADMIN_PACE = 250;
const MOST_FAILURES = 10;

const [name = '', seconds = '5', settle = '30', patience = '10'] = process.argv.slice(2);
/** How long one request may take, in milliseconds. */
const PATIENCE = Number(patience) * 1000;
const suite = await loadSuite(name);
const failures: string[] = [];
const times: number[] = [];
let adminSlowest = 0;
const end = performance.now() + Number(seconds) * 1000;

await Promise.all([visit(), look()]);
const wrong = await settled();
times.sort((one, other) => one - other);
console.log(
  JSON.stringify({
    requests: times.length,
    failures,
    p99: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
    slowest: Math.round(times.at(-1) ?? 0),
    adminSlowest: Math.round(adminSlowest),
    wrong,
  } satisfies Witnessed),
);
process.exit(0);

async function visit(): Promise<void> {
  while (performance.now() < end) {
    const start = performance.now();
    try {
      await suite.good(AbortSignal.timeout(PATIENCE));
    } catch (error) {
      if (failures.length < MOST_FAILURES) failures.push((error as Error).message);
    }
    times.push(performance.now() - start);
    await sleep(PACE);
  }
}

async function look(): Promise<void> {
  while (performance.now() < end) {
    const start = performance.now();
    await fetch(`${suite.admin}/healthz`, { signal: AbortSignal.timeout(3 * PATIENCE) })
      .then(async (answer) => answer.text())
      .catch((error: Error) => failures.push(`admin port: ${error.message}`));
    adminSlowest = Math.max(adminSlowest, performance.now() - start);
    await sleep(ADMIN_PACE);
  }
}

/** @returns what is not 0 although everybody has gone */
async function settled(): Promise<string[]> {
  const late = performance.now() + Number(settle) * 1000;
  for (;;) {
    // A sidecar that was killed refuses connections until it is back; that it ended is seen from outside.
    const metrics = await fetch(`${suite.admin}/metrics`)
      .then(async (answer) => answer.text())
      .catch(() => undefined);
    if (metrics === undefined && performance.now() < late) {
      await sleep(200);
      continue;
    }
    if (metrics === undefined) return ['the admin port does not answer'];
    const names = [...suite.gauges, ...suite.never];
    // A metric that has another name by now would never be above 0.
    const unknown = names.filter((name) => !metrics.includes(`# TYPE ${name.replace(/\{.*/, '')} `));
    if (unknown.length > 0) return unknown.map((name) => `the suite names ${name}, which is no metric of the sidecar`);
    const above = names.flatMap((metric) =>
      [...metrics.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (.+)$`, 'gm'))]
        .filter(([, value]) => Number(value) !== 0)
        .map(([line]) => line),
    );
    if (above.length === 0 || performance.now() > late) return above;
    await sleep(200);
  }
}
