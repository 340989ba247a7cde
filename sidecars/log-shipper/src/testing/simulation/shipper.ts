/** The shipper as its program makes it, but for the connection to the store. */
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { Readiness } from '#kit/life/readiness.ts';
import { ROOT } from '#kit/testing/simulation/install.ts';
import { contract } from '../../contract.ts';
import type { Common } from '../../lines/input-context.ts';
import { DeadLetters } from '../../delivery/dead-letters.ts';
import { StoreDelivery } from '../../delivery/delivery.ts';
import { Sender } from '../../delivery/sender.ts';
import { startFiles } from '../../files/start.ts';
import { createLines } from '../../lines/lines.ts';
import type { SimulatedStore } from './store.ts';
import { LOGS } from './world.ts';

export const STATE = `${ROOT}/state`;

/** What the shipper says. */
export interface Heard {
  /** Bytes that it says are lost, with the path. */
  readonly lost: { readonly path: string; readonly bytes: number; readonly reason: string }[];
  readonly errors: string[];
  /** Told what it logs. */
  readonly said: (what: string) => void;
}

/**
 * Start the process.
 * @param env parameters that differ
 * @param isAlive whether the process may still say something
 * @returns whether it is able to do its work
 */
export function startShipper(
  store: SimulatedStore,
  heard: Heard,
  env: Readonly<Record<string, string>>,
  isAlive: () => boolean,
): Readiness {
  const { values: parameters } = readParameters(contract.parameters, {
    env: {
      FILE_PATHS: `${LOGS}/*.log*`,
      STATE_DIR: STATE,
      DEAD_LETTER_DIR: `${STATE}/dead`,
      STORE_URL: 'http://store:9200',
      // A process takes so much memory at its start, and a seed starts up to four.
      BULK_MAX_BYTES: '64KiB',
      LINE_MAX_BYTES: '4KiB',
      ...env,
    },
  });
  const metrics = createMetrics(contract.metrics, new Registry());
  const readiness = new Readiness();
  const log = {
    info: (fields: object, message = '') => heard.said(`info: ${message} ${JSON.stringify(fields)}`),
    warn: (fields: object, message = '') => {
      heard.said(`warning: ${message} ${JSON.stringify(fields)}`);
      const { path = '', bytes, reason = '' } = fields as { path?: string; bytes?: number; reason?: string };
      if (bytes !== undefined && isAlive()) heard.lost.push({ path, bytes, reason });
    },
    error: (fields: object) => void heard.errors.push(String((fields as { err?: unknown }).err)),
  } as unknown as Common['log'];
  const transport = Object.assign(store, { close: () => {} });
  const sender = new Sender({
    transport: transport as never,
    index: parameters.STORE_INDEX,
    maxBytes: parameters.BULK_MAX_BYTES,
    metrics,
  });
  const deadLetters = new DeadLetters({ dir: parameters.DEAD_LETTER_DIR, maxBytes: parameters.DEAD_LETTER_MAX_BYTES });
  const delivery = new StoreDelivery({ parameters, log, metrics, readiness }, transport, sender, deadLetters);
  const common: Common = {
    parameters,
    log,
    metrics,
    readiness,
    ...createLines(parameters, parameters.LINE_MAX_BYTES),
    skipped: () => {},
    cut: () => {},
  };
  startFiles([...parameters.FILE_PATHS!], common, delivery, []);
  return readiness;
}
