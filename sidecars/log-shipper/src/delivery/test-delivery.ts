/** What the delivery's tests share: a delivery to test stores, and records to send. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { Readiness } from '#kit/life/readiness.ts';
import type { LogRecord, Settled } from '../lines/record.ts';
import { createDelivery, type StoreDelivery } from './delivery.ts';
import { deliveryMetrics } from './metrics.ts';
import { deliveryParameters } from './parameters.ts';

export const silent = { info: () => {}, warn: () => {}, error: () => {} };

export interface TestDelivery {
  readonly delivery: StoreDelivery;
  /** All that was told, in order. */
  readonly settled: Settled[];
  readonly readiness: Readiness;
  readonly dir: string;
  /** A counter's or gauge's samples added up. */
  readonly metric: (name: keyof typeof deliveryMetrics) => Promise<number>;
  readonly close: () => void;
}

/**
 * A delivery with short waits.
 * @param urls where to
 * @param env parameters that differ
 * @param indices all that lines go to, where STORE_INDEX is not all
 * @param readiness by another clock, where need be
 */
export function startDelivery(
  urls: readonly string[],
  env: Record<string, string> = {},
  indices?: readonly string[],
  readiness = new Readiness(),
): TestDelivery {
  const dir = mkdtempSync(join(tmpdir(), 'delivery-'));
  const { values } = readParameters(deliveryParameters, {
    env: {
      STORE_URL: urls.join(','),
      STORE_RETRY_MAX: '20ms',
      BULK_DELAY: '1ms',
      DEAD_LETTER_DIR: join(dir, 'dead'),
      SPOOL_DIR: join(dir, 'spool'),
      ...env,
    },
  });
  const metrics = createMetrics(deliveryMetrics, new Registry());
  const delivery = createDelivery({ parameters: values, ...(indices && { indices }), log: silent, metrics, readiness });
  const settled: Settled[] = [];
  delivery.onSettled((told) => void settled.push(...told));
  return {
    delivery,
    settled,
    readiness,
    dir,
    metric: async (name) => metrics[name].get().values.reduce((total, { value }) => total + value, 0),
    close: () => {
      delivery.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Records of a source: `count` lines that carry their sequence number. */
export function recordsOf(source: string, count: number, from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const body = JSON.stringify({ '@timestamp': '2026-11-21T10:00:00.000Z', source, seq: from + index });
    return { id: `${source}-${from + index}`, source, body, bytes: Buffer.byteLength(body) };
  });
}
