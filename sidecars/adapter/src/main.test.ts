/** The program as a whole: its start, what it answers, its end. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startProgram } from '#kit/testing/program.ts';

test('it is ready, counts, and ends as asked', async () => {
  const program = await startProgram([join(import.meta.dirname, 'main.ts')], { ADAPTER_PERIOD: '50ms' });
  await program.up();
  await program.answers('/readyz', 200, /said/);
  await program.answers('/metrics', 200, /^adapter_times_total [1-9]/m);
  assert.is(await program.stop(), 0, program.output);
});

test.run();
