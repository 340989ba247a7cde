/** Counts become metrics when they are read. */
import { Counter, Gauge, Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ProxyCounts } from './stats.ts';

test('every status is counted, above 599 as 5xx; each count once', async () => {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'requests', help: 'x', labelNames: ['code'], registers });
  const internalErrors = new Counter({ name: 'errors', help: 'x', registers });
  const requestsInFlight = new Gauge({ name: 'flying', help: 'x', registers });
  const counts = new ProxyCounts();
  counts.publish({ requests, internalErrors, requestsInFlight });
  for (const status of [101, 200, 304, 404, 500, 599, 600, 999]) counts.responded(status);
  counts.internalError();
  counts.requestStarted();
  for (let round = 0; round < 2; round++) {
    const text = await registry.metrics();
    for (const line of [
      'requests{code="1xx"} 1',
      'requests{code="3xx"} 1',
      'requests{code="5xx"} 4',
      'errors 1',
      'flying 1',
    ])
      assert.match(text, line);
  }
});

test.run();
