/** Inputs, lines, delivery and registry, joined: what is read is offered, what is settled is noted. */
import { pause } from '#kit/time/backoff.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { Common, PipelineOptions } from './lines/input-context.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createSpool } from './delivery/spool/spool.ts';
import { startFiles } from './files/start.ts';
import { startForward, type Forward } from './forward/input.ts';
import { admissionOf } from './forward/settings.ts';
import { isDated } from './lines/index-name.ts';
import { createLines } from './lines/lines.ts';
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
  if (parameters.FILE_PATHS === undefined && parameters.FORWARD_PORT === undefined)
    throw new ConfigurationError([
      {
        parameter: 'FILE_PATHS',
        reason: 'missing',
        message: 'FILE_PATHS and FORWARD_PORT are both not set; accepted is one of them or both',
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
  if (parameters.FORWARD_PORT !== undefined) await holdDirectory('SPOOL_DIR', parameters.SPOOL_DIR);
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
  const forward =
    parameters.FORWARD_PORT === undefined ? undefined : await forwardOf(parameters.FORWARD_PORT, common, spool);

  shutdown.step('inputs', async () => {
    const reading = AbortSignal.timeout(READ_OUT * parameters.SHUTDOWN_TIMEOUT);
    // A spool that is full would have it wait for the store.
    await Promise.race([forward?.close(reading), pause(READ_OUT * parameters.SHUTDOWN_TIMEOUT + CLOSING)]);
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

function forwardOf(
  port: number,
  { parameters, log, metrics, documents, splitter, skipped, cut, members }: Common,
  spool: ReturnType<typeof createSpool>,
): Promise<Forward> {
  return startForward({
    address: parameters.FORWARD_ADDRESS,
    port,
    maxConnections: parameters.FORWARD_MAX_CONNECTIONS,
    maxMessage: parameters.FORWARD_MAX_MESSAGE,
    ...admissionOf(parameters),
    documents,
    splitter,
    limit: parameters.LINE_MAX_BYTES,
    patience: parameters.MULTILINE_TIMEOUT,
    members,
    serviceName: parameters.SERVICE_NAME,
    spool,
    ...(isDated(parameters.STORE_INDEX) && { dated: parameters.STORE_INDEX }),
    dir: parameters.SPOOL_DIR,
    drops: parameters.SPOOL_POLICY === 'drop-oldest',
    log,
    skipped,
    cut,
    onRead: (lines, bytes) => {
      metrics.shipper_read_total.inc({ input: 'forward' }, lines);
      metrics.shipper_read_bytes_total.inc({ input: 'forward' }, bytes);
    },
    onDiskError: (reason) => metrics.shipper_spool_errors_total.inc({ reason }),
    onConnections: (open) => metrics.shipper_forward_connections.set(open),
    onRefused: (reason) => metrics.shipper_forward_refused_total.inc({ reason }),
  });
}
