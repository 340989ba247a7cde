import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { Documents } from './document.ts';
import { Rules } from './rules.ts';
import { compileTimePattern } from './time-pattern.ts';

process.env['TZ'] = 'Europe/Vienna';

const NOW = '2026-11-21T12:00:00.000Z';
const timeOf = (pattern: string, text: string, now = NOW): string | undefined =>
  compileTimePattern('LINE_TIME_PATTERN', pattern)(text, now);

test('times in the words of strftime', () => {
  for (const [pattern, text, expected] of [
    ['%d/%m/%Y %H:%M:%S', '21/11/2026 10:00:00 hello', '2026-11-21T09:00:00Z'],
    ['%d/%m/%Y %H:%M:%S', 'INFO 21/11/2026 10:00:00 hello', '2026-11-21T09:00:00Z'],
    ['%d.%m.%Y %H:%M:%S,%f %z', '21.11.2026 10:00:00,123456789 +0130 x', '2026-11-21T10:00:00.123456789+01:30'],
    ['%Y%m%d%H%M%S', '20261121100000 x', '2026-11-21T09:00:00Z'],
    ['[%d/%b/%Y:%H:%M:%S %z]', '::1 - [21/Nov/2026:10:00:00 -0500] "GET', '2026-11-21T10:00:00-05:00'],
    ['%b %e %H:%M:%S', 'nov  1 10:00:00 host app: x', '2026-11-01T09:00:00Z'],
    ['%b %e %H:%M:%S', 'Dec 31 23:59:59 of the year before', '2025-12-31T22:59:59Z'],
    ['%b %e %H:%M', 'Nov 22 10:00 a clock that is ahead', '2026-11-22T09:00:00Z'],
    ['%b %e %H:%M', 'Nov 23 10:00 a year ago', '2025-11-23T09:00:00Z'],
    ['%s', '1763712000 x', '2025-11-21T08:00:00Z'],
    ['%s.%f', '1763712000.25 x', '2025-11-21T08:00:00.250Z'],
    ['%s%f', '1763712000123 x', '2025-11-21T08:00:00.123Z'],
    ['100%% %Y.(%m)%d+%H', '100% 2026.(11)21+10', '2026-11-21T09:00:00Z'],
    // No time.
    ['%d/%m/%Y %H', '31/02/2026 10', undefined],
    ['%d/%m/%Y %H', '121/02/2026 10', undefined],
    ['%d/%m/%Y %H:%M', '21/02/2026 10:300', undefined],
    ['%d/%m/%Y %H', '21-11-2026 10', undefined],
    ['%d/%m/%Y %H', `${'x'.repeat(200)}21/11/2026 10`, undefined],
    ['%b %e %H', 'Feb 30 10', undefined],
    ['%s', '12345678901 x', undefined],
  ] as const)
    assert.is(timeOf(pattern, text), expected, `${pattern} in ${text}`);
  assert.is(timeOf('%m-%d %H', '12-31 23 x', '2027-01-01T00:00:01Z'), '2026-12-31T22:00:00Z');
  assert.is(timeOf('%m-%d %H', '01-01 00 x', '2026-12-31T23:30:00Z'), '2026-12-31T23:00:00Z', 'of the next year here');
});

test('what describes no time is refused with the reason', () => {
  for (const [pattern, reason] of [
    ['%Y-%m-%d %H:%Q', /%Q is not known/],
    ['%Y-%m-%d %H %', /% is not known/],
    ['%Y-%m-%d %H %H', /%H is there twice/],
    ['%m %b %d %H', /%m and %b say the same/],
    ['%m %d %e %H', /%d and %e say the same/],
    ['%Y %d %H', /neither %m nor %b/],
    ['%m %H', /neither %d nor %e/],
    ['%Y-%m-%d', /no %H/],
    ['%m %d %H %f', /%f without %S/],
    ['%s %z', /%z is there beside %s/],
    ['plain', /neither/],
  ] as const)
    assert.throws(
      () => compileTimePattern('LINE_TIME_PATTERN', pattern),
      (error: unknown) => error instanceof ConfigurationError && reason.test(error.message),
      pattern,
    );
});

const two = (n: number): string => String(n).padStart(2, '0');
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

test('any time, in any order of words and between any text, is found to the last digit', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1990-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
      fc.stringMatching(/^\d{1,9}$/),
      fc.integer({ min: -12 * 60, max: 14 * 60 - 1 }),
      fc.constantFrom('%m', '%b'),
      fc.constantFrom('%d', '%e'),
      fc.shuffledSubarray(['%Y', 'month', 'day', '%H', '%M', '%S', '%f', '%z'], { minLength: 8 }),
      fc.constantFrom(' ', '/', '.', '] [', ' (?:', '%%', '日'),
      fc.stringMatching(/^[a-z .*[(]{0,40}$/),
      (date, fraction, offset, month, day, order, between, around) => {
        const local = new Date(date.getTime() + offset * 60_000);
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
        const said: Record<string, string> = {
          '%Y': String(local.getUTCFullYear()),
          '%m': two(local.getUTCMonth() + 1),
          '%b': MONTHS[local.getUTCMonth()]!,
          '%d': two(local.getUTCDate()),
          '%e': String(local.getUTCDate()).padStart(2),
          '%H': two(local.getUTCHours()),
          '%M': two(local.getUTCMinutes()),
          '%S': two(local.getUTCSeconds()),
          '%f': fraction,
          '%z': zone,
        };
        const words = order.map((word) => (word === 'month' ? month : word === 'day' ? day : word));
        const text = `${around}|${words.map((word) => said[word]).join(between.replace('%%', '%'))}|${around}`;
        const time = timeOf(words.join(between), text)!;
        assert.is(Date.parse(time.replace(/\.\d+/, '')), Math.floor(date.getTime() / 1000) * 1000, text);
        assert.is(/\.(\d+)/.exec(time)![1], fraction);
      },
    ),
    { numRuns: 500 },
  );
});

test('any pattern of any line: a time or none, and soon', () => {
  const word = fc.constantFrom(
    '%Y',
    '%m',
    '%d',
    '%e',
    '%b',
    '%H',
    '%M',
    '%S',
    '%f',
    '%z',
    '%s',
    '%%',
    ' ',
    '-',
    '(',
    '+',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 20 }).map((words) => words.join('')),
      fc.oneof(fc.string(), fc.stringMatching(/^[\d :+Z-]{0,300}$/)),
      (pattern, text) => {
        let read: ReturnType<typeof compileTimePattern>;
        try {
          read = compileTimePattern('LINE_TIME_PATTERN', pattern);
        } catch (error) {
          assert.instance(error, ConfigurationError);
          return;
        }
        const time = read(text, NOW);
        if (time !== undefined) assert.not.ok(Number.isNaN(Date.parse(time)), time);
      },
    ),
    { numRuns: 500 },
  );
  const slow = compileTimePattern('LINE_TIME_PATTERN', `%e%d%H%M%S%f${' '.repeat(50)}%m%Y`.replace('%d', ''));
  const long = '1'.repeat(1_000_000);
  for (let at = 0; at < 200; at++) assert.is(slow(long, NOW), undefined);
});

test("a line's time: its pattern, then LINE_TIME; whole seconds keep the order of lines", () => {
  const create = (detectTime: boolean): ((text: string) => string) => {
    const rules = new Rules({ LINE_DROP: undefined, LINE_REDACT: undefined, LINE_REDACT_WITH: '' });
    const readTime = compileTimePattern('LINE_TIME_PATTERN', '%d/%m/%Y %H:%M:%S %z');
    const documents = new Documents({ rules, limit: 1000, ours: [], detectTime, readTime });
    const circumstances = { members: '', time: () => NOW, cut: false, foreign: false, multiline: false };
    return (text) => (JSON.parse(documents.create(text, circumstances)!) as { '@timestamp': string })['@timestamp'];
  };
  const detects = create(true);
  assert.is(detects('20/11/2026 10:00:00 Z one'), '2026-11-20T10:00:00.000000000Z');
  assert.is(detects('20/11/2026 10:00:00 Z two'), '2026-11-20T10:00:00.000000001Z');
  assert.is(detects('2026-11-20T10:00:00.5Z other'), '2026-11-20T10:00:00.5Z');
  assert.is(create(false)('2026-11-20T10:00:00.5Z other'), NOW);
  assert.is(create(false)('20/11/2026 10:00:00 +0100 one'), '2026-11-20T10:00:00.000000000+01:00');
});

test.run();
