/** Fields of protocol buffers: https://protobuf.dev/programming-guides/encoding/ */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;

/** @param value a whole number that is not negative */
export function varint(value: number): number[] {
  const list: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    list.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  list.push(rest);
  return list;
}

/** How many bytes a varint takes. */
function sizeOf(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Put a varint into a buffer. @returns where it ends */
function put(buffer: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= 0x80) {
    buffer[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[end++] = rest;
  return end;
}

/** A signed number as sint32 and sint64 have it: small ones are short, whatever their sign. */
export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

/** A field of so many bytes, without them: each field is one buffer, filled once. */
function opened(field: number, length: number): { readonly buffer: Buffer; readonly start: number } {
  const tag = field * 8 + LENGTH;
  const start = sizeOf(tag) + sizeOf(length);
  const buffer = Buffer.allocUnsafe(start + length);
  put(buffer, put(buffer, 0, tag), length);
  return { buffer, start };
}

export const bytes = (field: number, value: Uint8Array): Buffer => message(field, [value]);

/** A field that holds others. */
export function message(field: number, parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const { buffer, start } = opened(field, length);
  let at = start;
  for (const part of parts) {
    buffer.set(part, at);
    at += part.length;
  }
  return buffer;
}

export function text(field: number, value: string): Buffer {
  const { buffer, start } = opened(field, Buffer.byteLength(value));
  buffer.write(value, start);
  return buffer;
}

/** @param value a whole number that is not negative */
export function integer(field: number, value: number): Buffer {
  const tag = field * 8 + VARINT;
  const buffer = Buffer.allocUnsafe(sizeOf(tag) + sizeOf(value));
  put(buffer, put(buffer, 0, tag), value);
  return buffer;
}

/** A field of eight bytes, which are to be written at its end. */
function eight(field: number): Buffer {
  const tag = field * 8 + FIXED64;
  const buffer = Buffer.allocUnsafe(sizeOf(tag) + 8);
  put(buffer, 0, tag);
  return buffer;
}

export function fixed64(field: number, value: bigint): Buffer {
  const buffer = eight(field);
  buffer.writeBigUInt64LE(value, buffer.length - 8);
  return buffer;
}

export function double(field: number, value: number): Buffer {
  const buffer = eight(field);
  buffer.writeDoubleLE(value, buffer.length - 8);
  return buffer;
}
