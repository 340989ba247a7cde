import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { comparePatterns } from './patterns.ts';

const compare = (before: RegExp | undefined, after: RegExp | undefined, type = 'string'): string[] =>
  comparePatterns(
    'X',
    { type, ...(before && { pattern: String(before) }) },
    { type, ...(after && { pattern: String(after) }) },
  ).map(({ impact, what }) => `${impact} ${what}`);

test('a narrowed pattern breaks, and a text is named that shows it', () => {
  assert.equal(compare(/^[a-z]+$/, /^[a-y]+$/), ['breaking no longer takes "z"']);
  assert.equal(compare(/^\d{1,64}$/, /^\d{1,32}$/).length, 1);
  assert.match(compare(/^\d{1,64}$/, /^\d{1,32}$/)[0]!, /^breaking no longer takes "\d{33,64}"$/);
  assert.match(compare(undefined, /^[0-9a-fA-F.:]+$/)[0]!, /^breaking no longer takes ".+"$/);
  assert.match(compare(/^\/\S+$/, /^\/[^\s:]+$/, 'path')[0]!, /^breaking no longer takes/);
  assert.match(compare(undefined, /^https:/, 'url')[0]!, /^breaking no longer takes "http:/);
});

test('assertions and properties of Unicode are compared too', () => {
  const ref = /^(?!-)(?!.*\.\.)(?!.*@\{)[^\s~^:?*[\\\p{Cc}]+$/u;
  assert.match(compare(ref, /^(?!-)(?!.*\.\.)(?!.*@\{)[^\s~^:?*[\\\p{Cc}a]+$/u)[0]!, /^breaking no longer takes/);
  assert.match(compare(/^(?!-)[\w-]+$/, /^\w[\w-]*$/)[0]!, /^addition is checked by/);
  assert.match(compare(/^(?!-)[\w-]+$/, /^[\w-]+$/)[0]!, /^addition also takes "-/);
  assert.match(compare(/^(?=(b+a+n+a+n+a+s+x{9}){7}$).*$/, /^x$/)[0]!, /^breaking/, 'what cannot be known breaks');
});

test('a widened pattern adds; the same pattern is no change', () => {
  assert.match(compare(/^[a-y]+$/, /^[a-z]+$/)[0]!, /^addition also takes "z"/);
  assert.match(compare(/^[a-y]+$/, undefined)[0]!, /^addition also takes/);
  assert.equal(compare(/^[a-y]+$/, /^[a-y]+$/), []);
  assert.match(compare(/^(?:ab|ac)$/, /^a[bc]$/)[0]!, /^addition is checked by/);
});

test('texts of several lines that are no longer taken', () => {
  const [change] = comparePatterns('X', { type: 'string', multiline: true }, { type: 'string' });
  assert.match(`${change?.impact} ${change?.what}`, 'breaking no longer takes "two\\nlines"');
});

test('classes and lengths of any kind: narrower breaks, wider does not', () => {
  const letters = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { minLength: 1, maxLength: 7 });
  const lengths = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 8 }));
  fc.assert(
    fc.property(letters, lengths, letters, lengths, (oldLetters, [oldMin, oldMore], newLetters, [newMin, newMore]) => {
      const of = (all: readonly string[], min: number, more: number): RegExp =>
        new RegExp(`^[${all.join('')}]{${min},${min + more}}$`);
      const [change] = compare(of(oldLetters, oldMin, oldMore), of(newLetters, newMin, newMore));
      const wider =
        oldLetters.every((letter) => newLetters.includes(letter)) &&
        newMin <= oldMin &&
        newMin + newMore >= oldMin + oldMore;
      if (change !== undefined) assert.is(change.startsWith('breaking'), !wider, change);
    }),
    { numRuns: 60 },
  );
});

test.run();
