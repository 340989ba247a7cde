/** A chunked body for who takes data: what its chunks hold, however small they are. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Exchange } from '#proxy/exchange/exchange.ts';
import { CHUNKED } from '#proxy/http/message.ts';
import { Http1Body } from './http1-body.ts';

const taking = (received: Buffer[]): Exchange =>
  ({ rawBody: false, sendBody: (data: Buffer) => received.push(Buffer.from(data)) > 0 }) as unknown as Exchange;

function pass(parts: readonly string[]): { text: string; pieces: number; rest: string } {
  const body = new Http1Body(1000);
  body.begin(CHUNKED, 0);
  const received: Buffer[] = [];
  let rest = '';
  for (const part of parts) {
    const bytes = Buffer.from(part, 'latin1');
    rest = bytes.toString('latin1', body.pass(taking(received), bytes));
  }
  assert.ok(body.done);
  return { text: Buffer.concat(received).toString('latin1'), pieces: received.length, rest };
}

test('chunks of all sizes are passed in one piece, and what follows the body stays as it is', () => {
  const chunks = ['a', 'bc', 'def', 'x'.repeat(300), 'y'];
  const wire = `${chunks.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join('')}0\r\n\r\n`;
  assert.equal(pass([`${wire}GET / HTTP/1.1`]), { text: chunks.join(''), pieces: 1, rest: 'GET / HTTP/1.1' });
  for (let at = 1; at < wire.length; at++)
    assert.is(pass([wire.slice(0, at), wire.slice(at)]).text, chunks.join(''), `cut at ${at}`);
});

test('a chunk for each byte makes no object for each', () => {
  const { subarray } = Buffer.prototype;
  let made = 0;
  Buffer.prototype.subarray = function (...args: Parameters<Buffer['subarray']>) {
    made++;
    return subarray.apply(this, args);
  };
  try {
    assert.is(pass([`${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`]).text.length, 10_000);
  } finally {
    Buffer.prototype.subarray = subarray;
  }
  assert.ok(made < 10, `${made} made`);
});

test.run();
