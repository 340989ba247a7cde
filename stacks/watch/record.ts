/**
 * Record the series by which alerts fire: `node stacks/watch/record.ts PROJECT`, beside a stack that is up
 * (`npm run stack -- watch --keep` names the project). It asks the shop twice a second, breaks one part of it after the
 * other, and writes what Prometheus has scraped meanwhile, with the alerts that it raised, to recorded.json, for
 * `promtool test rules` (rules.engine.test.ts). It takes half an hour.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from '#kit/net/http-client.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { recordingOf, RECORDINGS } from '../../scripts/prometheus/recording.ts';
import { CONTRACTS } from '../../tools/dashboards/command.ts';

const project = process.argv[2];
if (project === undefined) throw new Error('usage: node stacks/watch/record.ts PROJECT');
const SHORT = { timeoutMs: 120_000 };
const MINUTE = 60_000;
const RESTARTS = 4;

const container = (service: string): string => `${project}-${service}-1`;
const stop = (service: string) => () => docker(['stop', container(service)], SHORT);
const start = (service: string) => () => docker(['start', container(service)], SHORT);

/** What is broken, in minutes since the begin. */
const FAULTS: readonly { readonly minute: number; readonly what: string; readonly act: () => Promise<unknown> }[] = [
  { minute: 1, what: 'the collector of spans stops', act: stop('watch') },
  { minute: 2, what: 'the application stops', act: stop('front') },
  { minute: 9, what: 'the application starts', act: start('front') },
  { minute: 10, what: 'the catalogue, in the mesh, stops', act: stop('catalogue') },
  { minute: 17, what: 'the catalogue starts', act: start('catalogue') },
  { minute: 18, what: 'the cache, which is auth’s application, stops', act: stop('cache') },
  { minute: 21, what: 'the cache starts, and auth stops', act: () => start('cache')().then(stop('auth')) },
  { minute: 27, what: 'auth starts, and the collector', act: () => start('auth')().then(start('watch')) },
  { minute: 28, what: `tls is restarted ${RESTARTS} times`, act: restarts },
];
const MINUTES = 31;

async function restarts(): Promise<void> {
  for (let count = 0; count < RESTARTS; count += 1) {
    await docker(['restart', container('tls')], SHORT);
    await pause(10_000);
  }
}

async function portOf(service: string, port: number): Promise<string> {
  return (await docker(['port', container(service), String(port)], SHORT)).trim().split('\n', 1)[0]!;
}

const shop = await portOf('front-pod', 8443);
const prometheus = await portOf('prometheus', 9090);
const query = async <T>(path: string, parameters: Record<string, string>): Promise<T> => {
  const { body } = await request(`http://${prometheus}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, {
    timeout: MINUTE,
    maxBody: 64 * 1024 * 1024,
  });
  return (JSON.parse(String(body)) as { data: { result: T } }).data.result;
};

const ended = new AbortController();
const asking = (async () => {
  while (!ended.signal.aborted) {
    // Nothing of it is believed but what the sidecars count of it.
    await request(`https://${shop}/product/mug?${randomUUID()}`, { insecure: true, timeout: 5000 }).catch(() => {});
    await pause(500);
  }
})();

const began = Date.now();
for (const { minute, what, act } of FAULTS) {
  await pause(Math.max(0, began + minute * MINUTE - Date.now()));
  process.stdout.write(`${minute} min: ${what}\n`);
  await act();
}
await pause(Math.max(0, began + MINUTES * MINUTE - Date.now()));
const recording = await recordingOf([...CONTRACTS.values()], query, began, {
  by: 'npm run stack -- watch --keep; node stacks/watch/record.ts PROJECT',
  minutes: MINUTES,
  faults: FAULTS.map(({ minute, what }) => `${minute} min: ${what}`),
});
ended.abort();
await asking;
writeFileSync(join(import.meta.dirname, '../..', RECORDINGS.stack), `${JSON.stringify(recording, null, 1)}\n`);
process.stdout.write(`${Object.keys(recording.series).length} series; fired: ${recording.fired.join(', ')}\n`);
