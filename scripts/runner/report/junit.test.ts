import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunResult } from '../events.ts';
import { junit } from './junit.ts';

const test = suite('junit');

const result = (message: string): RunResult => ({
  stack: 'https',
  run: 'r',
  ok: false,
  ms: 1500,
  phases: {},
  ports: {},
  kept: false,
  obligations: [
    { name: 'a & b', state: 'passed', ms: 20 },
    { name: 'c', state: 'failed', ms: 30, failure: { message, detail: `${message}\nat line 1` } },
    { name: 'd', state: 'not-run', ms: 0 },
    { name: 'e', state: 'skipped', reason: 'no <kubelet>', ms: 0 },
  ],
  failures: [
    { reason: 'obligation', message: '1 failed' },
    { reason: 'teardown', message: 'left <something>' },
  ],
});

test('a suite a stack, a case an obligation, an error for what is beyond them', () => {
  const text = junit([result('boom')]);
  assert.match(text, '<testsuite name="https" tests="5" failures="1" errors="1" skipped="2" time="1.5">');
  assert.match(text, '<testcase classname="https" name="a &amp; b" time="0.02"></testcase>');
  assert.match(text, '<failure message="boom">boom\nat line 1</failure>');
  assert.match(text, '<skipped/>');
  assert.match(text, '<skipped message="no &lt;kubelet&gt;"/>');
  assert.match(text, '<error message="left &lt;something&gt;">');
});

test('whatever a message holds, it cannot break out of the report', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (message) => {
      const text = junit([result(message)]);
      const tags = text.match(/<[^>]*>/g)!;
      assert.is(tags.filter((tag) => tag.startsWith('<failure')).length, 1);
      assert.is(tags.length, junit([result('plain')]).match(/<[^>]*>/g)!.length);
      // eslint-disable-next-line no-control-regex -- XML 1.0 has no way to write these
      assert.not.match(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
    }),
  );
});

test.run();
