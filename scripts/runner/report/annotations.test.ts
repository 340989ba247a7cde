import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { annotations } from './annotations.ts';

const test = suite('annotations');

test('one line a failure, with file, line and title, specials escaped', () => {
  const lines = annotations({
    stack: 'https',
    run: 'r',
    ok: false,
    ms: 1,
    phases: {},
    ports: {},
    kept: false,
    obligations: [
      {
        name: 'redirect, always: yes',
        state: 'failed',
        ms: 1,
        failure: { message: '50% is not\n100%', detail: '', line: 12 },
      },
      { name: 'fine', state: 'passed', ms: 1 },
    ],
    failures: [
      { reason: 'obligation', message: '1 failed' },
      { reason: 'unhealthy', message: 'ailing' },
    ],
  });
  assert.equal(lines, [
    '::error file=stacks/https/scenario.ts,line=12,title=https must redirect%2C always%3A yes::50%25 is not%0A100%25',
    '::error file=stacks/https/scenario.ts,title=https%3A unhealthy::ailing',
  ]);
});

test.run();
