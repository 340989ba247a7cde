/** The program, killed again and again under load. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clear, lines, logs, program, sequence, store } from './test-program.ts';

test.before.each(clear);

test('killed repeatedly under load: every line, in order, at most one batch again, the same ids', async () => {
  const file = join(logs, 'a.log');
  let written = 0;
  for (let round = 0; round < 4; round++) {
    const before = store.counts.created;
    const conflicts = store.counts.conflicts;
    appendFileSync(file, lines(written, 8000));
    written += 8000;
    const running = await program();
    await running.eventually(`lines in round ${round}`, () => store.counts.created > before + 2000, { within: 30_000 });
    await running.stop('SIGKILL');
    assert.ok(store.counts.conflicts - conflicts <= 200, `${store.counts.conflicts - conflicts} sent again`);
  }
  const last = await program();
  await last.eventually('all lines', () => store.counts.created === written, { within: 30_000 });
  assert.is(await last.stop(), 0, last.output);
  assert.equal(
    sequence(),
    Array.from({ length: written }, (_, at) => at),
  );
  const again = await program();
  await again.up();
  assert.is(await again.stop(), 0);
  assert.is(store.counts.created, written);
});

test.run();
