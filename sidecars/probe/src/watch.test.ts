/** A watch as a whole, in a pod of the test's own making and at a clock that it turns. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '#kit/time/backoff.ts';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import type { ProbeResult } from '#kit/net/probes.ts';
import { Readiness } from '#kit/life/readiness.ts';
import { contract } from './contract.ts';
import { Restarts } from './life/restarts.ts';
import { AmbiguousProcess, type Container } from './pod/container.ts';
import type { Pod } from './pod/pod.ts';
import type { Target } from './targets/target.ts';
import { Watch } from './watch.ts';

const TARGET: Target = {
  name: 'app',
  process: 'app.py',
  check: { kind: 'http', url: 'http://127.0.0.1:8000/', headers: {} },
  initialDelay: 0,
  period: 1000,
  timeout: 500,
  failureThreshold: 2,
  gracePeriod: 1000,
};
const signal = new AbortController().signal;

function stage(target: Partial<Target> = {}, { budget = 3 } = {}) {
  let now = 0;
  let life = 1;
  const world = {
    there: true,
    well: true,
    age: 1e6,
    denied: undefined as string | undefined,
    ambiguous: false,
    goesMeanwhile: false,
    onProbe: () => {},
  };
  const ended: string[] = [];
  const lines: { level: string; msg: string }[] = [];
  const say =
    (level: string) =>
    (_about: unknown, msg?: string): void =>
      void lines.push({ level, msg: msg ?? '' });
  const pod: Pod = {
    find: () => {
      if (world.ambiguous) throw new AmbiguousProcess('app.py', 2);
      return world.there ? ({ life: String(life), group: 'app', root: { pid: life } } as Container) : undefined;
    },
    age: () => world.age,
    denied: () => world.denied,
    probe: async (): Promise<ProbeResult> => {
      world.onProbe();
      if (world.goesMeanwhile) life += 1;
      world.goesMeanwhile = false;
      return world.well ? { ok: true, ms: 1 } : { ok: false, ms: 1, reason: 'no answer' };
    },
    end: async (_target, container) => {
      ended.push(container.life);
      life += 1;
      return 'kill';
    },
  };
  const registry = new Registry();
  const readiness = new Readiness(() => now);
  const restarts = new Restarts({
    backoff: new Backoff({ initial: 10_000, max: 40_000, random: () => 1 }),
    resetAfter: 600_000,
    budget,
    window: 3_600_000,
    now: () => now,
  });
  const watch = new Watch({
    target: { ...TARGET, ...target },
    pod,
    restarts,
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    metrics: createMetrics(contract.metrics, registry),
    ready: readiness.check('app', 10_000),
    now: () => now,
  });
  /** Step, and turn the clock to the next. */
  const steps = async (count: number): Promise<void> => {
    for (let step = 0; step < count; step++) now += await watch.step(signal);
  };
  const metric = async (sample: string): Promise<number> =>
    Number(
      registry
        .metrics()
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')
        .at(-1),
    );
  return {
    world,
    ended,
    lines,
    watch,
    steps,
    metric,
    ready: () => readiness.report(),
    now: () => now,
  };
}

test('a healthy target is probed once a period, and left alone', async () => {
  const { steps, metric, ended, ready, now, watch } = stage();
  await steps(5);
  assert.is(now(), 5000);
  assert.is(await metric('probe_checks_total{target="app",result="success"}'), 5);
  assert.is(await metric('probe_target_up{target="app"}'), 1);
  assert.equal(ended, []);
  assert.ok(ready().ready);
  assert.is(watch.status().state, 'healthy');
});

test('a dead target is told to stop, with one line that says why', async () => {
  const { world, steps, metric, ended, lines } = stage();
  await steps(1);
  world.well = false;
  await steps(2);
  assert.equal(ended, ['1']);
  assert.is(await metric('probe_restarts_total{target="app",by="kill"}'), 1);
  assert.is(await metric('probe_restart_budget_left{target="app"}'), 2);
  assert.equal(
    lines.filter(({ msg }) => msg.includes('told to stop')).map(({ msg }) => msg),
    ['app failed its probe 2 times in a row, last because no answer: told to stop'],
  );
});

test('one that stays dead waits for its back-off, said once, and is restarted after it', async () => {
  const { world, steps, metric, ended, lines, now, ready } = stage();
  world.well = false;
  await steps(2);
  const first = now();
  await steps(8);
  assert.equal(ended, ['1'], 'within 10 s it is left alone');
  assert.ok(ready().ready, 'the probe does its job');
  assert.is(lines.filter(({ msg }) => msg.includes('is dead and waits')).length, 1);
  assert.ok((await metric('probe_restarts_withheld_total{target="app",reason="backoff"}')) > 1);
  await steps(4);
  assert.equal(ended, ['1', '2']);
  assert.ok(now() - first >= 10_000);
});

test('a budget that is used up ends the restarts, loudly', async () => {
  const { world, steps, metric, ended, lines, ready } = stage({}, { budget: 2 });
  world.well = false;
  await steps(200);
  assert.equal(ended, ['1', '2']);
  assert.match(ready().checks['app']!.reason!, /budget of restarts is used up/);
  assert.is(lines.filter(({ level }) => level === 'error').length, 1);
  assert.is(await metric('probe_restart_budget_left{target="app"}'), 0);
  world.onProbe = () => assert.not(ready().ready, 'not even while it is being probed');
  await steps(1);
  world.onProbe = () => {};
  world.well = true;
  await steps(2);
  assert.ok(ready().ready, 'it came to life by itself');
});

test('a target that is away is no failure, and makes the probe unready', async () => {
  const { world, steps, metric, ended, ready, watch } = stage();
  await steps(1);
  world.there = false;
  world.well = false;
  await steps(10);
  assert.equal(ended, []);
  assert.is(await metric('probe_checks_total{target="app",result="failure"}'), 0);
  assert.is(await metric('probe_target_present{target="app"}'), 0);
  assert.match(ready().checks['app']!.reason!, /no process named app\.py/);
  assert.is(watch.status().state, 'away');
});

test('a probe that failed because the container went meanwhile is no failure', async () => {
  const { world, steps, metric, ended } = stage({ failureThreshold: 1 });
  await steps(1);
  world.well = false;
  world.goesMeanwhile = true;
  await steps(1);
  assert.is(await metric('probe_checks_total{target="app",result="failure"}'), 0);
  assert.equal(ended, []);
  await steps(1);
  assert.equal(ended, ['2'], 'one that fails while the container is there is one');
});

test('it is not probed before its initial delay is over', async () => {
  const { world, steps, metric, now } = stage({ initialDelay: 5000 });
  world.age = 2500;
  await steps(1);
  assert.is(now(), 1000, 'looked at again soon, for it may go');
  assert.ok(!(await metric('probe_checks_total{target="app",result="success"}')));
  world.age = 5000;
  await steps(1);
  assert.is(await metric('probe_checks_total{target="app",result="success"}'), 1);
});

test('a slow start is probed by its startup probe; the liveness probe takes over after it', async () => {
  const startup = { ...TARGET, check: { kind: 'tcp', host: '127.0.0.1', port: 8000 }, period: 3000 } as const;
  const { world, steps, metric, ended, lines, now, watch } = stage({ startup: { ...startup, failureThreshold: 30 } });
  world.well = false;
  await steps(20);
  assert.equal([ended, now(), watch.status().state], [[], 60_000, 'starting']);
  assert.is(watch.status().probe, 'tcp://127.0.0.1:8000');
  assert.is(await metric('probe_checks_total{target="app",result="starting"}'), 20);
  assert.is(await metric('probe_checks_total{target="app",result="failure"}'), 0);
  assert.equal(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    ['info app is there', 'info app has not started yet: no answer'],
  );
  world.well = true;
  await steps(1);
  assert.is(watch.status().state, 'healthy');
  assert.is(watch.status().probe, 'http://127.0.0.1:8000/');
  world.well = false;
  await steps(2);
  assert.equal(ended, ['1'], 'two failures are enough now');
});

test('one that never starts is told to stop, and said to have failed its startup probe', async () => {
  const { world, steps, ended, lines } = stage({ startup: { ...TARGET, failureThreshold: 5 } });
  world.well = false;
  await steps(4);
  assert.equal(ended, []);
  await steps(1);
  assert.equal(ended, ['1']);
  assert.is(
    lines.findLast(({ level }) => level === 'warn')!.msg,
    'app failed its startup probe 5 times in a row, last because no answer: told to stop',
  );
});

test('a process that may not be signalled is still probed, and the probe says it can do no more', async () => {
  const { world, steps, metric, ended, lines, ready } = stage();
  world.denied = 'process 1 is of user 0';
  world.well = false;
  await steps(5);
  assert.equal(ended, []);
  assert.is(ready().checks['app']!.reason, 'process 1 is of user 0');
  assert.ok((await metric('probe_restarts_withheld_total{target="app",reason="denied"}')) > 0);
  assert.is(lines.filter(({ level }) => level === 'error').length, 1);
});

test('one that cannot be told from another is left alone', async () => {
  const { world, steps, ended, ready } = stage();
  world.well = false;
  world.ambiguous = true;
  await steps(5);
  assert.equal(ended, []);
  assert.match(ready().checks['app']!.reason!, /2 containers run a process named app\.py/);
  world.ambiguous = false;
  await steps(1);
  assert.ok(ready().ready);
});

test('probes never pile up: a slow one makes the next later, not more', async () => {
  const { watch } = stage();
  let running = 0;
  let most = 0;
  let count = 0;
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  watch.step = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (++count === 20) resolve();
    return 0;
  };
  const ended = watch.run(stop.signal);
  await promise;
  stop.abort();
  await ended;
  assert.is(most, 1);
});

test.run();
