/** What a scenario's process is believed, and what not: each way to be green without a check is red. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Project } from '../lib/compose.ts';
import { freePort } from '#kit/testing/ports.ts';
import { findStack, ROOT } from '../lib/stacks.ts';
import type { RunEvent } from './events.ts';
import { runScenario, type ScenarioOutcome } from './scenario-process.ts';

const test = suite('scenario process');

// Below the project, so that a scenario finds uvu.
mkdirSync(join(ROOT, '.cache'), { recursive: true });
const stacks = mkdtempSync(join(ROOT, '.cache', 'stacks-'));
test.after(() => rmSync(stacks, { recursive: true }));
let count = 0;
/** Nobody listens there. */
const PORT = String(await freePort());

interface Options {
  readonly timeout?: number;
  readonly inOrder?: boolean;
  readonly emit?: (event: RunEvent) => void;
  /** As on podman, where nothing of the stack is. */
  readonly podman?: boolean;
}

/** Run a scenario of these lines; its stack publishes a port, is not up, and needs no engine. */
async function outcome(lines: readonly string[], options: Options = {}): Promise<ScenarioOutcome> {
  const name = `s${(count += 1)}`;
  const dir = join(stacks, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'compose.yaml'), 'services:\n  pod:\n    ports: ["127.0.0.1:${PUBLISH_WEB:-1}:80"]\n');
  writeFileSync(join(dir, '.env'), 'PUBLISH_WEB=1\n');
  writeFileSync(
    join(dir, 'scenario.ts'),
    [`import { scenario } from '${join(ROOT, 'scripts/scenario/scenario.ts')}';`, ...lines].join('\n'),
  );
  process.env['STACKS_DIR'] = stacks;
  const stack = findStack(name);
  const project = new Project({ name: `run-${name}`, dir, env: { PUBLISH_WEB: PORT } });
  const { timeout = 20_000, inOrder = false, emit = () => {}, podman = false } = options;
  const layout = join(dir, 'layout.json');
  writeFileSync(layout, JSON.stringify({ on: 'podman', engine: 'none', network: 'none', services: {}, pods: {} }));
  return runScenario(stack, project, {
    timeout,
    inOrder,
    emit,
    signal: new AbortController().signal,
    layout: podman ? layout : undefined,
  });
}

const BEGIN = 'const stack = scenario(import.meta.url);';
const PASS = "stack.must('pass', {}, () => {});";
const RUN = 'stack.run();';

test('a scenario whose obligations pass, passes', async () => {
  const { failure, obligations } = await outcome([BEGIN, PASS, RUN]);
  assert.is(failure, undefined);
  assert.equal(
    obligations.map(({ state }) => state),
    ['passed'],
  );
});

test('a process that a scenario leaves behind does not hold up the run', async () => {
  const LEAVE = [
    "import { spawn } from 'node:child_process';",
    "spawn('sleep', ['60'], { detached: true, stdio: 'inherit' }).unref();",
  ];
  const began = performance.now();
  const { failure } = await outcome([...LEAVE, BEGIN, PASS, RUN]);
  assert.is(failure?.reason, 'scenario');
  assert.match(failure!.message, /still there, and holds its output/);
  assert.ok(performance.now() - began < 40_000);
});

const NEEDS = "stack.must('have compose', { needs: 'compose' }, () => { throw new Error('carried out'); });";

test('what an obligation needs and podman lacks is a skip with its reason; on compose it runs', async () => {
  const events: RunEvent[] = [];
  const { failure, obligations } = await outcome([BEGIN, NEEDS, PASS, RUN], {
    podman: true,
    emit: (event) => void events.push(event),
  });
  assert.is(failure, undefined);
  assert.equal(
    obligations.map(({ name, state }) => [name, state]),
    [
      ['have compose', 'skipped'],
      ['pass', 'passed'],
    ],
  );
  assert.match(obligations[0]!.reason ?? '', /docker compose/);
  const told = events.find((event) => event.event === 'obligation' && event.state === 'skipped');
  assert.match((told as { reason?: string }).reason ?? '', /docker compose/);
  const onCompose = await outcome([BEGIN, NEEDS, PASS, RUN]);
  assert.equal(
    onCompose.obligations.map(({ state }) => state),
    ['failed', 'passed'],
  );
});

const unless = (reason: string): string =>
  `stack.must('have an image', { unless: async () => ${reason} }, () => { throw new Error('carried out'); });`;

test('what a machine cannot check is a skip with its reason; a check that nobody knows of runs', async () => {
  for (const [reason, state] of [
    ["'no image'", 'skipped'],
    ['undefined', 'failed'],
    ["{ throw new Error('no engine'); }", 'failed'],
  ] as const) {
    const { obligations } = await outcome([BEGIN, unless(reason), PASS, RUN]);
    assert.equal(
      obligations.map((each) => each.state),
      [state, 'passed'],
    );
    assert.is(obligations[0]!.reason, state === 'skipped' ? 'no image' : undefined);
    if (state === 'failed') assert.match(obligations[0]!.failure!.message, 'carried out');
  }
});

test('a scenario of which everything is skipped has checked nothing', async () => {
  const { failure } = await outcome([BEGIN, NEEDS, RUN], { podman: true });
  assert.is(failure?.reason, 'no-obligations');
});

for (const [what, lines, why] of [
  ['after run()', [BEGIN, PASS, RUN, "stack.must('late', {}, () => {});"], /must\("late"\) came after run\(\)/],
  [
    'after run(), with the error caught',
    [BEGIN, PASS, RUN, "try { stack.must('late', {}, () => {}); } catch {}"],
    /must\("late"\) came after run\(\)/,
  ],
  [
    'inside another',
    [BEGIN, "stack.must('outer', {}, () => stack.must('inner', {}, () => { throw new Error('x'); }));", RUN],
    /must\("inner"\) came after run\(\)/,
  ],
  [
    'in a lane of its own, added later',
    [BEGIN, PASS, RUN, "setTimeout(() => stack.lane('x').must('later', {}, () => {}), 0);"],
    /must\("later"\) came after run\(\)/,
  ],
  [
    'on a second scenario()',
    [BEGIN, PASS, RUN, 'const other = scenario(import.meta.url);', "other.must('other', {}, () => {});"],
    /a second was begun/,
  ],
] as const)
  test(`an obligation ${what} is not dropped in silence`, async () => {
    const { failure } = await outcome(lines);
    assert.is(failure?.reason, 'scenario');
    assert.match(failure!.message, why);
  });

const MUST = (name: string, body: string): string => `stack.must('${name}', {}, ${body});`;
const NEVER = MUST('never', "() => { throw new Error('carried out'); }");
const LATER = 'await new Promise((resolve) => setTimeout(resolve, 100));';

for (const [how, ...lines] of [
  ['exit(0) in an obligation', MUST('leave', '() => process.exit(0)'), NEVER, RUN],
  ['exit(0) after run()', PASS, NEVER, RUN, 'process.exit(0);'],
  ['exit(0) from a timer', MUST('wait', `async () => { setTimeout(() => process.exit(0), 10); ${LATER} }`), NEVER, RUN],
  ['exit(0) in finally()', PASS, NEVER, 'stack.finally(() => process.exit(0));', RUN],
  ['an exit code set to 0 at the exit', NEVER, "process.on('exit', () => { process.exitCode = 0; });", RUN],
  ['SIGKILL', MUST('die', "() => process.kill(process.pid, 'SIGKILL')"), NEVER, RUN],
  [
    'SIGTERM with a handler that exits with 0',
    "process.on('SIGTERM', () => process.exit(0));",
    MUST('end', `async () => { process.kill(process.pid, 'SIGTERM'); ${LATER} }`),
    NEVER,
    RUN,
  ],
  [
    'nothing left to wait for',
    MUST('stall', '() => { process.channel.unref(); return new Promise(() => {}); }'),
    NEVER,
    RUN,
  ],
  ['the channel closed', MUST('hang up', '() => process.disconnect()'), NEVER, RUN],
  ['the channel closed, though all passed', MUST('hang up', '() => process.disconnect()'), PASS, RUN],
  ['an await at the top that never ends', PASS, 'await new Promise(() => {});', RUN],
  ['run() that is never reached', PASS, 'if (process.pid === 0) stack.run();'],
  ['an exception at the top after run()', PASS, RUN, "throw new Error('x');"],
  [
    'an exception from a timer',
    MUST('wait', `async () => { setTimeout(() => { throw new Error('x'); }, 10); ${LATER} }`),
    RUN,
  ],
  ['a missing await', MUST('forget', `async () => { void (async () => { throw new Error('x'); })(); ${LATER} }`), RUN],
  [
    'a missing await and an own handler of rejections',
    "process.on('unhandledRejection', () => {});",
    MUST('forget', `async () => { void (async () => { throw new Error('x'); })(); ${LATER} }`),
    RUN,
  ],
  [
    'a missing await and an own handler of exceptions',
    "process.on('uncaughtException', () => {});",
    MUST('forget', `async () => { void (async () => { throw new Error('x'); })(); ${LATER} }`),
    RUN,
  ],
  ['finally() that throws', PASS, "stack.finally(() => { throw new Error('x'); });", RUN],
  ['an obligation that rejects with nothing', MUST('reject', '() => Promise.reject()'), RUN],
  [
    'an obligation in a lane behind one that ended the process',
    "stack.lane('a').must('leave', {}, () => process.exit(0));",
    "stack.lane('b').must('late', {}, async () => { await new Promise((resolve) => setTimeout(resolve, 1000)); });",
    RUN,
  ],
] as const)
  test(`a scenario that ends by ${how} is red`, async () => {
    const { failure, obligations } = await outcome([BEGIN, ...lines]);
    const said = JSON.stringify(obligations);
    assert.ok(failure !== undefined || obligations.some(({ state }) => state === 'failed'), said);
  });

test('run() twice is red', async () => {
  assert.match((await outcome([BEGIN, PASS, RUN, RUN])).failure!.message, /run\(\) was called twice/);
});

test("uvu's own .only, .skip and a suite that is never run are red", async () => {
  const uvu = "import { suite } from 'uvu'; const own = suite('own');";
  const message = async (...lines: string[]): Promise<string | undefined> =>
    (await outcome([uvu, BEGIN, PASS, ...lines, RUN])).failure?.message;
  assert.match((await message("own('a', () => {});"))!, /\.run\(\) is missing: own/);
  assert.match((await message("own.skip('a', () => {});", 'own.run();'))!, /\.skip drops "a"/);
  assert.match((await message("own.only('a', () => {});", 'own.run();'))!, /\.only leaves out/);
});

test('no obligation at all is red', async () => {
  assert.is((await outcome([BEGIN, RUN])).failure?.reason, 'no-obligations');
  assert.is((await outcome([BEGIN, PASS])).failure?.reason, 'no-obligations');
});

test('why a scenario does not load is in its failure, with the line', async () => {
  const { failure } = await outcome([BEGIN, 'const = 1;', RUN]);
  assert.is(failure?.reason, 'scenario');
  assert.match(failure!.message, /scenario\.ts did not load .*SyntaxError/);
  assert.is(failure!.line, 3);
  assert.ok(failure!.log!.some((line) => line.includes('SyntaxError')));
});

test('why a scenario crashed is in its failure, and what had not ended', async () => {
  const { failure, obligations } = await outcome([
    BEGIN,
    "stack.must('start it', {}, () => { setTimeout(() => void Promise.reject(new Error('nobody waits for me')), 10); });",
    "stack.must('wait', {}, () => new Promise((resolve) => setTimeout(resolve, 5000)));",
    RUN,
  ]);
  assert.is(failure?.reason, 'scenario');
  assert.match(failure!.message, /exited with 1: Error: nobody waits for me.* had not ended: "wait"/);
  assert.is(failure!.line, 3);
  assert.is(obligations[1]!.state, 'not-run');
});

test('an obligation that failed tells its causes, and which service publishes the port', async () => {
  const { obligations } = await outcome([
    BEGIN,
    "stack.must('answer', {}, async ({ port }) => void (await fetch(`http://127.0.0.1:${port('WEB')}/`)));",
    RUN,
  ]);
  const { message } = obligations[0]!.failure!;
  assert.is(message, `fetch failed: connect ECONNREFUSED 127.0.0.1:${PORT} (PUBLISH_WEB, published by service pod)`);
});

test('lanes run side by side, each in order, and an obligation without one waits for all', async () => {
  const seen: string[] = [];
  const lines = [
    BEGIN,
    "const [a, b] = [stack.lane('a'), stack.lane('b')];",
    'const pause = (ms) => () => new Promise((resolve) => setTimeout(resolve, ms));',
    "stack.must('first', {}, pause(20));",
    "a.must('a1', {}, pause(100));",
    "a.must('a2', {}, pause(100));",
    "b.must('b1', {}, pause(10));",
    "b.must('b2', {}, () => { throw new Error('x'); });",
    "stack.must('last', {}, pause(10));",
    RUN,
  ];
  const emit = (event: RunEvent): void => {
    if (event.event === 'obligation') seen.push(`${event.name} ${event.state}`);
  };
  const { obligations } = await outcome(lines, { emit });
  assert.equal(
    obligations.map(({ name, state }) => `${name} ${state}`),
    ['first passed', 'a1 passed', 'a2 passed', 'b1 passed', 'b2 failed', 'last passed'],
  );
  const at = (what: string): number => seen.indexOf(what);
  assert.ok(at('first passed') < at('a1 start') && at('first passed') < at('b1 start'), seen.join());
  assert.ok(at('b2 failed') < at('a1 passed'), 'b does not wait for a');
  assert.ok(at('a1 passed') < at('a2 start'));
  assert.ok(at('last start') > at('a2 passed') && at('last start') > at('b2 failed'));

  seen.length = 0;
  await outcome(lines, { emit, inOrder: true });
  assert.equal(
    seen.filter((each) => each.endsWith('start')),
    ['first', 'a1', 'a2', 'b1', 'b2', 'last'].map((name) => `${name} start`),
  );
  assert.ok(at('a2 passed') < at('b1 start'), 'a demo tells one after the other');
});

test('an obligation that ran out of time has ended before the next of its lane begins', async () => {
  const { obligations } = await outcome([
    "import { setTimeout as pause } from 'node:timers/promises';",
    BEGIN,
    'let busy = false;',
    "stack.must('be late', { within: 50 }, async () => { busy = true; await pause(1000); busy = false; });",
    "stack.must('be alone', {}, () => { if (busy) throw new Error('the one before is still at it'); });",
    RUN,
  ]);
  assert.equal(
    obligations.map(({ state, failure }) => [state, failure?.message]),
    [
      ['failed', 'not done within 0.05 s'],
      ['passed', undefined],
    ],
  );
});

test.run();
