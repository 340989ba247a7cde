/**
 * Fluentd's forward protocol, version 1:
 * https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
 * Docker's `fluentd` driver sends Message mode; the others are what Fluentd and Fluent Bit send.
 *
 * A message is looked through before anything is made of it, and its entries are then decoded one at a
 * time: a kilobyte of gzip can hold a million of them.
 */
import { decompress, type Compression } from '../senders/decompress.ts';
import { MalformedError } from '../senders/malformed.ts';
import { Decoder, Extension, type Value } from './msgpack.ts';

export interface Entry {
  /** ISO 8601, to the nanosecond where the sender said it. */
  readonly time: string | undefined;
  readonly record: ReadonlyMap<Value, Value>;
}

export interface Message {
  readonly tag: string;
  /** Decoded as they are asked for; all are well-formed. */
  readonly entries: Iterable<Entry>;
  /** To be sent back once the entries are safe; the same for a message that is sent again. */
  readonly chunk: string | undefined;
}

/** The longest chunk, in bytes: it is a name that the sender made up. */
const CHUNK = 1024;

/**
 * Read a message.
 * @param bytes one MessagePack value
 * @param limit the most bytes of entries that are compressed in it
 * @returns undefined for nil, by which a sender shows that it is there
 * @throws {MalformedError}
 */
export function readMessage(bytes: Buffer, limit: number): Message | undefined {
  const decoder = new Decoder(bytes);
  if (decoder.kind === 'nil') return undefined;
  const parts = decoder.enter('array');
  const tag = decoder.kind === 'string' ? decoder.value() : undefined;
  if (typeof tag !== 'string' || parts < 2) throw new MalformedError('no message: [tag, …]');
  switch (decoder.kind) {
    case 'array': {
      const count = decoder.enter('array');
      const from = decoder.at;
      for (let index = 0; index < count; index++) checkEntry(decoder);
      return { tag, entries: entriesOf(bytes, from, decoder.at), chunk: chunkOf(readOption(decoder, parts > 2)) };
    }
    case 'string':
    case 'binary': {
      const value = decoder.value();
      const packed = typeof value === 'string' ? Buffer.from(value) : (value as Buffer);
      const option = readOption(decoder, parts > 2);
      const how = compressionOf(option);
      const plain = how === undefined ? packed : decompress(packed, how, limit);
      const check = new Decoder(plain);
      while (!check.ended) checkEntry(check);
      return { tag, entries: entriesOf(plain, 0, plain.length), chunk: chunkOf(option) };
    }
    default: {
      if (parts < 3) throw new MalformedError('no message: [tag, time, record]');
      const time = timeOf(decoder.value());
      const record = decoder.kind === 'map' ? (decoder.value() as Entry['record']) : undefined;
      if (record === undefined) throw new MalformedError('no entry: [time, record]');
      return { tag, entries: [{ time, record }], chunk: chunkOf(readOption(decoder, parts > 3)) };
    }
  }
}

/** Pass over an entry, `[time, record]`. */
function checkEntry(decoder: Decoder): void {
  if (decoder.enter('array') !== 2) throw new MalformedError('no entry: [time, record]');
  decoder.skip();
  if (decoder.kind !== 'map') throw new MalformedError('no entry: [time, record]');
  decoder.skip();
}

function* entriesOf(bytes: Buffer, from: number, to: number): Generator<Entry> {
  const decoder = new Decoder(bytes, from);
  while (decoder.at < to) {
    decoder.enter('array');
    const time = timeOf(decoder.value());
    yield { time, record: decoder.value() as Entry['record'] };
  }
}

function readOption(decoder: Decoder, there: boolean): Value {
  const option = there ? decoder.value() : null;
  if (!decoder.ended) throw new MalformedError('more than a message');
  return option;
}

function chunkOf(option: Value): string | undefined {
  const chunk = option instanceof Map ? option.get('chunk') : undefined;
  if (typeof chunk !== 'string') return undefined;
  if (Buffer.byteLength(chunk) > CHUNK) throw new MalformedError(`a chunk of more than ${CHUNK} bytes`);
  return chunk;
}

const COMPRESSIONS: ReadonlySet<unknown> = new Set<Compression>(['gzip', 'zstd']);

function compressionOf(option: Value): Compression | undefined {
  const how = option instanceof Map ? option.get('compressed') : undefined;
  if (how === undefined || how === null || how === 'text') return undefined;
  if (!COMPRESSIONS.has(how)) throw new MalformedError('compressed in an unknown way');
  return how as Compression;
}

/** Seconds, or an EventTime: extension type 0 of seconds and nanoseconds, 4 bytes each; Fluent Bit may put metadata behind it. */
function timeOf(value: Value | undefined): string | undefined {
  if (Array.isArray(value)) return Array.isArray(value[0]) ? undefined : timeOf(value[0]);
  if (value instanceof Extension && value.type === 0 && value.bytes.length === 8) {
    const nanoseconds = value.bytes.readUInt32BE(4);
    if (nanoseconds >= 1e9) return undefined;
    const seconds = new Date(value.bytes.readUInt32BE(0) * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(nanoseconds).padStart(9, '0')}Z`;
  }
  if (typeof value !== 'number' || !(value > 0) || value >= 2 ** 32) return undefined;
  return new Date(value * 1000).toISOString();
}

/** The answer to a message that has a chunk: `{"ack": chunk}`. */
export function acknowledgement(chunk: string): Buffer {
  const text = Buffer.from(chunk);
  const head = text.length < 32 ? Buffer.of(0xa0 | text.length) : Buffer.of(0xda, text.length >> 8, text.length & 0xff);
  return Buffer.concat([Buffer.of(0x81, 0xa3), Buffer.from('ack'), head, text]);
}
