/** A log record of OTLP, whichever encoding it came in; and its document, by the names of the Elastic Common Schema. */
import { isRawJSON } from '../lines/json-line.ts';
import { member } from '../lines/document.ts';
import type { ReceivedEvent } from '../lines/to-record.ts';

/** A value as JSON has it; numbers that a double does not hold are raw JSON. */
export type Value = null | boolean | number | string | object | Value[] | { readonly [name: string]: Value };
export type Attributes = readonly (readonly [key: string, value: Value])[];

/** The data model: https://opentelemetry.io/docs/specs/otel/logs/data-model/ */
export interface LogRecord {
  /** Nanoseconds since the epoch; 0 for not known. */
  readonly time: bigint;
  readonly observedTime: bigint;
  /** 1 to 24; 0 for not said. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: Value;
  readonly attributes: Attributes;
  /** In hexadecimal digits; empty for none. */
  readonly traceId: string;
  readonly spanId: string;
  readonly eventName: string;
}

/** Where records come from: what they share. */
export interface Origin {
  readonly resource: Attributes;
  readonly scope: string;
  /** Characters or bytes of it, which each of its records is stored with. */
  readonly size: number;
}

/** A record with its origin; or why it is not taken, while the others of its request are. */
export type Received = readonly [LogRecord, Origin] | Rejected;

/** A record that is not taken. */
export class Rejected {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Values of a record, and how deep they may lie within each other. */
const MOST_VALUES = 16_384;
const DEPTH = 32;

/** A record has more than is taken. */
export class TooMuchError extends Error {}

/** Counts the values of a record, or of a resource. */
export class Budget {
  #values = 0;

  /** @throws {TooMuchError} */
  spend(depth: number): void {
    if (++this.#values > MOST_VALUES) throw new TooMuchError(`more than ${MOST_VALUES} values`);
    if (depth > DEPTH) throw new TooMuchError(`values more than ${DEPTH} deep`);
  }
}

/** Whether a record says when it was made: only then is one that is the same surely the same. */
export const hasTime = ({ time, observedTime }: LogRecord): boolean => time > 0n || observedTime > 0n;

/** Of each four numbers: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The schema's names for what semantic conventions call otherwise; the rest is called alike, or has none. */
const NAMES: Readonly<Record<string, string>> = {
  'exception.type': 'error.type',
  'exception.message': 'error.message',
  'exception.stacktrace': 'error.stack_trace',
  'code.function.name': 'log.origin.function',
  'code.file.path': 'log.origin.file.name',
  'code.line.number': 'log.origin.file.line',
  'thread.id': 'process.thread.id',
  'thread.name': 'process.thread.name',
  'deployment.environment.name': 'service.environment',
  'service.instance.id': 'service.node.name',
};

/** What an SDK says that was told no name. */
const UNKNOWN_SERVICE = /^unknown_service(:|$)/;

/**
 * @param serviceName of records that do not say theirs
 * @param limit characters of a document; of a longer one, only the beginning of its text is kept
 */
export function toEvent(
  [record, { resource, scope }]: readonly [LogRecord, Origin],
  { serviceName, limit }: { readonly serviceName: string | undefined; readonly limit: number },
): Omit<ReceivedEvent, 'id'> {
  const attributes = [...resource, ...record.attributes].map(([key, value]) => [NAMES[key] ?? key, value] as const);
  const own = attributes.findLast(([name]) => name === 'service.name')?.[1];
  const service =
    typeof own === 'string' && !(serviceName !== undefined && UNKNOWN_SERVICE.test(own)) ? own : serviceName;
  const said: Record<string, Value | undefined> = {
    'log.level': levelOf(record),
    'event.action': record.eventName || undefined,
    'log.logger': scope || undefined,
    'trace.id': record.traceId || undefined,
    'span.id': record.spanId || undefined,
    'service.name': service,
  };
  const { text, fields } = bodyOf(record.body);
  const all = new Map<string, Value | undefined>([...attributes, ...fields]);
  for (const [name, value] of Object.entries(said)) if (value !== undefined) all.set(name, value);
  if (text !== undefined) all.set('message', text);
  const time = isoOf(record.time || record.observedTime);
  if (time !== undefined) all.set('@timestamp', time);
  const whole = JSON.stringify(Object.fromEntries(all));
  const common = {
    source: `otlp:${service ?? ''}`,
    time,
    message: text,
    foreign: false,
    multiline: false,
    structured: true,
  };
  if (whole.length <= limit) return { ...common, members: '', text: whole, cut: false };
  const members = Object.entries(said).map(([name, value]) => member(name, value as string | undefined));
  return { ...common, members: members.join(''), text: text ?? JSON.stringify(Object.fromEntries(fields)), cut: true };
}

/** A body that is an object has members, as a line of JSON has; any other is text. */
function bodyOf(body: Value): { text: string | undefined; fields: readonly (readonly [string, Value])[] } {
  if (typeof body === 'string') return { text: body, fields: [] };
  if (body === null) return { text: undefined, fields: [] };
  if (typeof body !== 'object' || Array.isArray(body) || isRawJSON(body))
    return { text: JSON.stringify(body), fields: [] };
  return { text: undefined, fields: Object.entries(body) };
}

function levelOf({ severityNumber, severityText }: LogRecord): string | undefined {
  if (severityText !== '') return severityText.toLowerCase();
  return LEVELS[Math.ceil(severityNumber / 4) - 1];
}

const BILLION = 1_000_000_000n;
/** Later, no store takes it: the year 2255. */
const LATEST = 9_000_000_000n * BILLION;

function isoOf(nanoseconds: bigint): string | undefined {
  if (nanoseconds <= 0n || nanoseconds > LATEST) return undefined;
  const seconds = new Date(Number(nanoseconds / BILLION) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds % BILLION).padStart(9, '0')}Z`;
}
