/** When the new version loses its share, and how it comes back. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Judge, type Change, type Trial, type Version } from './judge.ts';
import { chanceOf } from './significance.ts';

function judge(options: { percent?: number; timeout?: number; tolerance?: number; pause?: number } = {}) {
  const changes: Change[] = [];
  const clock = { now: 1000 };
  const judged = new Judge({
    percent: 10,
    timeout: 2000,
    tolerance: 1,
    pause: 1000,
    ...options,
    now: () => clock.now,
    onJudged: () => {},
    onChange: (change) => changes.push(change),
  });
  const answer = (version: Version, failed: boolean): void => judged.end(judged.begin(version), failed);
  const wait = (milliseconds: number): void => {
    clock.now += milliseconds;
    judged.look();
  };
  return { judged, changes, clock, answer, wait };
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('four errors do not do it, however good the old version is; the fifth does', () => {
  const { judged, changes, answer } = judge();
  for (let index = 0; index < 1000; index++) answer('old', false);
  for (let index = 0; index < 4; index++) answer('new', true);
  assert.is(judged.share, 10);
  answer('new', true);
  assert.is(judged.share, 0);
  assert.is(changes.length, 1);
  assert.equal(changes[0]!.new, { answers: 5, errors: 5 });
  assert.equal(changes[0]!.old, { answers: 1000, errors: 0 });
  assert.is(changes[0]!.reason, 'errors');
  assert.ok(changes[0]!.chance! < 1e-6);
});

test('where the old version has not answered yet, it counts as good', () => {
  const { judged, answer } = judge({ percent: 100 });
  for (let index = 0; index < 8; index++) answer('new', true);
  assert.is(judged.share, 0);
});

test('who errs as often as the old version keeps its share', () => {
  const { judged, answer } = judge({ percent: 50 });
  for (let index = 0; index < 500; index++) {
    answer('old', true);
    answer('new', true);
  }
  assert.is(judged.share, 50);
});

test('equal rates of errors: in ten hours of ten seeds it is never backed off', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { changes, answer, wait } = judge();
    const next = random(seed);
    for (let second = 0; second < 3600; second++) {
      for (let index = 0; index < 20; index++) answer(next() < 0.1 ? 'new' : 'old', next() < 0.05);
      wait(1000);
    }
    assert.is(changes.length, 0, `seed ${seed}`);
  }
});

test('from half of its answers wrong to all, it is backed off within forty of them', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0.5, max: 1, noNaN: true }), (seed, rate) => {
      const { judged, answer } = judge();
      const next = random(seed);
      for (let index = 0; index < 40; index++) {
        for (let other = 0; other < 9; other++) answer('old', false);
        answer('new', next() < rate);
      }
      assert.is(judged.share, 0);
    }),
    { numRuns: 200 },
  );
});

test('a good version that turns bad is backed off at once, after any number of good answers', () => {
  const { judged, changes, answer, wait } = judge();
  // Two hundred requests a second, for a minute.
  for (let second = 0; second < 60; second++) {
    for (let index = 0; index < 200; index++) answer(index % 10 === 0 ? 'new' : 'old', false);
    wait(1000);
  }
  let wrong = 0;
  for (; judged.share > 0; wrong++) {
    for (let index = 0; index < 9; index++) answer('old', false);
    answer('new', true);
  }
  assert.ok(wrong <= 8, `${wrong} errors`);
  assert.is(changes.length, 1);
});

test('one request in two seconds, and none is answered: even so it is backed off', () => {
  const { judged, answer, wait } = judge();
  for (let second = 0; second < 30 && judged.share > 0; second += 2) {
    answer('old', false);
    judged.begin('new');
    wait(2000);
  }
  assert.is(judged.share, 0);
});

test('answers that do not come are errors once they are late, and that is the reason', () => {
  const { judged, changes, answer, wait } = judge();
  for (let index = 0; index < 100; index++) answer('old', false);
  const open: Trial[] = [];
  for (let index = 0; index < 6; index++) open.push(judged.begin('new'));
  wait(1900);
  assert.is(judged.share, 10);
  wait(100);
  assert.is(judged.share, 0);
  assert.is(changes[0]!.reason, 'late');
  assert.is(changes[0]!.after, 2000);
  assert.is(judged.open, 0);
  // Their answers come at last: they were judged, and it is over.
  for (const trial of open) judged.end(trial, false);
  assert.is(changes.length, 1);
});

test('it comes back in steps, each after a pause and some answers', () => {
  const { judged, answer, wait } = judge();
  for (let index = 0; index < 100; index++) answer('old', false);
  for (let index = 0; index < 6; index++) answer('new', true);
  wait(999);
  assert.is(judged.share, 0);
  wait(1);
  assert.is(judged.share, 1);
  for (const share of [2.5, 5, 10]) {
    wait(5000);
    assert.is.not(judged.share, share, 'no answers, no step');
    for (let index = 0; index < 5; index++) answer('new', false);
    wait(1000);
    assert.is(judged.share, share);
  }
});

test('a relapse doubles the time without requests; a long time without one forgives it', () => {
  const { judged, changes, answer, wait } = judge();
  const fall = (): void => {
    for (let index = 0; index < 100; index++) answer('old', false);
    for (let index = 0; index < 6; index++) answer('new', true);
  };
  const rise = (): void => {
    while (judged.share < 10) {
      for (let index = 0; index < 5; index++) answer('new', false);
      wait(1000);
    }
  };
  fall();
  rise();
  fall();
  assert.is(changes.at(-1)!.pause, 2000);
  for (let index = 0; index < 20; index++) {
    rise();
    fall();
  }
  assert.is(changes.at(-1)!.pause, 32_000, 'at most');
  rise();
  wait(10_000);
  fall();
  assert.is(changes.at(-1)!.pause, 1000);
});

test('what was asked before a change says nothing of the time since', () => {
  const { judged, answer, wait, clock } = judge();
  const before: Trial[] = [];
  for (let index = 0; index < 50; index++) before.push(judged.begin('new'));
  clock.now += 1;
  for (let index = 0; index < 100; index++) answer('old', false);
  for (let index = 0; index < 6; index++) answer('new', true);
  wait(1000);
  assert.is(judged.share, 1);
  for (const trial of before) judged.end(trial, true);
  assert.is(judged.share, 1);
});

test('errors of half a minute ago are forgotten', () => {
  const { judged, answer, wait } = judge();
  for (let index = 0; index < 100; index++) answer('old', false);
  for (let index = 0; index < 4; index++) answer('new', true);
  wait(30_001);
  for (let index = 0; index < 100; index++) answer('old', false);
  answer('new', true);
  assert.is(judged.share, 10);
});

test('whatever happens, the share is one of its steps, and only open trials are kept', () => {
  const step = fc.record({
    version: fc.constantFrom<Version>('old', 'new'),
    result: fc.constantFrom('good', 'bad', 'open', 'drop'),
    wait: fc.integer({ min: 0, max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { judged, wait } = judge();
      let open = 0;
      for (const { version, result, wait: milliseconds } of steps) {
        const trial = judged.begin(version);
        if (result === 'drop') judged.drop(trial);
        else if (result === 'open') open++;
        else judged.end(trial, result === 'bad');
        wait(milliseconds);
        assert.ok([0, 1, 2.5, 5, 10].includes(judged.share));
        assert.ok(judged.open <= open);
      }
    }),
    { numRuns: 200 },
  );
});

test('the test is Fisher’s: values by its table, and by adding up all tables', () => {
  // R's fisher.test(matrix(c(3, 1, 1, 3), 2), alternative = "greater"): Fisher's tea, 17/70.
  assert.ok(Math.abs(chanceOf({ answers: 4, errors: 3 }, { answers: 4, errors: 1 }) - 17 / 70) < 1e-12);
  const choose = (n: number, k: number): number => {
    let product = 1;
    for (let index = 1; index <= k; index++) product *= (n - k + index) / index;
    return k < 0 || k > n ? 0 : product;
  };
  const counts = fc
    .integer({ min: 1, max: 30 })
    .chain((answers) => fc.record({ answers: fc.constant(answers), errors: fc.integer({ min: 0, max: answers }) }));
  fc.assert(
    fc.property(counts, counts, (first, second) => {
      const all = first.answers + second.answers;
      const errors = first.errors + second.errors;
      let sum = 0;
      for (let hits = first.errors; hits <= Math.min(errors, first.answers); hits++)
        sum += (choose(first.answers, hits) * choose(second.answers, errors - hits)) / choose(all, errors);
      assert.ok(Math.abs(chanceOf(first, second) - sum) < 1e-9, `${chanceOf(first, second)} ${sum}`);
    }),
  );
});

test('the test is finite and quick for large numbers', () => {
  const chance = chanceOf({ answers: 1e6, errors: 10_000 }, { answers: 9e6, errors: 9e4 });
  assert.ok(chance > 0.4 && chance < 0.6, String(chance));
  assert.ok(chanceOf({ answers: 1e6, errors: 1e6 }, { answers: 9e6, errors: 0 }) < 1e-300);
});

test.run();
