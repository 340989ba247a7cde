import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { indexAt } from './index-name.ts';
import { epochTime, isoTime, timeIn, utcDay } from './time.ts';

process.env['TZ'] = 'Europe/Vienna';

test('ISO times, with and without a zone', () => {
  for (const [text, expected] of [
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00Z'],
    ['2026-11-21 10:00:00,123', '2026-11-21T09:00:00.123Z'],
    ['2026-07-21T10:00:00.123456789', '2026-07-21T08:00:00.123456789Z'],
    ['2026-11-21T10:00:00.5+02:00', '2026-11-21T10:00:00.5+02:00'],
    ['2026-11-21T10:00:00+25:00', undefined],
    ['2026-11-21T10:00:00+14:60', undefined],
    ['2026-02-30T10:00:00Z', undefined],
    ['2026-11-21', undefined],
  ] as const)
    assert.is(isoTime(text), expected, text);
});

test('numbers since the epoch, by magnitude, without a digit lost', () => {
  for (const [text, expected] of [
    ['1763712000', '2025-11-21T08:00:00.000Z'],
    ['1763712000.123456', '2025-11-21T08:00:00.123456Z'],
    ['1763712000123', '2025-11-21T08:00:00.123Z'],
    ['1763712000123456', '2025-11-21T08:00:00.123456Z'],
    ['1763712000123456789', '2025-11-21T08:00:00.123456789Z'],
    ['12', undefined],
    ['17637120001234567890', undefined],
  ] as const)
    assert.is(epochTime(text), expected, text);
});

test('the time that a line of text begins with', () => {
  for (const [text, expected] of [
    ['2026-11-21 10:00:00,123 INFO started', '2026-11-21T09:00:00.123Z'],
    ['[2026-11-21T10:00:00.123456Z] started', '2026-11-21T10:00:00.123456Z'],
    ['2026-11-21T10:00:00+01:00 host app: started', '2026-11-21T10:00:00+01:00'],
    ['127.0.0.1 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 1', '2026-11-21T10:00:00+01:00'],
    ['started at 2026-11-21 10:00:00', undefined],
    ['2026-11-21 10:00:00.1234567890 odd', undefined],
    ['2026-13-21 10:00:00 odd', undefined],
    ['', undefined],
  ] as const)
    assert.is(timeIn(text), expected, text);
  fc.assert(fc.property(fc.string(), (text) => void timeIn(text)));
  const long = '2026-11-21 '.repeat(500_000);
  const begun = performance.now();
  for (let at = 0; at < 1000; at++) timeIn(long);
  assert.ok(performance.now() - begun < 20_000, 'of a long line only the beginning is looked at');
});

test('what is accepted is a time, and the day is that of UTC', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1990-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
      fc.integer({ min: -12 * 60, max: 14 * 60 - 1 }),
      (date, offset) => {
        const sign = offset < 0 ? '-' : '+';
        const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
        const zone = `${sign}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
        const text = new Date(date.getTime() + offset * 60_000).toISOString().replace('Z', zone);
        const time = isoTime(text)!;
        assert.is(Date.parse(time), date.getTime());
        assert.is(indexAt('logs-{date}', time), `logs-${date.toISOString().slice(0, 10).replaceAll('-', '.')}`);
      },
    ),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.TZ:+ -]{8,32}$/)), (text) => {
      for (const time of [isoTime(text), epochTime(text)])
        if (time !== undefined) assert.ok(!Number.isNaN(Date.parse(time)) && utcDay(time) !== undefined, time);
    }),
  );
});

test.run();
