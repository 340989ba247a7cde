/** Inputs, lines, delivery and registry, joined: what is read is offered, what is settled is noted. */
import { pause } from '#kit/time/backoff.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { Common, PipelineOptions } from './lines/input-context.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createSpool } from './delivery/spool/spool.ts';
import { startFiles } from './files/start.ts';
import { createLines } from './lines/lines.ts';
import { listens, startListeners } from './listeners.ts';
import type { Entry } from './pipelines/read.ts';
import { holdDirectory } from './state-lock.ts';

/** For closing the inputs, and left of the shutdown's time after the drain was cut, in milliseconds. */
const CLOSING = 500;
/** Share of the shutdown's time in which is taken in what senders have sent. */
const READ_OUT = 0.25;

/**
 * Start shipping; the shutdown ends it.
 * @throws {ConfigurationError} when parameters contradict each other, or the registry cannot be used
 */
export async function startPipeline(options: PipelineOptions): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown } = options;
  if (parameters.FILE_PATHS === undefined && !listens(parameters))
    throw new ConfigurationError([
      {
        parameter: 'FILE_PATHS',
        reason: 'missing',
        message:
          'FILE_PATHS and the ports of the other inputs are not set; accepted are one or more of FILE_PATHS, FORWARD_PORT, OTLP_PORT, SYSLOG_PORT, SYSLOG_UDP_PORT',
      },
    ]);
  const { PIPELINES_FILE } = parameters;
  if (parameters.FILE_PATHS === undefined && PIPELINES_FILE !== undefined)
    throw new ConfigurationError([
      {
        parameter: 'PIPELINES_FILE',
        reason: 'conflict',
        message: 'PIPELINES_FILE is set without FILE_PATHS; accepted is both, or FILE_PATHS alone',
      },
    ]);
  const entries = PIPELINES_FILE === undefined ? [] : await entriesOf(PIPELINES_FILE, parameters);
  const lines = createLines(parameters, parameters.LINE_MAX_BYTES);
  if (parameters.FILE_PATHS !== undefined) await holdDirectory('STATE_DIR', parameters.STATE_DIR);
  if (listens(parameters)) await holdDirectory('SPOOL_DIR', parameters.SPOOL_DIR);
  const common: Common = {
    parameters,
    log,
    metrics,
    readiness,
    ...lines,
    skipped: (reason, count) => metrics.shipper_skipped_total.inc({ reason }, count),
    cut: () => metrics.shipper_cut_total.inc(),
  };
  const indices = new Set([parameters.STORE_INDEX, ...entries.map(({ settings }) => settings.STORE_INDEX)]);
  const delivery = createDelivery({ parameters, indices, log, metrics, readiness });
  const files =
    parameters.FILE_PATHS === undefined ? undefined : startFiles(parameters.FILE_PATHS, common, delivery, entries);
  const spool = createSpool({ parameters, delivery, log, metrics });
  const closeListeners = await startListeners(common, spool);

  shutdown.step('inputs', async () => {
    const reading = AbortSignal.timeout(READ_OUT * parameters.SHUTDOWN_TIMEOUT);
    // A spool that is full would have it wait for the store.
    await Promise.race([closeListeners(reading), pause(READ_OUT * parameters.SHUTDOWN_TIMEOUT + CLOSING)]);
    files?.stop();
    spool.stop();
  });
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  shutdown.step('drain', (deadline) => delivery.drain(AbortSignal.any([deadline, AbortSignal.timeout(patience)])));
  shutdown.step('registry', () => {
    spool.close();
    files?.close();
  });
}

async function entriesOf(file: string, parameters: PipelineOptions['parameters']): Promise<Entry[]> {
  // Loaded by those who use it: a parser costs memory.
  const { readPipelines } = await import('./pipelines/read.ts');
  return readPipelines(file, parameters);
}
