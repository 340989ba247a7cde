import { connect } from 'node:net';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from './explain.ts';
import { freePort } from '../testing/ports.ts';

const test = suite('explain');

test('what fetch and a socket say of a port where nobody listens names the port', async () => {
  const port = await freePort();
  const error: unknown = await fetch(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason);
  assert.is(explain(error), `fetch failed: connect ECONNREFUSED 127.0.0.1:${port}`);
  // Two addresses: an AggregateError that has no message.
  const socket = connect({ host: 'localhost', port, autoSelectFamily: true });
  const [refused] = (await once(socket, 'error').catch((reason: unknown) => [reason])) as [unknown];
  assert.match(explain(refused), `ECONNREFUSED`);
  assert.match(explain(refused), String(port));
});

test('each cause is said once, however deep or circular', () => {
  const inner = new Error('the disk is full');
  const middle = new Error('not written: the disk is full', { cause: inner });
  assert.is(explain(new Error('no report', { cause: middle })), 'no report: not written: the disk is full');
  const circular = new Error('a');
  circular.cause = new Error('b', { cause: circular });
  assert.is(explain(circular), 'a: b');
});

test('what is no Error is said as it is', () => {
  assert.is(explain('gone'), 'gone');
  assert.is(explain(new Error('failed', { cause: 'gone' })), 'failed: gone');
});

test.run();
