import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatNumber, parseNumber } from './go-number.ts';

const test = suite('numbers');

// What strconv.FormatFloat(x, 'g', -1, 64) makes of each.
const TEXTS: readonly (readonly [number, string])[] = [
  [0, '0'],
  [-0, '-0'],
  [14.38, '14.38'],
  [169_512, '169512'],
  [1_048_576, '1.048576e+06'],
  [33_554_432, '3.3554432e+07'],
  [1e6, '1e+06'],
  [999_999, '999999'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [-1.5e21, '-1.5e+21'],
  [2 ** 64, '1.8446744073709552e+19'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [Number.NaN, 'NaN'],
];
for (const [value, text] of TEXTS) test(`${text}`, () => assert.is(formatNumber(value), text));

test('what is printed is read back as it was', () => {
  fc.assert(fc.property(fc.double(), (value) => Object.is(parseNumber(formatNumber(value)), value)));
});

test('what is no number is none', () => {
  for (const text of ['', ' 1', '1 ', '0x10', '1_000', '1.2.3', 'on', '--1', 'e5', '.', '1e', '+nan', 'infinit'])
    assert.is(parseNumber(text), undefined, text);
});

test.run();
