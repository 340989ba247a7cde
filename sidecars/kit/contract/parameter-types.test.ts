import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { accepts, parseValue, Unacceptable, type Parameter } from './parameter-types.ts';

const d = { description: 'd' };
const SECONDS: Parameter = { type: 'duration', unit: 's', ...d };
const SIZE: Parameter = { type: 'size', unit: 'bytes', ...d };
const LIST: Parameter = { type: 'list', ...d };

const GOOD: readonly [parameter: Parameter, text: string, value: unknown][] = [
  [{ type: 'string', ...d }, ' any text\t', ' any text\t'],
  [{ type: 'string', pattern: /^a+$/, ...d }, 'aa', 'aa'],
  [{ type: 'string', multiline: true, ...d }, '- a\r\n\tb\n', '- a\r\n\tb\n'],
  [{ type: 'path', ...d }, '/x y', '/x y'],
  [{ type: 'url', ...d }, 'https://example.org/x', 'https://example.org/x'],
  [{ type: 'integer', min: -5, ...d }, '-5', -5],
  [{ type: 'port', ...d }, '65535', 65535],
  [{ type: 'port', min: 0, ...d }, '0', 0],
  [SECONDS, '5', 5000],
  [SECONDS, '1.5', 1500],
  [SECONDS, '1.001s', 1001],
  [SECONDS, '500ms', 500],
  [SECONDS, '2m', 120_000],
  [SECONDS, '1d', 86_400_000],
  [{ type: 'duration', unit: 'ms', ...d }, '5', 5],
  [SIZE, '10', 10],
  [SIZE, '16KiB', 16_384],
  [SIZE, '16kb', 16_384],
  [SIZE, '1G', 1024 ** 3],
  [{ type: 'boolean', ...d }, 'YES', true],
  [{ type: 'boolean', ...d }, '0', false],
  [{ type: 'enum', values: ['1.2', '1.3'], ...d }, '1.3', '1.3'],
  [LIST, ' a, b ,,c,', ['a', 'b', 'c']],
  [LIST, ',', []],
];

for (const [parameter, text, value] of GOOD)
  test(`${parameter.type} ${JSON.stringify(text)} is read`, () => assert.equal(parseValue(parameter, text), value));

const BAD: readonly [parameter: Parameter, text: string, wrong: RegExp, accepted: RegExp][] = [
  [{ type: 'string', ...d }, 'a\nb', /control character/, /any text/],
  [{ type: 'string', multiline: true, ...d }, 'a\u0007b', /control character/, /any text/],
  [{ type: 'string', pattern: /^a+$/, accepts: 'some a', ...d }, 'b', /malformed/, /^some a$/],
  [{ type: 'path', ...d }, 'relative', /absolute/, /absolute path/],
  [{ type: 'url', ...d }, 'ftp://x', /not a URL/, /http/],
  [{ type: 'integer', ...d }, '1.5', /not a whole number/, /whole number/],
  [{ type: 'integer', ...d }, '0x10', /not a whole number/, /whole number/],
  [{ type: 'integer', min: 1, max: 64, unit: 'files', ...d }, '65', /out of range/, /1 to 64 files/],
  [{ type: 'port', ...d }, '0', /out of range/, /1 to 65535/],
  [{ type: 'port', ...d }, '65536', /out of range/, /1 to 65535/],
  [{ type: 'port', ...d }, 'tcp://10.0.0.1:80', /not a port/, /1 to 65535/],
  [SECONDS, '-1', /not a duration/, /bare number counts in s/],
  [SECONDS, '5 s', /not a duration/, /duration/],
  [SECONDS, '5w', /not a duration/, /duration/],
  [SECONDS, 'Infinity', /not a duration/, /duration/],
  [{ ...SECONDS, min: 100 } as Parameter, '99ms', /out of range/, /at least 100 ms/],
  [{ ...SECONDS, max: 1000 } as Parameter, '1001ms', /out of range/, /at most 1000 ms/],
  [SIZE, '1.5KiB', /not a size/, /16KiB/],
  [SIZE, '1TiB', /not a size/, /16KiB/],
  [{ type: 'boolean', ...d }, 'maybe', /neither/, /true or false/],
  [{ type: 'enum', values: ['a', 'b'], ...d }, 'A', /not a choice/, /one of a, b/],
  [{ type: 'list', pattern: /^\w+$/, accepts: 'words', ...d }, 'a,b c', /has the item "b c"/, /words/],
];

for (const [parameter, text, wrong, accepted] of BAD) {
  test(`${parameter.type} ${JSON.stringify(text)} is refused`, () => {
    try {
      parseValue(parameter, text);
    } catch (error) {
      assert.instance(error, Unacceptable);
      assert.match((error as Unacceptable).message, wrong);
      assert.match((error as Unacceptable).accepted, accepted);
      assert.is((error as Unacceptable).accepted, accepts(parameter));
      return;
    }
    throw new Error('it was accepted');
  });
}

const FACTORS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

test('a duration is its number times its unit, to the microsecond, and reads back the same', () => {
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.nat(999),
      fc.constantFrom(...(Object.keys(FACTORS) as (keyof typeof FACTORS)[])),
      (whole, thousandths, unit) => {
        const value = parseValue(SECONDS, `${whole}.${String(thousandths).padStart(3, '0')}${unit}`) as number;
        assert.ok(
          Math.abs(value - ((whole * 1000 + thousandths) * FACTORS[unit]) / 1000) <= Math.max(0.0005, value * 1e-12),
        );
        if (value < 1e12 && Number.isInteger(value)) assert.is(parseValue(SECONDS, `${value}ms`), value);
      },
    ),
  );
});

test('a size is its number times its unit', () => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.constantFrom(['', 1], ['b', 1], ['KiB', 1024], ['M', 1024 ** 2], ['gb', 1024 ** 3]),
      (number, [suffix, factor]) => {
        assert.is(parseValue(SIZE, `${number}${suffix}`), number * Number(factor));
      },
    ),
  );
});

test('items of a list come back whatever the blanks around them', () => {
  const item = fc.stringMatching(/^[^,\s](?:[^,\n]*[^,\s])?$/);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(item, fc.constantFrom('', ' ', '\t'), fc.constantFrom(',', ' , ', ',,'))),
      (items) => {
        const text = items.map(([each, blank, separator]) => `${blank}${each}${blank}${separator}`).join('');
        assert.equal(
          parseValue(LIST, text),
          items.map(([each]) => each),
        );
      },
    ),
  );
});

test('no text makes a reader throw anything but Unacceptable, nor give a number that is none', () => {
  const parameters = [...GOOD, ...BAD].map(([parameter]) => parameter);
  fc.assert(
    fc.property(
      fc.constantFrom(...parameters),
      fc.oneof(fc.string(), fc.stringMatching(/^-?\d{0,20}(\.\d*)?[a-zA-Z]{0,3}$/)),
      (parameter, text) => {
        try {
          const value = parseValue(parameter, text);
          if (typeof value === 'number') assert.ok(Number.isFinite(value));
        } catch (error) {
          assert.instance(error, Unacceptable);
        }
      },
    ),
  );
});

test.run();
