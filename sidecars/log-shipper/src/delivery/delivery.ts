/**
 * From records to the store: queue, requests, retries, and word of what became of each record.
 *
 * What is kept: every record is told exactly once, stored, duplicate or dead, and in the order of its
 * source; no request holds records of a source that another one holds; a record that the store put off
 * is sent before later ones of its source. What cannot be kept with `_bulk`: when the store puts off
 * one item of a request, the items behind it in the same request are in already.
 */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import type { Readiness, ReadinessCheck } from '#kit/life/readiness.ts';
import type { Delivery, LogRecord, Settled } from '../lines/record.ts';
import { authorization, identityOf, WatchedText } from './credentials.ts';
import { DeadLetters } from './dead-letters.ts';
import { Hosts } from './hosts.ts';
import type { deliveryMetrics } from './metrics.ts';
import { Queue, type Batch } from './queue.ts';
import { Sender, type Attempt } from './sender.ts';
import { authenticationOf, type DeliveryValues } from './settings.ts';
import { Templates } from './template.ts';
import { Transport } from './transport.ts';

export interface DeliveryOptions {
  readonly parameters: DeliveryValues;
  /** All indices that lines may go to; STORE_INDEX alone where absent. */
  readonly indices?: Iterable<string>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly metrics: Metrics<typeof deliveryMetrics>;
  readonly readiness: Pick<Readiness, 'check'>;
}

/** How often readiness and gauges are brought up to date at least, in milliseconds. */
const TICK = 1000;

/**
 * Start the delivery.
 * @throws {ConfigurationError} when the parameters contradict each other
 */
export function createDelivery(options: DeliveryOptions): StoreDelivery {
  const { parameters, metrics } = options;
  const ca = parameters.STORE_CA_FILE === undefined ? undefined : new WatchedText(parameters.STORE_CA_FILE);
  const transport = new Transport({
    timeout: parameters.STORE_TIMEOUT,
    gzip: parameters.STORE_GZIP,
    connections: parameters.BULK_CONCURRENCY,
    authorization: authorization(authenticationOf(parameters)),
    ca: () => ca?.read(),
    identity: identityOf(parameters.STORE_CERT_FILE, parameters.STORE_KEY_FILE),
  });
  const sender = new Sender({
    transport,
    index: parameters.STORE_INDEX,
    ...(parameters.STORE_TEMPLATE === 'create' && {
      template: new Templates(transport, options.indices ?? [parameters.STORE_INDEX]),
    }),
    maxBytes: parameters.BULK_MAX_BYTES,
    metrics,
  });
  const deadLetters = new DeadLetters({
    dir: parameters.DEAD_LETTER_DIR,
    maxBytes: parameters.DEAD_LETTER_MAX_BYTES,
  });
  return new StoreDelivery(options, transport, sender, deadLetters);
}

/** An `offer` that waits for room. */
interface Waiter {
  readonly records: readonly LogRecord[];
  /** How many of them are in. */
  taken: number;
  readonly done: () => void;
}

export class StoreDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #transport: Pick<Transport, 'close'>;
  readonly #sender: Pick<Sender, 'attempt'>;
  readonly #deadLetters: DeadLetters;
  readonly #hosts: Hosts;
  readonly #queue: Queue;
  readonly #check: ReadinessCheck;
  readonly #listeners: ((settled: readonly Settled[]) => void)[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #tick: NodeJS.Timeout;
  #pending = { records: 0, bytes: 0 };
  #requests = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Do not wait for requests to fill, also while others are under way. */
  #hurry = false;
  #closed = false;
  #emptied: (() => void) | undefined;
  #lastAck = performance.now();
  /** What was wrong with the last request. */
  #problem: string | undefined;

  constructor(
    options: DeliveryOptions,
    transport: Pick<Transport, 'close'>,
    sender: Pick<Sender, 'attempt'>,
    deadLetters: DeadLetters,
  ) {
    const { parameters, readiness } = options;
    this.#options = options;
    this.#transport = transport;
    this.#sender = sender;
    this.#deadLetters = deadLetters;
    this.#hosts = new Hosts(parameters.STORE_URL, parameters.STORE_QUERY, parameters.STORE_RETRY_MAX);
    this.#queue = new Queue({
      maxBytes: parameters.BULK_MAX_BYTES,
      maxRecords: parameters.BULK_MAX_RECORDS,
      delay: parameters.BULK_DELAY,
      retryMax: parameters.STORE_RETRY_MAX,
    });
    this.#check = readiness.check('store', parameters.STORE_ACK_MAX_AGE);
    this.#check.pass();
    // In time: what was verified counts that long.
    this.#tick = setInterval(() => this.#observe(), Math.min(TICK, parameters.STORE_ACK_MAX_AGE / 2));
    this.#tick.unref();
    options.metrics.shipper_dead_letter_bytes.set(deadLetters.bytes);
  }

  get pending(): { records: number; bytes: number } {
    return { ...this.#pending };
  }

  onSettled(listener: (settled: readonly Settled[]) => void): void {
    this.#listeners.push(listener);
  }

  offer(records: readonly LogRecord[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ records, taken: 0, done: resolve });
    this.#admit();
    this.#pump();
    return promise;
  }

  async drain(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#hurry = true;
    this.#emptied = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted || this.#pending.records === 0) resolve();
    this.#pump();
    await promise;
    this.close();
  }

  /** End at once: requests under way are cut, what is not settled never will be. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#tick);
    clearTimeout(this.#timer);
    this.#transport.close();
  }

  /** Take in what waits, as far as there is room; at least one record when nothing else is in. */
  #admit(): void {
    const { QUEUE_MAX_BYTES, QUEUE_MAX_RECORDS } = this.#options.parameters;
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const { records } = waiter;
      const first = waiter.taken;
      let { records: count, bytes } = this.#pending;
      let end = first;
      for (; end < records.length; end++) {
        const size = records[end]!.bytes;
        if (count > 0 && (count >= QUEUE_MAX_RECORDS || bytes + size > QUEUE_MAX_BYTES)) break;
        count += 1;
        bytes += size;
      }
      this.#queue.push(first === 0 && end === records.length ? records : records.slice(first, end));
      this.#pending = { records: count, bytes };
      waiter.taken = end;
      if (end < records.length) return;
      this.#waiters.shift();
      waiter.done();
    }
  }

  /** Start every request that is due, and come back when the next one is. */
  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#closed && this.#requests < this.#options.parameters.BULK_CONCURRENCY) {
      // With nothing under way, waiting would gain nothing: lines that come meanwhile share the next request.
      const hurry = this.#hurry || this.#requests === 0;
      // Checked first: picking a host moves on to the next.
      const wait = Math.max(this.#hosts.wait, this.#queue.wait(hurry));
      if (wait > 0) {
        if (wait < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(1, wait));
        return;
      }
      const batch = this.#queue.take(hurry)!;
      this.#requests += 1;
      void this.#run(batch);
    }
  }

  async #run(batch: Batch): Promise<void> {
    const attempt = await this.#sender.attempt(batch.entries, this.#hosts.pick()!);
    this.#requests -= 1;
    if (this.#closed) return;
    this.#learn(attempt, batch);
    this.#finish(batch, attempt);
    this.#pump();
  }

  /** Draw conclusions about the store from an attempt. */
  #learn({ accepted, tooLarge, unanswered, problem, blocked }: Attempt, { entries }: Batch): void {
    const { log } = this.#options;
    if (tooLarge !== undefined) this.#queue.refuseSize(tooLarge);
    else if (unanswered || problem?.status === 429)
      this.#queue.shrink(entries.reduce((total, { record }) => total + record.bytes, 0));
    else if (accepted) this.#queue.grow();
    if (blocked !== undefined && this.#problem !== blocked)
      log.error({ reason: blocked }, 'the store takes no lines until an administrator has done something: they wait');
    this.#problem = problem?.message ?? blocked;
    if (problem === undefined) return;
    if (problem.status === 401 || problem.status === 403)
      this.#check.fail(`the store refuses this shipper's credentials with ${problem.status}: ${problem.message}`);
    else if (problem.reason === 'template' || problem.reason === 'tls' || problem.reason === 'credentials')
      this.#check.fail(problem.message);
    log.warn({ ...problem, retry_in_ms: Math.round(this.#hosts.wait) }, 'a request failed');
  }

  #finish(batch: Batch, attempt: Attempt): void {
    const { metrics } = this.#options;
    const open = new Set([...attempt.putOff, ...attempt.unsent]);
    const dead = new Set(this.#bury(attempt));
    const putOff = new Set(attempt.putOff);
    for (const { entry } of attempt.refused) {
      // The dead-letter file could not take it: it is not given up.
      if (!dead.has(entry)) putOff.add(entry);
    }
    const duplicates = new Set(attempt.duplicates);
    let stored = 0;
    for (const entry of batch.entries) {
      if (open.has(entry) || putOff.has(entry)) continue;
      if (dead.has(entry)) entry.outcome = 'dead';
      else {
        entry.outcome = duplicates.has(entry) ? 'duplicate' : 'stored';
        stored += 1;
      }
    }
    metrics.shipper_acknowledged_total.inc(stored);
    metrics.shipper_duplicates_total.inc(duplicates.size);
    metrics.shipper_dead_total.inc(dead.size);
    metrics.shipper_retried_total.inc({ reason: 'item' }, putOff.size);
    metrics.shipper_retried_total.inc({ reason: 'request' }, attempt.unsent.length);
    if (stored > 0) {
      this.#lastAck = performance.now();
      this.#check.pass();
    }
    if (attempt.blocked !== undefined) this.#check.fail(`the store takes no lines: ${attempt.blocked}`);
    this.#tell(this.#queue.settle(batch, putOff));
  }

  /** Write what the store refuses to the dead-letter file; returns what is there now. */
  #bury({ refused }: Attempt): Attempt['refused'][number]['entry'][] {
    if (refused.length === 0) return [];
    const { log, metrics } = this.#options;
    try {
      const dropped = this.#deadLetters.add(
        refused.map(({ entry, status, reason }) => ({ record: entry.record, status, reason })),
      );
      const [{ status, reason }] = refused as [Attempt['refused'][number]];
      log.warn(
        { records: refused.length, status, reason },
        'the store refuses records: they are in the dead-letter file',
      );
      if (dropped > 0) {
        metrics.shipper_dropped_total.inc({ reason: 'dead-letters-full' }, dropped);
        log.error({ records: dropped }, 'the dead-letter files are full: the oldest are dropped');
      }
      metrics.shipper_dead_letter_bytes.set(this.#deadLetters.bytes);
      return refused.map(({ entry }) => entry);
    } catch (error) {
      log.error({ err: error, records: refused.length }, 'the dead-letter file cannot be written: records are kept');
      return [];
    }
  }

  #tell(settled: readonly Settled[]): void {
    if (settled.length === 0) return;
    for (const { record } of settled) {
      this.#pending.records -= 1;
      this.#pending.bytes -= record.bytes;
    }
    for (const listener of this.#listeners) listener(settled);
    this.#admit();
    if (this.#pending.records === 0) this.#emptied?.();
  }

  #observe(): void {
    const { metrics } = this.#options;
    metrics.shipper_queue_records.set(this.#pending.records);
    metrics.shipper_queue_bytes.set(this.#pending.bytes);
    const waiting = this.#pending.records > 0;
    if (!waiting) {
      this.#check.pass();
      this.#lastAck = performance.now();
    }
    const age = waiting ? performance.now() - this.#lastAck : 0;
    metrics.shipper_acknowledgement_age_seconds.set(age / 1000);
    if (age > this.#options.parameters.STORE_ACK_MAX_AGE && this.#problem !== undefined)
      this.#check.fail(`the store has acknowledged nothing for ${Math.round(age / 1000)} s: ${this.#problem}`);
  }
}
