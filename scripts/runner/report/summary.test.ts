import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import type { RunResult } from '../events.ts';
import { summary, summaryReporter } from './summary.ts';

const test = suite('summary');

const RESULT: RunResult = {
  stack: 'https',
  run: 'r',
  ok: false,
  ms: 1,
  phases: {},
  ports: {},
  kept: false,
  obligations: [
    { name: 'answer <b>always</b> | never', state: 'failed', ms: 1 },
    { name: 'be fine', state: 'passed', ms: 1 },
    { name: 'be left out', state: 'skipped', reason: 'no engine', ms: 0 },
    { name: 'come last', state: 'not-run', ms: 0 },
  ],
  failures: [
    { reason: 'obligation', message: '1 failed' },
    { reason: 'unhealthy', message: 'a container is ill\nlog' },
  ],
};

test('a row a stack, and its obligations, in which nothing is markup', () => {
  const page = summary([RESULT]);
  assert.match(page, '| ❌ https | 1 | 2 | 1 |');
  assert.match(page, '- ❌ must answer &#60;b&#62;always&#60;/b&#62; \\| never');
  assert.match(page, '- ⏭️ must be left out (no engine)');
  assert.match(page, '- ❌ must come last');
  assert.match(page, '- ❌ a container is ill\n');
});

test('it is added to the file, and a file that cannot be written fails nothing', () => {
  const file = join(temporaryDirectory('summary-'), 'summary.md');
  for (let run = 0; run < 2; run++) summaryReporter(file).close!([RESULT]);
  assert.is(readFileSync(file, 'utf8').match(/## Stacks/g)!.length, 2);
  summaryReporter('/nowhere/at/all.md').close!([RESULT]);
});

test.run();
