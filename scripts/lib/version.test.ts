import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { atLeast, compareVersions, parseVersion } from './version.ts';

test('the numbers are found in what programs print', () => {
  const rows: [string, number[] | undefined][] = [
    ['2.26.1-4', [2, 26, 1]],
    ['v2.24.0', [2, 24, 0]],
    ['26.1.5+dfsg1', [26, 1, 5]],
    ['Docker Compose version v2.29.7-desktop.1', [2, 29, 7]],
    ['github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3', [0, 13, 1]],
    ['5', [5]],
    ['dev', undefined],
    ['', undefined],
  ];
  for (const [text, numbers] of rows) assert.equal(parseVersion(text), numbers, text);
});

test('versions are ordered by their numbers, not as text', () => {
  const ordered = ['unknown', '1.29.2', '2.3', '2.24', '2.24.1', '2.100', 'v5.2.0'];
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) assert.is(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} ${b}`);
  }
  assert.is(compareVersions('2.24', 'v2.24.0-rc.1'), 0);
});

test('comparing is antisymmetric, and any version equals itself', () => {
  const version = fc.array(fc.nat(300), { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(version, version, (a, b) => {
      assert.is(compareVersions(a, a), 0);
      assert.is(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a)), 0);
    }),
  );
});

test('a missing version is never enough', () => {
  assert.is(atLeast(undefined, '0'), false);
  assert.is(atLeast('2.23.3', '2.24'), false);
  assert.is(atLeast('2.24.0', '2.24'), true);
});

test.run();
