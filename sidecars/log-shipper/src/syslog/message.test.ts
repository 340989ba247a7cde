/** Syslog messages: the examples of both standards, all that RFC 5424 allows, and bytes that are neither. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readMessage } from './message.ts';

const NOW = '2026-11-25T04:00:00.000Z';
const read = (text: string | Buffer): ReturnType<typeof readMessage> => readMessage(Buffer.from(text as string), NOW);

test('the examples of RFC 5424', () => {
  const { structured, ...first } = read(
    "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
  );
  assert.is(structured, undefined);
  assert.equal(first, {
    priority: 34,
    version: 1,
    time: '2003-10-11T22:14:15.003Z',
    hostname: 'mymachine.example.com',
    appname: 'su',
    procid: undefined,
    msgid: 'ID47',
    text: "'su root' failed for lonvick on /dev/pts/8",
    foreign: false,
  });
  const second = read(
    "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
  );
  assert.is(second.time, '2003-08-24T05:14:15.000003-07:00');
  assert.is(second.procid, '8710');
  const fourth = read(
    '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
  );
  assert.is(fourth.text, '');
  assert.equal([...fourth.structured!.keys()], ['exampleSDID@32473', 'examplePriority@32473']);
  assert.is(fourth.structured!.get('exampleSDID@32473')!.get('eventID'), '1011');
});

test('the examples of RFC 3164, and what senders make of it', () => {
  const [one, two, three, four, five] = [
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
    '<13>Nov  5 10:00:00 myhost app[123]: started',
    '<13>Nov 25 03:00:00 cron: by its own host',
    '<13>2026-11-25T03:00:00.123456+01:00 myhost app - no tag',
    '<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org sched[0]: That is All Folks!',
  ].map((text) => read(text));
  assert.equal(
    [one!.time, one!.hostname, one!.appname, one!.text],
    ['2026-10-11T22:14:15Z', 'mymachine', 'su', "'su root' failed"],
  );
  assert.equal([two!.time, two!.appname, two!.procid, two!.text], ['2026-11-05T10:00:00Z', 'app', '123', 'started']);
  assert.equal([three!.hostname, three!.appname, three!.text], [undefined, 'cron', 'by its own host']);
  assert.equal(
    [four!.time, four!.hostname, four!.text],
    ['2026-11-25T03:00:00.123456+01:00', 'myhost', 'app - no tag'],
  );
  assert.is(five!.text, '1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org sched[0]: That is All Folks!');
  assert.is(five!.priority, 0);
});

test('what is no header is text, and nothing of it is lost', () => {
  for (const text of ['hello', '<192>x', '<>x', '<1x', '12 x', '<13'])
    assert.equal([read(text).priority, read(text).text], [undefined, text]);
  const broken = read('<13>1 - host app - - [id a="1" b=2] text');
  assert.equal([broken.hostname, broken.structured, broken.text], ['host', undefined, '[id a="1" b=2] text']);
  const long = `<13>1 - - - - - [id${' a="1"'.repeat(10_000)}] text`;
  assert.is(read(long).text, long.slice('<13>1 - - - - - '.length), 'too many parameters');
  assert.is(read('line\r\n\0').text, 'line');
  const latin = read(Buffer.from('<13>1 - - - - - caf\xe9', 'latin1'));
  assert.equal([latin.text, latin.foreign], ['café', true]);
});

const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019.:/[]"=@#\\'.split('')), minLength: 1, maxLength: 30 });
const name = fc.string({ unit: fc.constantFrom(...'abcXYZ019.:@_'.split('')), minLength: 1, maxLength: 30 });
const value = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll(/[\n\r\0]/g, ''));
const elements = fc.uniqueArray(
  fc.tuple(name, fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 5 })),
  { selector: ([id]) => id, maxLength: 4 },
);
const escaped = (text: string): string => text.replaceAll(/["\\\]]/g, '\\$&');
const orNil = (text: string | undefined): string => text ?? '-';
const optional = fc.option(
  word.filter((text) => text !== '-'),
  { nil: undefined },
);

test('any message of RFC 5424 is read as it was meant', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 191 }),
      fc.tuple(optional, optional, optional, optional),
      elements,
      value,
      (priority, [hostname, appname, procid, msgid], data, text) => {
        const structured = data
          .map(([id, pairs]) => `[${id}${pairs.map(([key, said]) => ` ${key}="${escaped(said)}"`).join('')}]`)
          .join('');
        const header = [hostname, appname, procid, msgid].map(orNil).join(' ');
        const found = read(`<${priority}>1 2026-11-25T03:00:00Z ${header} ${structured || '-'} ${text}`);
        assert.equal(
          [found.priority, found.hostname, found.appname, found.procid, found.msgid, found.text],
          [priority, hostname, appname, procid, msgid, text.replace(/^\uFEFF/, '')],
        );
        const said = [...(found.structured ?? [])].map(([id, pairs]) => [id, [...pairs]]);
        assert.equal(said, data as never);
      },
    ),
    { numRuns: 300 },
  );
});

test('any bytes are a message, in time that grows with their number alone', () => {
  const piece = fc.constantFrom(
    '<13>',
    '1 ',
    '- ',
    '[a b="',
    '"]',
    ' a="b"',
    '\\',
    'Nov 25 03:00:00 ',
    'x[',
    ']: ',
    '\0',
    'é',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((all) => Buffer.from(all.join(''))),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const { text, priority } = readMessage(bytes, NOW);
        assert.ok(text.length <= bytes.length);
        assert.ok(priority === undefined || priority <= 191);
      },
    ),
    { numRuns: 1000 },
  );
  // Quadratic, each would take minutes, and the test's own deadline would end it.
  for (const unit of ['[a', ' b="\\"', ']', '<1>', 'a: ', '\\', ' ', '\0'])
    for (const head of ['<13>1 - - - - - ', '<13>1 - - - - - [a b="', '<13>Nov 25 03:00:00 ', ''])
      read(head + unit.repeat(100_000));
});

test.run();
