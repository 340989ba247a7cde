/** Counts become metrics when they are read. */
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ProxyCounts } from './stats.ts';

test('every status is counted, above 599 as 5xx; each count once', () => {
  const registry = new Registry();
  const { requests, errors, flying } = createMetrics(
    {
      requests: { type: 'counter', help: 'x', labels: ['code'] },
      errors: { type: 'counter', help: 'x' },
      flying: { type: 'gauge', help: 'x' },
    },
    registry,
  );
  const counts = new ProxyCounts();
  counts.publish({ requests, internalErrors: errors, requestsInFlight: flying });
  for (const status of [101, 200, 304, 404, 500, 599, 600, 999]) counts.responded(status);
  counts.internalError();
  counts.requestStarted();
  for (let round = 0; round < 2; round++) {
    const text = registry.metrics();
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
