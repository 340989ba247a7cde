/** The program, killed again and again under load. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from './test-eventually.ts';
import { clear, close, exit, lines, logs, program, sequence, store, until } from './test-program.ts';

test.before.each(clear);
test.after(close);

test('killed again and again under load: every line, in order, at most one batch again and under the same ids', async () => {
  const file = join(logs, 'a.log');
  let written = 0;
  for (let round = 0; round < 4; round++) {
    const before = store.counts.created;
    const conflicts = store.counts.conflicts;
    appendFileSync(file, lines(written, 8000));
    written += 8000;
    const { child, output } = await program();
    await eventually(() => store.counts.created > before + 2000, `lines in round ${round}: ${output()}`, 30_000);
    await exit(child, 'SIGKILL');
    assert.ok(store.counts.conflicts - conflicts <= 200, `${store.counts.conflicts - conflicts} sent again`);
  }
  const { child, output } = await program();
  await eventually(() => store.counts.created === written, `all lines: ${output()}`, 30_000);
  assert.is(await exit(child, 'SIGTERM'), 0, output());
  assert.equal(
    sequence(),
    Array.from({ length: written }, (_, at) => at),
  );
  const again = await program();
  await until(again, '/startupz', 200);
  assert.is(await exit(again.child, 'SIGTERM'), 0);
  assert.is(store.counts.created, written);
});

test.run();
