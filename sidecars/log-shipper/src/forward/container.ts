/** What Docker's `fluentd` driver says of a line, as fields of the Elastic Common Schema. */
import { member } from '../lines/document.ts';
import type { Entry } from './protocol.ts';
import type { Piece } from './assembler.ts';
import type { Value } from './msgpack.ts';

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

/** The label by which compose names a service; the driver sends it with `labels: com.docker.compose.service`. */
const SERVICE_LABEL = 'com.docker.compose.service';

/**
 * Read an entry as a line of a container. Fields besides the driver's own are labels and environment
 * variables that it was told to send.
 * @param serviceName the service's name where no label says it
 */
export function toContainerLine(tag: string, { time, record }: Entry, serviceName: string | undefined): ContainerLine {
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
  const labels = [...fields].filter(([field]) => !OWN.has(field));
  const members = [
    member('container.id', id),
    member('container.name', name),
    member('stream', stream),
    member('event.dataset', tag === '' ? undefined : tag),
    member('service.name', fields.get(SERVICE_LABEL) ?? serviceName),
    ...labels.map(([field, value]) => member(`container.labels.${field.replaceAll('.', '_')}`, value)),
  ].join('');
  const source = `forward:${id ?? tag}`;
  const partial = fields.get('partial_message') === 'true' && fields.has('partial_id');
  return {
    source,
    stream: `${source}:${stream ?? ''}`,
    text: (fields.get('log') ?? fields.get('message') ?? othersOf(fields)).replace(/\r?\n$/, ''),
    foreign,
    partial: partial ? { id: fields.get('partial_id')!, last: fields.get('partial_last') === 'true' } : undefined,
    members,
    time,
  };
}

/** A record without a line as text; one that says nothing is empty. */
function othersOf(fields: ReadonlyMap<string, string>): string {
  return fields.size === 0 ? '' : JSON.stringify(Object.fromEntries(fields));
}

function textOf(value: Value): { text: string; foreign: boolean } {
  if (typeof value === 'string') return { text: value, foreign: false };
  if (Buffer.isBuffer(value))
    return isUtf8(value)
      ? { text: value.toString(), foreign: false }
      : { text: value.toString('latin1'), foreign: true };
  return { text: JSON.stringify(value, plain) ?? '', foreign: false };
}

function plain(_name: string, value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, each]) => [String(name), each as unknown]));
  return typeof value === 'bigint' ? String(value) : value;
}
