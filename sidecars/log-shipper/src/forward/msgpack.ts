/**
 * MessagePack, as much as Fluentd's forward protocol uses of it:
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * What a length claims is never believed: nothing is allocated for it, and a message that could not be
 * within the limit is refused as soon as its head says so.
 */
import { MalformedError } from '../senders/malformed.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');

/** A value of an extension type. */
export class Extension {
  readonly type: number;
  readonly bytes: Buffer;
  constructor(type: number, bytes: Buffer) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** A decoded value; a string that is not UTF-8 is a Buffer. */
export type Value = null | boolean | number | bigint | string | Buffer | Extension | Value[] | Map<Value, Value>;

const DEPTH = 32;
const NAMES = { array: 'an array', map: 'a map' } as const;

/** The head of a value. */
interface Head {
  readonly kind: 'nil' | 'boolean' | 'uint' | 'int' | 'float' | 'string' | 'binary' | 'extension' | 'array' | 'map';
  /** Bytes of the head itself; the rest of the value's own bytes are `length`. */
  readonly size: number;
  /** Bytes that belong to it, for a container the number of values. */
  readonly length: number;
}

/** The head at a place; undefined when not all of it is there. */
function headAt(buffer: Buffer, at: number, end: number): Head | undefined {
  const byte = buffer[at]!;
  if (byte < 0x80 || byte >= 0xe0) return { kind: 'int', size: 0, length: 1 };
  if (byte < 0x90) return { kind: 'map', size: 1, length: (byte & 0x0f) * 2 };
  if (byte < 0xa0) return { kind: 'array', size: 1, length: byte & 0x0f };
  if (byte < 0xc0) return { kind: 'string', size: 1, length: byte & 0x1f };
  const sized = (kind: Head['kind'], width: 1 | 2 | 4, extra = 0, factor = 1): Head | undefined =>
    at + 1 + width > end
      ? undefined
      : { kind, size: 1 + width, length: buffer.readUIntBE(at + 1, width) * factor + extra };
  if (byte >= 0xd4 && byte <= 0xd8) return { kind: 'extension', size: 1, length: 1 + 2 ** (byte - 0xd4) };
  switch (byte) {
    case 0xc0:
      return { kind: 'nil', size: 1, length: 0 };
    case 0xc2:
    case 0xc3:
      return { kind: 'boolean', size: 0, length: 1 };
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return sized('binary', WIDTHS[byte - 0xc4]!);
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return sized('extension', WIDTHS[byte - 0xc7]!, 1);
    case 0xca:
    case 0xcb:
      return { kind: 'float', size: 1, length: byte === 0xca ? 4 : 8 };
    case 0xd9:
    case 0xda:
    case 0xdb:
      return sized('string', WIDTHS[byte - 0xd9]!);
    case 0xdc:
    case 0xdd:
      return sized('array', WIDTHS[byte - 0xdb]!);
    case 0xde:
    case 0xdf:
      return sized('map', WIDTHS[byte - 0xdd]!, 0, 2);
    case 0xc1:
      throw new MalformedError('0xc1 begins no value');
    default:
      return byte < 0xd0
        ? { kind: 'uint', size: 1, length: 2 ** (byte - 0xcc) }
        : { kind: 'int', size: 1, length: 2 ** (byte - 0xd0) };
  }
}

const WIDTHS = [1, 2, 4] as const;

/** Finds where values end in a stream, looking at each byte of a head once. */
export class Framer {
  readonly #limit: number;
  /** The beginning of a value whose end is not there yet; it is doubled when it is full. */
  #store = Buffer.alloc(0);
  #length = 0;
  /** Up to where that value was looked at. */
  #at = 0;
  /** How many values each open container still waits for. */
  #open: number[] = [];

  /** @param limit the most bytes of a value */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Take bytes in.
   * @returns the values that are complete, each as its bytes
   * @throws {MalformedError}
   */
  push(bytes: Buffer): Buffer[] {
    const stored = this.#length > 0;
    if (stored) this.#append(bytes);
    const buffer = stored ? this.#store.subarray(0, this.#length) : bytes;
    const values: Buffer[] = [];
    let start = 0;
    for (let end = this.#end(buffer, start); end !== undefined; end = this.#end(buffer, start)) {
      values.push(stored ? Buffer.from(buffer.subarray(start, end)) : buffer.subarray(start, end));
      start = end;
    }
    this.#at -= start;
    if (start === 0 && stored) return values;
    const rest = buffer.subarray(start);
    this.#store = Buffer.from(rest);
    this.#length = rest.length;
    return values;
  }

  #append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#store.length) {
      const larger = Buffer.alloc(Math.max(length, this.#store.length * 2));
      this.#store.copy(larger, 0, 0, this.#length);
      this.#store = larger;
    }
    bytes.copy(this.#store, this.#length);
    this.#length = length;
  }

  #end(buffer: Buffer, start: number): number | undefined {
    while (this.#at < buffer.length) {
      const head = headAt(buffer, this.#at, buffer.length);
      if (head === undefined) return undefined;
      const container = head.kind === 'array' || head.kind === 'map';
      const next = this.#at + head.size + (container ? 0 : head.length);
      // Each value in a container takes a byte at least.
      if (next + (container ? head.length : 0) - start > this.#limit)
        throw new MalformedError(`more than ${this.#limit} bytes in one message`);
      if (next > buffer.length) return undefined;
      this.#at = next;
      if (container && head.length > 0) {
        if (this.#open.length === DEPTH) throw new MalformedError(`nested deeper than ${DEPTH}`);
        this.#open.push(head.length);
        continue;
      }
      while (this.#open.length > 0 && --this.#open[this.#open.length - 1]! === 0) this.#open.pop();
      if (this.#open.length === 0) return this.#at;
    }
    return undefined;
  }
}

/** The most values that are made of one value: a byte of input can be a Map, which takes two hundred. */
export const VALUES = 16_384;

/**
 * Decode one value that is all there.
 * @throws {MalformedError} when it is not, or consists of more than VALUES
 */
export function decode(buffer: Buffer): Value {
  const decoder = new Decoder(buffer);
  const value = decoder.value();
  if (!decoder.ended) throw new MalformedError('bytes behind the value');
  return value;
}

/** Values one after another; what is skipped is looked through, and nothing is made of it. */
export class Decoder {
  readonly buffer: Buffer;
  at: number;
  /** Values that may still be made or skipped. */
  #left = 0;

  /** @param at where the first value begins */
  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get ended(): boolean {
    return this.at >= this.buffer.length;
  }

  /** What the next value is; undefined at the end. */
  get kind(): Head['kind'] | undefined {
    return this.ended ? undefined : this.#head().kind;
  }

  /**
   * Go into the next value, a container.
   * @returns how many elements, or pairs, it has
   * @throws {MalformedError} when it is none
   */
  enter(kind: 'array' | 'map'): number {
    const head = this.#head();
    if (head.kind !== kind) throw new MalformedError(`no ${kind} where one belongs`);
    this.at += head.size;
    if (head.length > this.buffer.length - this.at) throw new MalformedError('ends within a value');
    return kind === 'map' ? head.length / 2 : head.length;
  }

  /**
   * Decode the next value.
   * @throws {MalformedError} when it is not all there, or consists of more than VALUES
   */
  value(): Value {
    this.#left = VALUES;
    return this.#next(0);
  }

  /**
   * Pass over the next value, by the same bounds.
   * @throws {MalformedError} when `value` would
   */
  skip(): void {
    this.#left = VALUES;
    this.#pass(0);
  }

  #head(): Head {
    const head = this.ended ? undefined : headAt(this.buffer, this.at, this.buffer.length);
    if (head === undefined) throw new MalformedError('ends within a value');
    return head;
  }

  /** Count a value, and move behind its head; behind all of it, unless it is a container. */
  #step(depth: number): Head {
    if (depth > DEPTH) throw new MalformedError(`nested deeper than ${DEPTH}`);
    if (--this.#left < 0) throw new MalformedError(`more than ${VALUES} values in one`);
    const head = this.#head();
    const container = head.kind === 'array' || head.kind === 'map';
    this.at += head.size + (container ? 0 : head.length);
    // Each value in a container takes a byte at least.
    if (this.at + (container ? head.length : 0) > this.buffer.length) throw new MalformedError('ends within a value');
    return head;
  }

  #pass(depth: number): void {
    const { kind, length } = this.#step(depth);
    if (kind !== 'array' && kind !== 'map') return;
    for (let index = 0; index < length; index++) {
      if (kind === 'map' && index % 2 === 0) this.#beginName();
      this.#pass(depth + 1);
    }
  }

  /**
   * The name of a map's value is no container: in JSON it would be a text of a text of a text, each of which has twice
   * as many backslashes as the one within it, and thirty bytes would become a gigabyte.
   */
  #beginName(): void {
    const { kind } = this;
    if (kind === 'array' || kind === 'map') throw new MalformedError(`the name of a value is ${NAMES[kind]}`);
  }

  #next(depth: number): Value {
    const start = this.at;
    const head = this.#step(depth);
    if (head.kind === 'array' || head.kind === 'map') return this.#container(head, depth);
    const first = this.buffer[start]!;
    const bytes = this.buffer.subarray(start + head.size, this.at);
    switch (head.kind) {
      case 'nil':
        return null;
      case 'boolean':
        return first === 0xc3;
      case 'float':
        return head.length === 4 ? bytes.readFloatBE() : bytes.readDoubleBE();
      case 'uint':
        return head.length === 8 ? narrow(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, head.length);
      case 'int':
        if (head.size === 0) return bytes.readInt8();
        return head.length === 8 ? narrow(bytes.readBigInt64BE()) : bytes.readIntBE(0, head.length);
      case 'string':
        return isUtf8(bytes) ? bytes.toString() : bytes;
      case 'binary':
        return bytes;
      case 'extension':
        return new Extension(bytes.readInt8(), bytes.subarray(1));
    }
  }

  #container({ kind, length }: Head, depth: number): Value[] | Map<Value, Value> {
    if (kind === 'array') {
      const values: Value[] = [];
      for (let index = 0; index < length; index++) values.push(this.#next(depth + 1));
      return values;
    }
    const map = new Map<Value, Value>();
    for (let index = 0; index < length; index += 2) {
      this.#beginName();
      const name = this.#next(depth + 1);
      map.set(name, this.#next(depth + 1));
    }
    return map;
  }
}

function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
