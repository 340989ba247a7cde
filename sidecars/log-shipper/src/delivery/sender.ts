/** One attempt at the records of a request: what the store says of each. */
import type { Metrics } from '#kit/telemetry/metrics.ts';
import { BodyPool, bulkBody } from './body.ts';
import type { Host } from './hosts.ts';
import type { deliveryMetrics } from './metrics.ts';
import type { Entry } from './queue.ts';
import { readBulkResponse, reasonOf, type Exception } from './response.ts';
import type { Templates } from './template.ts';
import { Unanswered, type Answer, type Transport } from './transport.ts';

/** What became of an attempt. Entries in none of the lists were stored. */
export interface Attempt {
  readonly duplicates: Entry[];
  /** To be sent again: the store put each of them off by itself. */
  readonly putOff: Entry[];
  /** To be sent again: their request failed as a whole. */
  readonly unsent: Entry[];
  readonly refused: { readonly entry: Entry; readonly status: number; readonly reason: string }[];
  /** Why some of those that were put off wait for an administrator. */
  blocked: string | undefined;
  /** Some record was stored, or was there. */
  accepted: boolean;
  /** The least size that was answered with 413, in bytes. */
  tooLarge: number | undefined;
  /** A request went without an answer. */
  unanswered: boolean;
  /** The last failure of a request as a whole, for people. */
  problem: Problem | undefined;
}

export interface Problem {
  /** Host and port. */
  readonly store: string;
  readonly reason: string;
  readonly message: string;
  readonly status?: number;
}

export interface SenderOptions {
  readonly transport: Pick<Transport, 'post'>;
  readonly index: string;
  /** What lines need in the store before they come, if anything. */
  readonly template?: Pick<Templates, 'ensure'> | undefined;
  /** The most bytes of records that are usually in a request. */
  readonly maxBytes: number;
  readonly metrics: Metrics<typeof deliveryMetrics>;
}

/** The search for what is wrong with a request that was refused as a whole. */
interface Inquiry {
  /** Records that were refused alone. */
  readonly suspects: Attempt['refused'];
  /** How many of them in a row make it the store's fault; more after each attempt that found none better. */
  readonly limit: number;
}

const SUSPECTS_MAX = 64;
/** Room in a body for what is not a record, in bytes. */
const OVERHEAD = 64 * 1024;

export class Sender {
  readonly #options: SenderOptions;
  readonly #pool: BodyPool;

  constructor(options: SenderOptions) {
    this.#options = options;
    // The records, what stands before each, and what UTF-8 may need at the end.
    this.#pool = new BodyPool(options.maxBytes * 2 + OVERHEAD);
  }

  /**
   * Send records to a host. A request that is refused as a whole is halved until what is wrong with it
   * stands alone: a record is at fault only when others of the same attempt were accepted, else the
   * store or its configuration is, and all are sent again.
   */
  async attempt(entries: readonly Entry[], host: Host): Promise<Attempt> {
    const attempt: Attempt = {
      duplicates: [],
      putOff: [],
      unsent: [],
      refused: [],
      blocked: undefined,
      accepted: false,
      tooLarge: undefined,
      unanswered: false,
      problem: undefined,
    };
    const inquiry: Inquiry = { suspects: [], limit: Math.min(SUSPECTS_MAX, 2 ** (host.failures + 1)) };
    await this.#send(entries, host, attempt, inquiry);
    if (inquiry.suspects.length > 0) await this.#convict(inquiry.suspects, host, attempt);
    return attempt;
  }

  /** Records are at fault when the store took others, before them and still after. */
  async #convict(suspects: Attempt['refused'], host: Host, attempt: Attempt): Promise<void> {
    const again: Inquiry = { suspects: [], limit: Infinity };
    if (attempt.accepted) {
      for (const { entry } of suspects) await this.#send([entry], host, attempt, again);
      attempt.refused.push(...again.suspects);
    } else {
      host.failed();
      attempt.unsent.push(...suspects.map(({ entry }) => entry));
    }
  }

  async #send(entries: readonly Entry[], host: Host, attempt: Attempt, inquiry: Inquiry): Promise<void> {
    // What failed before may fail for the rest too; the caller waits and asks again.
    const futile = !attempt.accepted && inquiry.suspects.length >= inquiry.limit;
    if (futile || attempt.unsent.length > 0) return void attempt.unsent.push(...entries);
    const missing = await this.#options.template?.ensure(host.url);
    if (missing !== undefined && !(missing instanceof Unanswered)) {
      const message = `the index template cannot be made: ${messageOf(missing)}`;
      attempt.problem = { store: host.url.host, reason: 'template', status: missing.status, message };
      host.failed(missing.retryAfter);
      attempt.unsent.push(...entries);
      return;
    }
    const answer = missing ?? (await this.#post(entries, host));
    if (answer instanceof Unanswered) {
      attempt.unanswered = answer.reason !== 'refused' && answer.reason !== 'tls' && answer.reason !== 'credentials';
      attempt.problem = { store: host.url.host, reason: answer.reason, message: answer.message };
      host.failed();
      attempt.unsent.push(...entries);
      return;
    }
    const { status } = answer;
    const exceptions = status >= 200 && status < 300 ? readBulkResponse(answer.body, entries.length) : undefined;
    this.#options.metrics.shipper_requests_total.inc({ result: exceptions ? 'answered' : `status_${status}` });
    if (exceptions !== undefined) {
      host.succeeded();
      this.#note(entries, exceptions, attempt);
      return;
    }
    const message = messageOf(answer);
    attempt.problem = { store: host.url.host, reason: 'status', status, message };
    if (!mayBeRecords(status)) {
      host.failed(answer.retryAfter);
      attempt.unsent.push(...entries);
      return;
    }
    if (status === 413) attempt.tooLarge = Math.min(attempt.tooLarge ?? Infinity, bytesOf(entries));
    if (entries.length > 1) {
      const middle = entries.length >> 1;
      await this.#send(entries.slice(0, middle), host, attempt, inquiry);
      await this.#send(entries.slice(middle), host, attempt, inquiry);
    } else {
      const verdict = { entry: entries[0]!, status, reason: message };
      (status === 413 ? attempt.refused : inquiry.suspects).push(verdict);
    }
  }

  async #post(entries: readonly Entry[], host: Host): Promise<Answer | Unanswered> {
    const { transport, index, metrics } = this.#options;
    metrics.shipper_sent_total.inc(entries.length);
    const memory = this.#pool.take();
    const records = entries.map(({ record }) => record);
    try {
      const answer = await transport.post(host.url, bulkBody(records, index, memory), entries.length);
      metrics.shipper_sent_bytes_total.inc(answer.sent);
      // Only a request that was accepted was read to its end.
      if (answer.status === 200) this.#pool.give(memory);
      return answer;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      metrics.shipper_requests_total.inc({ result: error.reason });
      return error;
    }
  }

  #note(entries: readonly Entry[], exceptions: ReadonlyMap<number, Exception>, attempt: Attempt): void {
    let accepted = entries.length;
    for (const [index, exception] of exceptions) {
      const entry = entries[index]!;
      if (exception.kind === 'duplicate') attempt.duplicates.push(entry);
      else {
        accepted -= 1;
        if (exception.kind === 'blocked') attempt.blocked = `status ${exception.status}: ${exception.reason}`;
        if (exception.kind !== 'refused') attempt.putOff.push(entry);
        else attempt.refused.push({ entry, status: exception.status, reason: exception.reason });
      }
    }
    if (accepted > 0) attempt.accepted = true;
  }
}

const bytesOf = (entries: readonly Entry[]): number => entries.reduce((total, { record }) => total + record.bytes, 0);

/**
 * Answers to whole requests that may be about one of their records: 2xx is what some stores say to what they cannot read. All
 * others, "not now", "not you" or "not here", are about the store and who stands before it, also when
 * only some of the requests of an attempt get them.
 */
const mayBeRecords = (status: number): boolean =>
  (status >= 200 && status < 300) || status === 400 || status === 413 || status === 422;

/** What the store says of a request that it refused, or that this is no answer of a store. */
function messageOf({ status, body }: Answer): string {
  if (status < 300) return 'the answer is not that of a bulk request';
  let error: unknown;
  try {
    error = (JSON.parse(body.toString()) as { error?: unknown } | null)?.error;
  } catch {
    error = undefined;
  }
  return error === undefined ? `status ${status}` : reasonOf(error);
}
