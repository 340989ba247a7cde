/**
 * Fluentd's forward protocol, version 1:
 * https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
 * Docker's `fluentd` driver sends Message mode; the others are what Fluentd and Fluent Bit send.
 */
import { decode, decodeAll, Extension, MalformedError, type Value } from './msgpack.ts';

const { gunzipSync } = process.getBuiltinModule('node:zlib');

export interface Entry {
  /** ISO 8601, to the nanosecond where the sender said it. */
  readonly time: string | undefined;
  readonly record: ReadonlyMap<Value, Value>;
}

export interface Message {
  readonly tag: string;
  readonly entries: readonly Entry[];
  /** To be sent back once the entries are safe; the same for a message that is sent again. */
  readonly chunk: string | undefined;
}

/**
 * Read a message.
 * @param bytes one MessagePack value
 * @param limit the most bytes of entries that are packed or compressed in it
 * @returns undefined for nil, by which a sender shows that it is there
 * @throws {MalformedError}
 */
export function readMessage(bytes: Buffer, limit: number): Message | undefined {
  const value = decode(bytes);
  if (value === null) return undefined;
  if (!Array.isArray(value) || typeof value[0] !== 'string') throw new MalformedError('no message: [tag, …]');
  const [tag, second] = value;
  if (Array.isArray(second)) return finish(tag, second, value[2]);
  if (typeof second === 'string' || Buffer.isBuffer(second)) {
    const packed = typeof second === 'string' ? Buffer.from(second) : second;
    return finish(tag, decodeAll(isCompressed(value[2]) ? decompress(packed, limit) : packed), value[2]);
  }
  return finish(tag, [value.slice(1, 3)], value[3]);
}

function finish(tag: string, entries: readonly Value[], option: Value | undefined): Message {
  const chunk = option instanceof Map ? option.get('chunk') : undefined;
  return { tag, entries: entries.map(toEntry), chunk: typeof chunk === 'string' ? chunk : undefined };
}

function isCompressed(option: Value | undefined): boolean {
  const how = option instanceof Map ? option.get('compressed') : undefined;
  if (how !== undefined && how !== null && how !== 'gzip' && how !== 'text')
    throw new MalformedError('compressed in an unknown way');
  return how === 'gzip';
}

function decompress(packed: Buffer, limit: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MalformedError(code === 'ERR_BUFFER_TOO_LARGE' ? `more than ${limit} bytes decompressed` : 'no gzip');
  }
}

function toEntry(value: Value): Entry {
  if (!Array.isArray(value) || !(value[1] instanceof Map)) throw new MalformedError('no entry: [time, record]');
  return { time: timeOf(value[0]), record: value[1] };
}

/** Seconds, or an EventTime: extension type 0 of seconds and nanoseconds, 4 bytes each. */
function timeOf(value: Value | undefined): string | undefined {
  if (value instanceof Extension && value.type === 0 && value.bytes.length === 8) {
    const nanoseconds = value.bytes.readUInt32BE(4);
    if (nanoseconds >= 1e9) return undefined;
    const seconds = new Date(value.bytes.readUInt32BE(0) * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(nanoseconds).padStart(9, '0')}Z`;
  }
  if (typeof value !== 'number' || value <= 0 || value >= 2 ** 32) return undefined;
  return new Date(value * 1000).toISOString();
}

/** The answer to a message that has a chunk: `{"ack": chunk}`. */
export function acknowledgement(chunk: string): Buffer {
  const text = Buffer.from(chunk);
  const head = text.length < 32 ? Buffer.of(0xa0 | text.length) : Buffer.of(0xda, text.length >> 8, text.length & 0xff);
  return Buffer.concat([Buffer.of(0x81, 0xa3), Buffer.from('ack'), head, text]);
}
