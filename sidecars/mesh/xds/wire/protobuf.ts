/**
 * Reading protocol buffers (https://protobuf.dev/programming-guides/encoding/): the fields that a schema names,
 * and no others, so that a proxy carries no copy of all of Envoy's interface. Bytes come from outside: nothing
 * is read past its end, and depth and the number of values are bounded.
 */

/** The bytes are no message of that schema. */
export class MalformedMessage extends Error {}

const MAX_DEPTH = 40;
const MAX_VALUES = 4_000_000;

/** A place in bytes, with what is left of the bounds. */
class Reader {
  readonly bytes: Buffer;
  at: number;
  end: number;
  depth = 0;
  values = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** Up to 2^53 exactly; negative numbers are ten bytes of two's complement. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      if (this.at >= this.end) throw new MalformedMessage('a number goes on past the end');
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (index < 4) low += bits * 2 ** (7 * index);
      else if (index === 4) {
        low += (bits & 0x0f) * 2 ** 28;
        high += bits >> 4;
      } else if (index < 9) high += bits * 2 ** (7 * index - 32);
      else high += (bits & 1) * 2 ** 31;
      if (byte < 0x80)
        return high >= 2 ** 31 ? -((2 ** 32 - 1 - high) * 2 ** 32 + (2 ** 32 - low)) : high * 2 ** 32 + low;
    }
    throw new MalformedMessage('a number has more than ten bytes');
  }

  /** The end of what a length before it announces. */
  limit(): number {
    const length = this.varint();
    const limit = this.at + length;
    if (length < 0 || limit > this.end) throw new MalformedMessage('a length goes past the end');
    return limit;
  }

  skip(wire: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.advance(8);
    else if (wire === 2) this.at = this.limit();
    else if (wire === 5) this.advance(4);
    else throw new MalformedMessage(`wire type ${wire} is not known`);
  }

  advance(bytes: number): number {
    const from = this.at;
    if (from + bytes > this.end) throw new MalformedMessage('a value goes past the end');
    this.at = from + bytes;
    return from;
  }

  count(): void {
    if (++this.values > MAX_VALUES) throw new MalformedMessage(`there are more than ${MAX_VALUES} values`);
  }
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A type of values, and how one is read. */
export interface Kind<T> {
  readonly wire: number;
  readonly read: (reader: Reader) => T;
}

export const number: Kind<number> = { wire: VARINT, read: (reader) => reader.varint() };
export const boolean: Kind<boolean> = { wire: VARINT, read: (reader) => reader.varint() !== 0 };
export const double: Kind<number> = { wire: FIXED64, read: (reader) => reader.bytes.readDoubleLE(reader.advance(8)) };
export const fixed32: Kind<number> = { wire: FIXED32, read: (reader) => reader.bytes.readUInt32LE(reader.advance(4)) };
export const bytes: Kind<Buffer> = {
  wire: BYTES,
  read: (reader) => {
    const limit = reader.limit();
    return reader.bytes.subarray(reader.advance(limit - reader.at), limit);
  },
};
export const string: Kind<string> = {
  wire: BYTES,
  read: (reader) => {
    const limit = reader.limit();
    return reader.bytes.toString('utf8', reader.advance(limit - reader.at), limit);
  },
};

/** A number of a field, what it holds, and whether there may be several. */
export interface Field<T> {
  readonly id: number;
  /** Late, so that messages may hold themselves. */
  readonly kind: () => Kind<unknown>;
  readonly many: 'one' | 'list' | 'map';
  /** Only the type counts. */
  readonly value?: T;
}

export const one = <T>(id: number, kind: Kind<T>): Field<T | undefined> => ({ id, kind: () => kind, many: 'one' });
/** `one` of a kind that is declared further down. */
export const lazy = <T>(id: number, kind: () => Kind<T>): Field<T | undefined> => ({ id, kind, many: 'one' });
export const list = <T>(id: number, kind: Kind<T>): Field<readonly T[]> => ({ id, kind: () => kind, many: 'list' });
export const lazyList = <T>(id: number, kind: () => Kind<T>): Field<readonly T[]> => ({ id, kind, many: 'list' });
/** Keys are texts. */
export const map = <T>(id: number, kind: () => Kind<T>): Field<Readonly<Record<string, T>>> => ({
  id,
  kind: () => message({ key: one(1, string), value: lazy(2, kind) }),
  many: 'map',
});

type Fields = Readonly<Record<string, Field<unknown>>>;
/** What is read of a message; fields that are not there are undefined, or empty. */
export type Read<K> = K extends Kind<infer T> ? T : never;
type Values<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never };

/** A message by the fields that are read of it; in an embedded field that comes twice, the second is taken. */
export function message<const F extends Fields>(fields: F): Kind<Values<F>> {
  const byId = new Map(Object.entries(fields).map(([name, field]) => [field.id, { name, field }]));
  const several = Object.entries(fields).filter(([, { many }]) => many !== 'one');
  const readFields = (reader: Reader): Values<F> => {
    const values: Record<string, unknown> = {};
    for (const [name, { many }] of several) values[name] = many === 'list' ? [] : {};
    while (reader.at < reader.end) {
      const tag = reader.varint();
      const found = byId.get(Math.floor(tag / 8));
      const wire = tag & 7;
      if (!found) {
        reader.skip(wire);
        continue;
      }
      readField(reader, wire, found.name, found.field, values);
    }
    return values as Values<F>;
  };
  return {
    wire: BYTES,
    read: (reader) => {
      const outer = reader.end;
      if (++reader.depth > MAX_DEPTH) throw new MalformedMessage(`messages are nested more than ${MAX_DEPTH} deep`);
      reader.end = reader.limit();
      const values = readFields(reader);
      reader.end = outer;
      reader.depth--;
      return values;
    },
  };
}

function readField(
  reader: Reader,
  wire: number,
  name: string,
  field: Field<unknown>,
  values: Record<string, unknown>,
): void {
  const kind = field.kind();
  reader.count();
  if (field.many === 'list' && wire === BYTES && kind.wire !== BYTES) {
    // Packed: one after the other, without tags.
    const outer = reader.end;
    reader.end = reader.limit();
    while (reader.at < reader.end) {
      reader.count();
      (values[name] as unknown[]).push(kind.read(reader));
    }
    reader.end = outer;
    return;
  }
  if (wire !== kind.wire) throw new MalformedMessage(`field ${name} has wire type ${wire}`);
  const value = kind.read(reader);
  if (field.many === 'one') values[name] = value;
  else if (field.many === 'list') (values[name] as unknown[]).push(value);
  else {
    const entry = value as { key?: string; value?: unknown };
    // A text such as __proto__ is a key as any other.
    Object.defineProperty(values[name], entry.key ?? '', {
      value: entry.value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

/**
 * Read a message.
 * @throws {MalformedMessage}
 */
export function decode<T>(kind: Kind<T>, content: Buffer): T {
  // A message reads its length first.
  return kind.read(new Reader(Buffer.concat([writeVarint(content.length), content])));
}

function writeVarint(value: number): Buffer {
  const out: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) out.push((left % 0x80) | 0x80);
  return Buffer.from([...out, left]);
}

/** Fields of a message that is written: what is undefined or empty is left out, as proto3 has it. */
export class Writer {
  readonly #parts: Buffer[] = [];

  string(id: number, value: string | undefined): this {
    return value === undefined || value === '' ? this : this.bytes(id, Buffer.from(value));
  }

  bytes(id: number, value: Buffer): this {
    this.#parts.push(writeVarint(id * 8 + BYTES), writeVarint(value.length), value);
    return this;
  }

  /** @param value not negative */
  number(id: number, value: number): this {
    if (value !== 0) this.#parts.push(writeVarint(id * 8 + VARINT), writeVarint(value));
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
