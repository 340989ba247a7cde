import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Impact } from './change.ts';
import { demanded, raised, reaches, type Raise } from './compare.ts';

const CASES: readonly [impacts: readonly Impact[], before: string, raise: Raise, least: string][] = [
  [[], '1.2.3', 'none', '1.2.3'],
  [['wording'], '1.2.3', 'patch', '1.2.4'],
  [['wording', 'addition'], '1.2.3', 'minor', '1.3.0'],
  [['addition', 'breaking'], '1.2.3', 'major', '2.0.0'],
  [['breaking'], '0.4.1', 'minor', '0.5.0'],
  [['addition'], '0.4.1', 'minor', '0.5.0'],
  [['wording'], '0.4.1', 'patch', '0.4.2'],
];

for (const [impacts, before, raise, least] of CASES) {
  test(`${impacts.join(' and ') || 'nothing'} after ${before} demands ${least}`, () => {
    const changes = impacts.map((impact) => ({ impact, subject: '', what: '' }));
    assert.is(demanded(changes, before), raise);
    assert.is(raised(before, raise), least);
  });
}

test('a version reaches another when it is it or higher', () => {
  for (const high of ['1.3.0', '1.3.1', '1.4.0', '2.0.0', '1.10.0', '1.3.0-rc.1', '1.3.0+5'])
    assert.ok(reaches(high, '1.3.0'), high);
  for (const low of ['1.2.9', '0.9.9', '1.2.10', '1.3', 'v2']) assert.not(reaches(low, '1.3.0'), low);
});

test('what is no version is an error', () => {
  for (const bad of ['1', '1.2', 'v1.2.3', '', '1.2.x'])
    assert.throws(() => demanded([], bad), /is no version such as 1\.2\.0/);
});

test.run();
