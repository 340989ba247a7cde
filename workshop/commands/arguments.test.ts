import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCommandLine, UsageError } from './arguments.ts';

test('commands and their exercises', () => {
  assert.is(readCommandLine(['run', '2'])?.command, 'run');
  assert.equal(readCommandLine(['verify', '1', '2'])?.exercises, ['1', '2']);
  assert.is(readCommandLine(['verify', '--jobs', '2'])?.jobs, 2);
  assert.is(readCommandLine(['--help']), undefined);
});

for (const line of ['run', 'run 1 2', 'list 1', 'dance 1', 'verify --jobs 0', 'verify --jobs many', 'run 1 --fast'])
  test(`"${line}" is refused, and it is said what is accepted`, () => {
    assert.throws(
      () => readCommandLine(line.split(' ')),
      (error: unknown) => error instanceof UsageError && error.message.length > 10,
    );
  });

test.run();
