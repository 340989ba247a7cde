/**
 * `log-shipper replay [FILE…]`: send dead letters again. May be run beside the shipper whose they are.
 * What is refused once more is a dead letter once more.
 */
import { createReadStream, renameSync, rmSync, statSync } from 'node:fs';
import { EXIT_CONFIGURATION } from '#kit/contract/contract.ts';
import { pause } from '#kit/time/backoff.ts';
import { createLog } from '#kit/telemetry/log.ts';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { ConfigurationError, readParameters } from '#kit/contract/parameters.ts';
import { Readiness } from '#kit/life/readiness.ts';
import type { Delivery, LogRecord, Outcome } from '../lines/record.ts';
import { deadLetterFiles, REPLAYING, type DeadLetter } from './dead-letters.ts';
import { createDelivery } from './delivery.ts';
import { deliveryMetrics } from './metrics.ts';
import { deliveryParameters } from './parameters.ts';

/** How often to look whether all of a file is settled, in milliseconds. */
const POLL = 10;
/** Records that are offered at a time. */
const SLICE = 500;

type ReplayReport = Record<Outcome, number>;

/**
 * The command.
 * @param files dead-letter files; all of DEAD_LETTER_DIR when there are none
 * @returns the exit code: 0 when all is in the store, 1 when some is still refused
 */
export async function replayCommand(
  files: readonly string[],
  { env = process.env, write = (text: string): unknown => process.stdout.write(text) } = {},
): Promise<number> {
  try {
    const { values } = readParameters(deliveryParameters, { env });
    const delivery = createDelivery({
      parameters: values,
      log: createLog('log-shipper', 'warn'),
      metrics: createMetrics(deliveryMetrics, new Registry()),
      readiness: new Readiness(),
    });
    const report: ReplayReport = { stored: 0, duplicate: 0, dead: 0 };
    delivery.onSettled((settled) => {
      for (const { outcome } of settled) report[outcome] += 1;
    });
    const chosen = files.length > 0 ? files : deadLetterFiles(values.DEAD_LETTER_DIR);
    for (const file of chosen) await replayFile(file, delivery);
    delivery.close();
    const { stored, duplicate, dead } = report;
    write(
      `${stored + duplicate + dead} replayed: ${stored} stored, ${duplicate} already there, ${dead} refused again\n`,
    );
    return dead > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const { message } of error.problems) process.stderr.write(`log-shipper: ${message}\n`);
    return EXIT_CONFIGURATION;
  }
}

/**
 * Send one file's letters and remove it. It is taken aside first: what the shipper finds to be dead
 * meanwhile goes to a new file, and a replay that was killed finds it again.
 */
async function replayFile(file: string, delivery: Delivery): Promise<void> {
  const aside = file.endsWith(REPLAYING) ? file : `${file}${REPLAYING}`;
  if (aside !== file) renameSync(file, aside);
  // A shipper that had just opened the file may have added to it after the renaming.
  for (let read = 0; read < statSync(aside).size;) {
    read = await sendFrom(aside, read, delivery);
    while (delivery.pending.records > 0) await pause(POLL);
  }
  rmSync(aside);
}

/**
 * Send what a file holds from an offset on.
 * @returns the offset behind it
 * @throws when a line is no dead letter
 */
async function sendFrom(path: string, start: number, delivery: Delivery): Promise<number> {
  let read = start;
  let records: LogRecord[] = [];
  const { createInterface } = process.getBuiltinModule('node:readline');
  for await (const line of createInterface({ input: createReadStream(path, { start }), crlfDelay: Infinity })) {
    records.push(recordOf(line, path));
    read += Buffer.byteLength(line) + 1;
    if (records.length < SLICE) continue;
    await delivery.offer(records);
    records = [];
  }
  await delivery.offer(records);
  return read;
}

function recordOf(line: string, path: string): LogRecord {
  let letter: Partial<DeadLetter> | null;
  try {
    letter = JSON.parse(line) as Partial<DeadLetter> | null;
  } catch {
    letter = null;
  }
  const { id, source, index, body } = letter ?? {};
  if (typeof id !== 'string' || typeof source !== 'string' || typeof body !== 'string')
    throw new Error(`${path}: this line is no dead letter: ${line.slice(0, 80)}`);
  return { id, source, ...(index !== undefined && { index }), body, bytes: Buffer.byteLength(body) };
}
