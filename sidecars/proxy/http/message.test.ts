/** What a head means, and that finding out takes no longer than reading it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ChunkWalker } from './chunks.ts';
import { CHUNKED, NO_BODY } from './message.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';
import { DONE, scanRequest, scanResponse, type RejectReason } from './scan-head.ts';

function request(text: string): { head: RequestHead; bytes: Buffer; reason: RejectReason | undefined } {
  const head = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  assert.is(scanRequest(head, bytes, 0, bytes.length), DONE);
  return { head, bytes, reason: head.interpret(bytes) };
}

const fields = Array.from({ length: 200 }, (_, index) => `X-${index}: 1\r\n`).join('');
const withOptions = (options: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}Connection: ${options}\r\n\r\n`;

test('what Connection names is dropped, and it may name only so much', () => {
  const names = Array.from({ length: 60 }, (_, index) => `x-${index}`);
  const { head, reason } = request(withOptions(names.join(',')));
  assert.is(reason, undefined);
  assert.is(
    head.dropped.subarray(0, head.count).reduce((sum, each) => sum + each, 0),
    61,
  );
  assert.is(request(withOptions(`${',a'.repeat(5000)}`)).reason, 'connection');
  assert.is(request(withOptions(','.repeat(5000))).reason, 'connection');
  // Several fields are one list (RFC 9110, section 5.3), and so is their limit.
  assert.is(request(`GET / HTTP/1.1\r\nHost: a\r\n${'Connection: a\r\n'.repeat(65)}\r\n`).reason, 'connection');
});

test('a response does not remember the framing of the one before', () => {
  const head = new ResponseHead();
  const read = (text: string): void => {
    const bytes = Buffer.from(text);
    assert.is(scanResponse(head, bytes, 0, bytes.length), DONE);
    assert.is(head.interpret(bytes, false), undefined);
  };
  read('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  assert.is(head.body, CHUNKED);
  read('HTTP/1.1 304 Not Modified\r\nX-A: 1\r\nX-B: 2\r\n\r\n');
  assert.is(head.body, NO_BODY);
  head.dropCoding();
  assert.is(head.dropped[0], 0, 'no field of this one was taken for Transfer-Encoding');
});

test('trailers that come byte by byte cost no more than their bytes', () => {
  const size = 300_000;
  const walker = new ChunkWalker(2 * size);
  const body = Buffer.from(`0\r\nX: ${'a'.repeat(size)}\r\n\r\n`);
  const begun = performance.now();
  for (let at = 0; at < body.length; at++) walker.walk(body, at, at + 1);
  assert.is(walker.finished, true);
  // Were all of them copied at each, it would be 45 GB.
  const took = performance.now() - begun;
  assert.is(took < 10_000, true, `${took} ms`);
});

test.run();
