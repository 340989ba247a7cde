/**
 * A line of JSON as members of a document after the Elastic Common Schema (ECS 8). What an application
 * calls by one of the usual names is given the schema's name; everything else stays as it is.
 */

import { hasMoreValues } from './json-values.ts';
import { epochTime, isoTime } from './time.ts';

type Fields = Record<string, unknown>;

/** ES2026's access to the text of numbers, which TypeScript's library does not know yet. */
interface SourceText {
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ) => unknown;
  readonly rawJSON: (text: string) => object;
  readonly isRawJSON: (value: unknown) => boolean;
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as SourceText;
export { isRawJSON };

const BRACE = 123;
/** Sixteen digits in a row. Written out, it takes V8 a tenth of the time that a counted one does. */
const MANY_DIGITS = new RegExp(String.raw`\d`.repeat(16));

/** Lines of more characters are looked at for how many values they hold: those of fewer hold no more than there is room for. */
const LONG = 128 * 1024;
/** Of a line that is longer. */
const VALUES = 64 * 1024;

/**
 * Read a line as a JSON object.
 * @returns undefined when it is anything else, or is long and has more values than there is room for
 */
export function parseObject(text: string): Fields | undefined {
  if (text.charCodeAt(0) !== BRACE && !/^\s*\{/.test(text)) return undefined;
  if (text.length > LONG && hasMoreValues(Buffer.from(text), VALUES)) return undefined;
  return parseExactly(text) as Fields | undefined;
}

/** Read JSON; numbers that a double does not hold are kept as they are written. @returns undefined when it is none */
export function parseExactly(text: string): unknown {
  try {
    return MANY_DIGITS.test(text) ? parse(text, exactNumber) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exactNumber(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === 'number' && String(value) !== context.source ? rawJSON(context.source!) : value;
}

/** The levels of bunyan and pino. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** Names that are objects in the schema: a value that is none cannot be stored beside ours. */
const OBJECTS = ['log', 'host', 'service', 'container', 'labels', 'error'] as const;

/**
 * Give an object's members the schema's names.
 * @param fields changed in place; a member that has gone is left undefined
 * @param ours names of members that the shipper adds itself, so that none is there twice
 * @returns its time as `@timestamp` wants it; undefined when it has none that makes sense
 */
export function toSchema(fields: Fields, ours: readonly string[]): string | undefined {
  const time = takeTime(fields);
  for (const name of ours) if (fields[name] !== undefined) fields[name] = undefined;
  const log = fields['log'] as Fields | undefined;
  if (log !== undefined && log !== null && typeof log === 'object') {
    if (log['file'] !== undefined) log['file'] = undefined;
    if (log['offset'] !== undefined) log['offset'] = undefined;
  }
  if (fields['message'] === undefined && typeof fields['msg'] === 'string') move(fields, 'msg', 'message');
  const message = fields['message'];
  if (message !== undefined && typeof message !== 'string') fields['message'] = JSON.stringify(message);
  takeLevel(fields);
  takeError(fields);
  for (const name of OBJECTS) {
    const value = fields[name];
    if (value === undefined || (value !== null && typeof value === 'object' && !Array.isArray(value))) continue;
    fields[name] = undefined;
    const label = `labels.${name}`;
    if (value !== null && !ours.includes(label))
      fields[label] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return time;
}

/** What inputs say of some lines, and lines of themselves, as those that are written for the schema do. */
const SAID = [
  'service.name',
  'event.dataset',
  'container.id',
  'container.name',
  'stream',
  'log.level',
  'log.source.address',
  'log.syslog',
] as const;
/** What the labels of a container begin with. */
export const CONTAINER_LABELS = 'container.labels.';

/**
 * Leave out what an input says too: a store refuses a document that has a name twice.
 * @param fields changed in place; a member that has gone is left undefined
 * @param members of the input, as JSON text with a comma behind each
 */
export function saidOnce(fields: Fields, members: string): void {
  const isSaid = (name: string): boolean => members.includes(`${JSON.stringify(name)}:`);
  for (const name of SAID) if (fields[name] !== undefined && isSaid(name)) fields[name] = undefined;
  const log = fields['log'] as Fields | null | undefined;
  if (log !== undefined && log !== null && typeof log === 'object')
    for (const name of ['level', 'source', 'syslog'])
      if (log[name] !== undefined && (isSaid(`log.${name}`) || isSaid(`log.${name}.address`))) log[name] = undefined;
  if (!members.includes(`"${CONTAINER_LABELS}`)) return;
  for (const name in fields) if (name.startsWith(CONTAINER_LABELS) && isSaid(name)) fields[name] = undefined;
}

function move(fields: Fields, from: string, to: string): void {
  fields[to] = fields[from];
  fields[from] = undefined;
}

const TIMES = ['@timestamp', 'timestamp', 'time', 'ts'] as const;

function takeTime(fields: Fields): string | undefined {
  for (const name of TIMES) {
    if (fields[name] === undefined) continue;
    const time = timeOf(fields[name]);
    if (time === undefined && name !== '@timestamp') continue;
    fields[name] = undefined;
    return time;
  }
  return undefined;
}

/** The time that a text or a number means; numbers by their magnitude. */
function timeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return isoTime(value) ?? epochTime(value);
  // More digits than a double holds, as nanoseconds have.
  if (typeof value === 'number' || isRawJSON(value)) return epochTime(JSON.stringify(value));
  return undefined;
}

function takeLevel(fields: Fields): void {
  if (fields['log.level'] !== undefined) return;
  for (const name of ['level', 'severity'] as const) {
    const value = fields[name];
    const level = typeof value === 'string' ? value.toLowerCase() : LEVELS[value as number];
    if (level === undefined) continue;
    fields[name] = undefined;
    fields['log.level'] = level;
    return;
  }
}

function takeError(fields: Fields): void {
  const { error } = fields;
  if (typeof error === 'string') {
    fields['error'] = undefined;
    fields['error.message'] = error;
  }
  const err = fields['err'];
  if (err !== null && typeof err === 'object' && !Array.isArray(err) && fields['error'] === undefined) {
    const { message, stack, type } = err as Fields;
    if (typeof stack === 'string') {
      fields['err'] = undefined;
      fields['error'] = { message, stack_trace: stack, type };
    }
  }
  for (const name of ['stack_trace', 'stack', 'exception'] as const) {
    if (typeof fields[name] !== 'string' || fields['error.stack_trace'] !== undefined) continue;
    move(fields, name, 'error.stack_trace');
  }
}
