/** The program as a whole: its start, what it answers, its end. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProgram, type Program } from '#kit/testing/program.ts';

const program = (env: Readonly<Record<string, string>>): Promise<Program> =>
  startProgram([join(import.meta.dirname, 'main.ts')], env);

test('it starts before its targets, says what it waits for, and ends as asked', async () => {
  const probe = await program({ PROBE_TARGET: 'no-such-program', PROBE_PERIOD: '100ms' });
  await probe.up();
  await probe.answers('/readyz', 503, /no process named no-such-program/);
  const [target] = JSON.parse((await probe.get('/targets')).text) as [Record<string, unknown>];
  assert.equal(target, {
    target: 'no-such-program',
    process: 'no-such-program',
    probe: 'process no-such-program',
    state: 'away',
    failures: 0,
    restarts: 0,
    budget_left: 10,
  });
  assert.match((await probe.get('/metrics')).text, /^probe_target_present\{target="no-such-program"\} 0$/m);
  assert.is(await probe.stop(), 0, probe.output);
});

test('bad configuration is one line a mistake and 64', async () => {
  for (const [env, line] of [
    [{}, /^probe: nothing to watch: set one of PROBE_TARGETS/m],
    [{ PROBE_TARGETS: '- { name: web }' }, /^probe: PROBE_TARGETS: \[0\]\.livenessProbe is missing$/m],
    [
      { PROBE_TARGET: 'x', PROBE_PERIODE: '1s' },
      /^probe: PROBE_PERIODE is not a parameter.*did you mean PROBE_PERIOD/m,
    ],
  ] as const) {
    const refused = await program(env as Record<string, string>);
    assert.is(await refused.ended(), 64, refused.output);
    assert.match(refused.output, line);
  }
});

test.run();
