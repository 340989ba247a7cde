/** SIGINT and SIGTERM in every phase: everything is removed, and the exit code tells. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROJECT_VARIABLE } from '../lib/compose.ts';
import { docker } from '../lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { RunEvent } from './events.ts';
import { ROOT } from '../lib/stacks.ts';
import { FIXTURES, start } from './fixtures/program.ts';
import { leftovers } from './tear-down.ts';

const test = suite('interrupt');

const phase =
  (name: string) =>
  (event: RunEvent): boolean =>
    event.event === 'phase' && event.phase === name && event.state === 'start';
const label = 'label=dev.sidecar-stacks.stack=';

/** For each phase: the stack that is in it for long, and how to tell that it is. */
const PHASES: Record<string, { stack: string; within: (event: RunEvent) => boolean }> = {
  setup: { stack: 'good', within: phase('setup') },
  build: { stack: 'slow-build', within: phase('build') },
  up: { stack: 'slow-up', within: phase('up') },
  check: { stack: 'hanging', within: (event) => event.event === 'obligation' },
  down: { stack: 'good', within: phase('down') },
};

for (const [name, { stack, within }] of Object.entries(PHASES)) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} during ${name}`, async () => {
      const running = start('stack', [stack, '--json']);
      await running.seen(within);
      if (name === 'up')
        await eventually(
          'a container is there',
          async () => (await docker(['ps', '--quiet', '--filter', `${label}${stack}`])) !== '',
        );
      running.child.kill(signal);
      const { code: exited, results, stderr } = await running.ended;
      assert.is(exited, code, stderr);
      for (const { run } of results) if (run !== '') assert.equal(await leftovers(run), []);
      if (name !== 'down') assert.is(results[0]?.failures[0]?.reason, 'interrupted');
      const containers = await docker(['ps', '--all', '--quiet', '--filter', `${label}${stack}`]);
      assert.is(containers, '', 'containers of the stack');
    });
  }
}

test('npm told to end, which tells nobody below it: everything is removed all the same', async () => {
  const npm = spawn('npm', ['run', '--silent', 'stack', '--', 'hanging'], {
    cwd: ROOT,
    env: { ...process.env, STACKS_DIR: FIXTURES },
    stdio: 'ignore',
  });
  const containers = (): Promise<string> => docker(['ps', '--all', '--quiet', '--filter', `${label}hanging`]);
  await eventually('a container is there', async () => (await containers()) !== '', { within: 30_000 });
  npm.kill('SIGTERM');
  await eventually('it is gone', async () => (await containers()) === '', { within: 30_000 });
});

test('a reader that goes away ends the run, and everything is removed', async () => {
  const running = start('stack', ['hanging', '--json', '--timeout', '20']);
  const event = await running.seen(PHASES['check']!.within);
  running.child.stdout?.destroy();
  // The next event has nobody to go to; the scenario's deadline brings one. It is long: a busy machine takes seconds to
  // come to the first.
  assert.is(await new Promise((resolve) => running.child.once('exit', resolve)), 141);
  assert.equal(await leftovers('run' in event ? event.run! : ''), []);
});

/** Whether a process of a run's scenario is there. */
const scenariosOf = (run: string): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${PROJECT_VARIABLE}=${run}`);
    } catch {
      // It has just ended.
      return false;
    }
  });

test('what a runner that was killed left behind is removed by the next', async () => {
  const killed = start('stack', ['hanging', '--json']);
  const event = await killed.seen(PHASES['check']!.within);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const run = 'run' in event ? event.run! : '';
  assert.ok((await leftovers(run)).length > 0, 'the killed runner left something');
  await eventually('its scenario has ended', () => !scenariosOf(run), { within: 30_000 });
  assert.is((await start('stack', ['good', '--json']).ended).code, 0);
  assert.equal(await leftovers(run), []);
});

test('two runs of one stack at the same time do not disturb each other', async () => {
  const both = await Promise.all([start('stack', ['good', '--json']).ended, start('stack', ['good', '--json']).ended]);
  assert.equal(
    both.map(({ code }) => code),
    [0, 0],
  );
  assert.is.not(both[0]!.results[0]!.run, both[1]!.results[0]!.run);
});

test('--keep leaves the stack up and says how to reach it', async () => {
  const { code, stdout } = await start('stack', ['good', '--keep']).ended;
  assert.is(code, 0);
  const [, run] = /docker compose -p (\S+) down --volumes/.exec(stdout) ?? [];
  assert.ok(run, 'it prints how to remove it');
  try {
    const port = /nothing listens on port (\d+)/.exec(stdout)?.[1];
    assert.match(
      await docker(['ps', '--filter', `label=com.docker.compose.project=${run}`, '--format', '{{.Ports}}']),
      new RegExp(`127\\.0\\.0\\.1:${port}->8080`),
    );
  } finally {
    await docker(['compose', '-p', run, 'down', '--volumes']);
  }
});

test.run();
