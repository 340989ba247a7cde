import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Readiness } from './readiness.ts';

test('unready until every check has passed once', () => {
  const readiness = new Readiness();
  const a = readiness.check('a');
  const b = readiness.check('b');
  assert.equal(readiness.report().checks['a'], { ready: false, age_seconds: null, reason: 'not verified yet' });
  a.pass();
  assert.not(readiness.report().ready);
  b.pass();
  assert.ok(readiness.report().ready);
});

test('without a check it is ready', () => assert.equal(new Readiness().report(), { ready: true, checks: {} }));

test('a failure is told with its reason and the age of the last success, and heals by itself', () => {
  let now = 1000;
  const readiness = new Readiness(() => now);
  const check = readiness.check('app');
  check.pass();
  now += 1500;
  check.fail('connection refused');
  assert.equal(readiness.report(), {
    ready: false,
    checks: { app: { ready: false, age_seconds: 1.5, reason: 'connection refused' } },
  });
  check.pass();
  assert.equal(readiness.report(), { ready: true, checks: { app: { ready: true, age_seconds: 0 } } });
});

test('a success counts for its time only', () => {
  let now = 0;
  const readiness = new Readiness(() => now);
  readiness.check('poll', 10_000).pass();
  now = 10_000;
  assert.ok(readiness.report().ready);
  now = 10_001;
  assert.equal(readiness.report().checks['poll'], {
    ready: false,
    age_seconds: 10.001,
    reason: 'last verified 10.0 s ago, more than 10 s',
  });
});

test('once stopping it is unready whatever the checks say', () => {
  const readiness = new Readiness();
  readiness.check('app').pass();
  readiness.stop();
  const report = readiness.report();
  assert.not(report.ready);
  assert.is(report.checks['running']?.reason, 'shutting down');
});

test.run();
