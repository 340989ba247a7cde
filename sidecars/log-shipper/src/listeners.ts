/** The inputs that listen: the forward protocol, OTLP and syslog. What they take goes to the spool first. */
import { admissionOf } from './forward/settings.ts';
import { startForward } from './forward/input.ts';
import type { Common } from './lines/input-context.ts';
import { isDated } from './lines/index-name.ts';
import type { LogRecord } from './lines/record.ts';
import type { SenderServer } from './senders/server.ts';
import { encryptionOf } from './senders/settings.ts';

interface Spool {
  append(records: readonly LogRecord[]): Promise<void>;
}

/** Whether any of them is asked for. */
export function listens({ FORWARD_PORT, OTLP_PORT, SYSLOG_PORT, SYSLOG_UDP_PORT }: Common['parameters']): boolean {
  return [FORWARD_PORT, OTLP_PORT, SYSLOG_PORT, SYSLOG_UDP_PORT].some((port) => port !== undefined);
}

/**
 * Start those that are asked for.
 * @returns what ends them: they take in what senders have sent, until a deadline
 * @throws {ConfigurationError} when parameters contradict each other, or a port cannot be had
 */
export async function startListeners(common: Common, spool: Spool): Promise<SenderServer['close']> {
  const all = [await forwardOf(common, spool), await otlpOf(common, spool), await syslogOf(common, spool)];
  return async (deadline) => {
    await Promise.all(all.map(async (input) => await input?.close(deadline)));
  };
}

/** What is the same for all of them. */
function shared({ parameters, log, metrics, documents, members, skipped, cut }: Common, input: string) {
  return {
    documents,
    members,
    skipped,
    cut,
    log,
    limit: parameters.LINE_MAX_BYTES,
    serviceName: parameters.SERVICE_NAME,
    ...(isDated(parameters.STORE_INDEX) && { dated: parameters.STORE_INDEX }),
    onRead: (lines: number, bytes: number) => {
      metrics.shipper_read_total.inc({ input }, lines);
      metrics.shipper_read_bytes_total.inc({ input }, bytes);
    },
  };
}

async function forwardOf(common: Common, spool: Spool): Promise<SenderServer | undefined> {
  const { parameters, metrics, splitter } = common;
  if (parameters.FORWARD_PORT === undefined) return undefined;
  return await startForward({
    ...shared(common, 'forward'),
    address: parameters.FORWARD_ADDRESS,
    port: parameters.FORWARD_PORT,
    maxConnections: parameters.FORWARD_MAX_CONNECTIONS,
    maxMessage: parameters.FORWARD_MAX_MESSAGE,
    ...admissionOf(parameters),
    splitter,
    patience: parameters.MULTILINE_TIMEOUT,
    spool,
    dir: parameters.SPOOL_DIR,
    drops: parameters.SPOOL_POLICY === 'drop-oldest',
    onDiskError: (reason) => metrics.shipper_spool_errors_total.inc({ reason }),
    onConnections: (open) => metrics.shipper_forward_connections.set(open),
    onRefused: (reason) => metrics.shipper_forward_refused_total.inc({ reason }),
  });
}

async function otlpOf(common: Common, spool: Spool): Promise<SenderServer | undefined> {
  const { parameters, metrics } = common;
  if (parameters.OTLP_PORT === undefined) return undefined;
  // Loaded by those who use it: HTTP's server costs memory.
  const { startOtlp } = await import('./otlp/input.ts');
  return await startOtlp({
    ...shared(common, 'otlp'),
    address: parameters.OTLP_ADDRESS,
    port: parameters.OTLP_PORT,
    maxConnections: parameters.OTLP_MAX_CONNECTIONS,
    maxRequest: parameters.OTLP_MAX_REQUEST,
    encryption: encryptionOf('OTLP', parameters),
    token: parameters.OTLP_TOKEN,
    spool,
    onAnswered: (status) => metrics.shipper_otlp_requests_total.inc({ status: String(status) }),
    onRejected: (records) => metrics.shipper_otlp_rejected_total.inc(records),
  });
}

async function syslogOf(common: Common, spool: Spool): Promise<Pick<SenderServer, 'close'> | undefined> {
  const { parameters, metrics } = common;
  const { SYSLOG_PORT: port, SYSLOG_UDP_PORT: udpPort } = parameters;
  const encryption = encryptionOf('SYSLOG', parameters);
  if (port === undefined && udpPort === undefined) return undefined;
  const { startSyslog } = await import('./syslog/input.ts');
  return await startSyslog({
    ...shared(common, 'syslog'),
    address: parameters.SYSLOG_ADDRESS,
    port,
    udpPort,
    maxConnections: parameters.SYSLOG_MAX_CONNECTIONS,
    encryption,
    spool,
    onConnections: (open) => metrics.shipper_syslog_connections.set(open),
    onRefused: (reason) => metrics.shipper_syslog_refused_total.inc({ reason }),
    onDropped: (count) => metrics.shipper_dropped_total.inc({ reason: 'datagrams' }, count),
  });
}
