/**
 * What Docker's `fluentd` driver says of a line, as fields of the Elastic Common Schema; and what other
 * clients send, Fluentd, Fluent Bit or a library, whose records are fields already.
 */
import { labelMembers, member } from '../lines/document.ts';
import type { Entry } from './protocol.ts';
import type { Piece } from './assembler.ts';
import { Extension, type Value } from './msgpack.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** A line with where it comes from. */
export interface ContainerLine extends Piece {
  /** Whose lines are kept in order: a container, or a tag. */
  readonly source: string;
  /** Members of the document as JSON text. */
  readonly members: string;
  readonly time: string | undefined;
}

const OWN = new Set([
  'log',
  'message',
  'container_id',
  'container_name',
  'source',
  'partial_message',
  'partial_id',
  'partial_ordinal',
  'partial_last',
]);

/**
 * Read an entry as a line of a container. Fields besides the driver's own are labels and environment
 * variables that it was told to send.
 * @param serviceName the service's name where no label says it
 */
export function toContainerLine(tag: string, { time, record }: Entry, serviceName: string | undefined): ContainerLine {
  if (!record.has('container_id')) return toClientLine(tag, time, record, serviceName);
  const fields = new Map<string, string>();
  let foreign = false;
  for (const [name, value] of record) {
    if (typeof name !== 'string') continue;
    const field = textOf(value);
    fields.set(name, field.text);
    if (name === 'log' || name === 'message') foreign ||= field.foreign;
  }
  const id = fields.get('container_id');
  const name = fields.get('container_name')?.replace(/^\//, '');
  const stream = fields.get('source');
  const labels = labelMembers([...fields].filter(([field]) => !OWN.has(field)));
  const members = [
    member('container.id', id),
    member('container.name', name),
    member('stream', stream),
    member('event.dataset', tag === '' ? undefined : tag),
    labels.startsWith('"service.name":') ? '' : member('service.name', serviceName),
    labels,
  ].join('');
  const source = `forward:${id ?? tag}`;
  const partial = fields.get('partial_message') === 'true' && fields.has('partial_id');
  return {
    source,
    stream: `${source}:${stream ?? ''}`,
    text: (fields.get('log') ?? fields.get('message') ?? '').replace(/\r?\n$/, ''),
    foreign,
    partial: partial ? { id: fields.get('partial_id')!, last: fields.get('partial_last') === 'true' } : undefined,
    members,
    time,
  };
}

/** A record of a client: its line where that is all, otherwise a line of JSON with its fields. */
function toClientLine(
  tag: string,
  time: string | undefined,
  record: Entry['record'],
  serviceName: string | undefined,
): ContainerLine {
  let foreign = false;
  const text = (value: Buffer): string => {
    const { text: shown, foreign: strange } = textOf(value);
    foreign ||= strange;
    return shown;
  };
  const fields = new Map<string, unknown>();
  // What Fluent Bit reads from files is called log.
  for (const [name, value] of record)
    fields.set(name === 'log' && !record.has('message') ? 'message' : keyOf(name), plainOf(value, text));
  const message = fields.get('message');
  const alone = fields.size === 1 && typeof message === 'string';
  const source = `forward:${tag}`;
  return {
    source,
    stream: source,
    text: fields.size === 0 ? '' : alone ? message.replace(/\r?\n$/, '') : JSON.stringify(Object.fromEntries(fields)),
    foreign,
    partial: undefined,
    members:
      member('event.dataset', tag === '' ? undefined : tag) +
      member('service.name', fields.has('service.name') ? undefined : serviceName),
    time,
  };
}

const keyOf = (name: Value): string => (typeof name === 'string' ? name : JSON.stringify(plainOf(name, String)));

/** A value as JSON has it; bytes as text. */
function plainOf(value: Value, text: (bytes: Buffer) => string): unknown {
  if (typeof value === 'bigint')
    return (JSON as unknown as { rawJSON: (digits: string) => unknown }).rawJSON(String(value));
  if (Buffer.isBuffer(value)) return text(value);
  if (Array.isArray(value)) return value.map((each) => plainOf(each, text));
  if (value instanceof Extension) return { type: value.type, data: value.bytes.toString('base64') };
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, each]) => [keyOf(name), plainOf(each, text)]));
  return value;
}

function textOf(value: Value): { text: string; foreign: boolean } {
  if (typeof value === 'string') return { text: value, foreign: false };
  if (Buffer.isBuffer(value))
    return isUtf8(value)
      ? { text: value.toString(), foreign: false }
      : { text: value.toString('latin1'), foreign: true };
  return { text: JSON.stringify(plainOf(value, (bytes) => textOf(bytes).text)) ?? '', foreign: false };
}
