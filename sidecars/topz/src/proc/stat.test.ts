import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newStat, parseResident, parseStat } from './stat.ts';

const line = (
  name: string,
  fields: { state?: string; ppid?: number; user?: number; system?: number; start?: number } = {},
): Buffer => {
  const { state = 'S', ppid = 1, user = 0, system = 0, start = 100 } = fields;
  return Buffer.from(
    `42 (${name}) ${state} ${ppid} 42 42 0 -1 4194560 119 0 0 0 ${user} ${system} 7 8 20 0 3 0 ${start} 2957312 229 18446744073709551615 1 1 0\n`,
  );
};

function parse(bytes: Buffer) {
  const stat = newStat();
  const whole = parseStat(bytes, bytes.length, stat);
  return { whole, stat, name: bytes.toString('utf8', stat.nameStart, stat.nameEnd) };
}

test('the kernel writes what is read', () => {
  const { whole, stat, name } = parse(readFileSync('/proc/self/stat'));
  assert.ok(whole);
  assert.is(stat.ppid, process.ppid);
  assert.ok(stat.threads > 1 && stat.startTicks > 0 && stat.virtualBytes > 1e6, name);
});

test('a name may hold anything', () => {
  for (const name of ['sleep', 'a b', ') S 9 9', '((', '', 'é\n', '(x) R 1']) {
    const { whole, stat, name: read } = parse(line(name, { state: 'R', ppid: 7, user: 11, system: 13, start: 17 }));
    assert.ok(whole, name);
    assert.is(read, name);
    assert.equal(
      [stat.state, stat.ppid, stat.userTicks, stat.systemTicks, stat.threads, stat.startTicks, stat.virtualBytes],
      ['R', 7, 11, 13, 3, 17, 2957312],
    );
  }
});

test('any name and figures come back as they were', () => {
  const figure = fc.nat({ max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), figure, figure, figure, figure, (name, ppid, user, system, start) => {
      const { whole, stat, name: read } = parse(line(name, { ppid, user, system, start }));
      assert.ok(whole);
      assert.is(read, Buffer.from(name).toString());
      assert.equal([stat.ppid, stat.userTicks, stat.systemTicks, stat.startTicks], [ppid, user, system, start]);
    }),
  );
});

test('what is cut off or no stat line is refused', () => {
  const whole = line('sleep');
  // The last fields are not looked at.
  const needed = whole.indexOf('2957312');
  for (let length = 0; length < needed; length++) assert.not.ok(parseStat(whole, length, newStat()), `${length} bytes`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      assert.type(parseStat(Buffer.from(bytes), bytes.length, newStat()), 'boolean');
    }),
  );
});

test('resident memory', () => {
  const read = (text: string): number | undefined => parseResident(Buffer.from(text), text.length);
  assert.is(read('2957 229 200 5 0 90 0\n'), 229);
  assert.is(read('0 0 0 0 0 0 0\n'), 0);
  for (const text of ['', '12', 'a b', '1 x 2']) assert.is(read(text), undefined, text);
});

test.run();
