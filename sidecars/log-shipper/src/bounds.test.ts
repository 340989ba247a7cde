/** What comes from outside does not end the program, by the heap that the image gives it: lines of files, and answers of the store. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clear, lines, logs, program, sequence, store } from './test-program.ts';

test.before.each(clear);

const FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=48'];
/** The longest line that may be configured, in bytes. */
const LONGEST = 2 * 1024 ** 2;
/** So many bytes of a JSON object whose member is made of this, over and over. */
const filled = (unit: string, more = ''): string => `{"a":[${unit.repeat((LONGEST - 100) / unit.length)}1]${more}}`;
const half = LONGEST / 2 - 100;

// With a rule, since the line is then made more than once.
for (const [what, line] of [
  ['empty objects', filled('{},')],
  ['empty objects beside a number that no double holds', filled('{},', ',"id":1234567890123456789')],
  ['a million nested arrays', `{"a":${'['.repeat(half)}${']'.repeat(half)}}`],
  ['many members', `{${Array.from({ length: 200_000 }, (_, at) => `"${at.toString(36)}":0`).join()}}`],
] as const) {
  test(`not ended by a line of ${what}: it is stored as text`, async () => {
    const running = await program({ LINE_MAX_BYTES: '2MiB', LINE_REDACT: 'secret\\w*' }, FLAGS);
    appendFileSync(join(logs, 'app.log'), `before\n${line}\nafter\n`);
    await running.eventually('three lines', () => store.documents.length === 3);
    assert.equal(
      store.documents.map(({ body }) => (JSON.parse(body) as { message: string }).message),
      ['before', line, 'after'],
    );
    assert.is(await running.stop('SIGTERM'), 0);
  });
}

/** As much as an answer to so many lines may have. */
const ANSWER = 5_200_000;
for (const [what, begin, unit, end] of [
  ['empty objects', '', '{},', '1'],
  ['text of two bytes a character', '"', 'Ā', '"'],
] as const) {
  test(`not ended by an answer of megabytes of ${what}: lines wait, and arrive`, async () => {
    const filling = unit.repeat(ANSWER / Buffer.byteLength(unit));
    store.faults = [{ kind: 'garbage', text: `{"items":[${begin}${filling}${end}]}`, times: 2 }];
    const running = await program({ BULK_MAX_RECORDS: '5000', BULK_DELAY: '300ms', STORE_RETRY_MAX: '100ms' }, FLAGS);
    appendFileSync(join(logs, 'app.log'), lines(0, 5000));
    await running.eventually('all lines', () => store.documents.length === 5000);
    assert.equal(
      sequence(),
      Array.from({ length: 5000 }, (_, at) => at),
    );
    const { times } = store.faults[0] as { times: number };
    assert.is(times, 0);
    assert.is(await running.stop('SIGTERM'), 0);
  });
}

test.run();
