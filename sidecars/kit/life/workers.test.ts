/** Workers as a whole: their metrics as those of one, their deaths, their successors. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProgram } from '../testing/program.ts';

const program = () => startProgram([join(import.meta.dirname, '../testing/worker-program.ts')], {});

test('metrics are those of one process: each by its aggregator, histograms too', async () => {
  const running = await program();
  await running.up();
  for (let round = 0; round < 3; round++) await running.get('/work');
  await running.eventually('both have worked', async () => (await running.metric('test_tasks_total')) === 9);
  assert.is(await running.metric('test_tasks_total{kind="any"}'), 9);
  assert.is(await running.metric('test_seconds_bucket{le="1"}'), 0);
  assert.is(await running.metric('test_seconds_bucket{le="2"}'), 6);
  assert.is(await running.metric('test_seconds_bucket{le="+Inf"}'), 6);
  assert.is(await running.metric('test_seconds_sum'), 9);
  assert.is(await running.metric('test_seconds_count'), 6);
  assert.is(await running.metric('test_open'), 6);
  assert.is(await running.metric('test_tasks_total'), 9, 'a second look adds nothing');
  const heard = running.output.match(/heard \[\{\\"greeting\\":\\"hello\\"\}\]/g);
  assert.is(heard?.length, 2, running.output);
  assert.is(await running.stop(), 0);
});

test('a worker that fails says so in JSON, is replaced ever more slowly, and its counts stay', async () => {
  const running = await program();
  await running.up();
  await running.get('/work');
  await running.eventually('both have worked', async () => (await running.metric('test_tasks_total')) === 3);
  for (let round = 1; round <= 3; round++) {
    await running.answers('/listening', 200, /true/);
    await running.get('/die');
    await running.eventually('both have died', () => running.output.split('a worker died').length - 1 === 2 * round);
    assert.is(await running.metric('test_tasks_total'), 3);
  }
  await running.answers('/listening', 200, /true/);
  assert.is(await running.metric('test_tasks_total'), 3);
  assert.is(await running.metric('test_open'), 6, 'the dead have nothing open');
  const { text } = await running.get('/');
  assert.match(text, /fatal .*6 times<\/dt><dd>internal error<small>Cannot read properties of undefined/);
  assert.match(text, '<dd>a worker died: starting another');
  const lines = running.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const failed = lines.filter(({ level }) => level === 'fatal');
  assert.is(failed.length, 6);
  assert.ok(failed.every(({ msg, sidecar }) => msg === 'internal error' && sidecar === 'worker-program'));
  assert.ok(failed.every(({ err }) => /Cannot read properties/.test(String((err as { message: string }).message))));
  assert.equal(new Set(failed.map(({ worker }) => worker)), new Set([0, 1]));
  const delays = lines
    .filter(({ worker, delay_ms: delay }) => worker === 0 && delay)
    .map((line) => Number(line['delay_ms']));
  // Half of each delay is certain: 200, 400, 800 ms.
  for (const [index, delay] of delays.entries()) assert.ok(delay >= 200 * 2 ** index, String(delays));
  assert.is(await running.stop(), 0);
});

test.run();
