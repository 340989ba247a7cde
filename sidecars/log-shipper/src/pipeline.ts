/** Inputs, lines, delivery and registry, joined: what is read is offered, what is settled is noted. */
import { hostname } from 'node:os';
import { pause } from '#kit/backoff.ts';
import { ConfigurationError } from '#kit/parameters.ts';
import type { Common, PipelineOptions } from './common.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createSpool } from './delivery/spool/spool.ts';
import { startFiles } from './files/start.ts';
import { startForward, type Forward } from './forward/input.ts';
import { admissionOf } from './forward/settings.ts';
import { Documents, member } from './lines/document.ts';
import { isDated } from './lines/index-name.ts';
import { compilePattern, Rules } from './lines/rules.ts';
import { Splitter } from './lines/splitter.ts';
import { compileTimePattern } from './lines/time-pattern.ts';
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
  if (parameters.FILE_PATHS !== undefined) await holdDirectory('STATE_DIR', parameters.STATE_DIR);
  if (parameters.FORWARD_PORT !== undefined) await holdDirectory('SPOOL_DIR', parameters.SPOOL_DIR);
  const common = { parameters, log, metrics, readiness, ...createLines(options) };
  const delivery = createDelivery({ parameters, log, metrics, readiness });
  const files = parameters.FILE_PATHS === undefined ? undefined : startFiles(parameters.FILE_PATHS, common, delivery);
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

function createLines({
  parameters,
  metrics,
}: PipelineOptions): Pick<Common, 'documents' | 'splitter' | 'skipped' | 'cut' | 'members'> {
  const { MULTILINE_START, LABELS = [], LINE_MAX_BYTES, LINE_TIME, LINE_TIME_PATTERN } = parameters;
  const labels = LABELS.map((label) => {
    const at = label.indexOf('=');
    return [`labels.${label.slice(0, at)}`, label.slice(at + 1)] as const;
  });
  const own = ['@timestamp', 'log.file.path', 'log.offset', 'log.flags', 'host.name', ...labels.map(([name]) => name)];
  return {
    documents: new Documents({
      rules: new Rules(parameters),
      limit: LINE_MAX_BYTES,
      ours: own,
      detectTime: LINE_TIME === 'detect',
      readTime:
        LINE_TIME_PATTERN === undefined ? undefined : compileTimePattern('LINE_TIME_PATTERN', LINE_TIME_PATTERN),
    }),
    splitter: new Splitter(
      MULTILINE_START === undefined ? undefined : compilePattern('MULTILINE_START', MULTILINE_START),
    ),
    skipped: (reason, count) => metrics.shipper_skipped_total.inc({ reason }, count),
    cut: () => metrics.shipper_cut_total.inc(),
    members: [member('host.name', hostname()), ...labels.map(([name, value]) => member(name, value))].join(''),
  };
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
