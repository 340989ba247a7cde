import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LogRecord } from '../lines/record.ts';
import { Queue } from './queue.ts';

const record = (id: string): LogRecord => ({ id, source: 'a', body: '{}', bytes: 2 });

test('a record waits for others from its arrival, not from the end of the request under way', () => {
  let now = 0;
  const queue = new Queue({ maxBytes: 1000, maxRecords: 100, delay: 200, retryMax: 1000 }, () => now);
  queue.push([record('1')]);
  assert.is(queue.wait(false), 200);
  now = 200;
  const first = queue.take(false)!;
  now = 250;
  queue.push([record('2')]);
  now = 300;
  queue.push([record('3')]);
  now = 400;
  for (const entry of first.entries) entry.outcome = 'stored';
  assert.is(queue.settle(first, new Set()).length, 1);
  assert.is(queue.wait(false), 50);
  now = 450;
  assert.is(queue.take(false)!.entries.length, 2);
});

test('what did not fit into a request does not wait again', () => {
  let now = 0;
  const queue = new Queue({ maxBytes: 1000, maxRecords: 2, delay: 200, retryMax: 1000 }, () => now);
  queue.push(['1', '2', '3'].map(record));
  const first = queue.take(false)!;
  assert.is(first.entries.length, 2);
  now = 300;
  for (const entry of first.entries) entry.outcome = 'stored';
  queue.settle(first, new Set());
  assert.is(queue.wait(false), 0);
});

test.run();
