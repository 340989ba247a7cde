import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EventStreamParser, EventTooLong, type ServerEvent } from './event-stream.ts';
import { JsonLinesParser, LineTooLong } from './json-lines.ts';

function eventsOf(chunks: Uint8Array[], max?: number): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = new EventStreamParser((event) => events.push(event), max);
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

/** A text's bytes, cut at arbitrary places. */
const pieces = (text: string, cuts: readonly number[]): Buffer[] => {
  const bytes = Buffer.from(text);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
};

test('events: fields, comments, defaults, as the standard has them', () => {
  const text =
    ': hello\nid: 7\nevent: change\ndata: one\ndata:two\nother: x\n\ndata\n\nid: 8\n\n:\ndata:  kept blank\r\n\r\nevent: lost\ndata: unfinished';
  assert.equal(eventsOf([Buffer.from(text)]), [
    { event: 'change', data: 'one\ntwo', id: '7' },
    { event: 'message', data: '', id: '7' },
    { event: 'message', data: ' kept blank', id: '8' },
  ]);
});

const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\0\uFEFF]/g, ''));

test('events: wherever the bytes are cut and however lines end, the same events come', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ event: line.filter((text) => text !== ''), data: fc.array(line, { minLength: 1 }) })),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat()),
      (events, end, cuts) => {
        const text = events
          .map(({ event, data }) => [`event: ${event}`, ...data.map((each) => `data: ${each}`), '', ''].join(end))
          .join('');
        const expected = events.map(({ event, data }) => ({ event, data: data.join('\n'), id: '' }));
        assert.equal(eventsOf(pieces(text, cuts)), expected);
      },
    ),
  );
});

test('events: any bytes are taken', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array()), (chunks) => void eventsOf(chunks)));
});

test('events: one without an end is not kept for ever', () => {
  const endless = (piece: string): void => void eventsOf(Array(200).fill(Buffer.from(piece)) as Buffer[], 1000);
  assert.throws(
    () => endless('data: x'),
    (error: Error) => error instanceof EventTooLong,
  );
  assert.throws(
    () => endless('data: 1234567890\n'),
    (error: Error) => error instanceof EventTooLong,
  );
});

test('lines: wherever the bytes are cut, the same values come', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.array(fc.nat()), (values, cuts) => {
      const seen: unknown[] = [];
      const parser = new JsonLinesParser((value) => seen.push(value), 1e6);
      for (const piece of pieces(values.map((value) => `${JSON.stringify(value)}\n`).join('\n'), cuts))
        parser.push(piece);
      assert.equal(JSON.stringify(seen), JSON.stringify(values));
    }),
  );
});

test('lines: what is no JSON, and what never ends, is an error', () => {
  const parser = (): JsonLinesParser => new JsonLinesParser(() => {}, 10);
  assert.throws(
    () => parser().push(Buffer.from('{"a":\n')),
    (error: Error) => error instanceof SyntaxError,
  );
  assert.throws(
    () => parser().push(Buffer.from('x'.repeat(11))),
    (error: Error) => error instanceof LineTooLong,
  );
});

test.run();
