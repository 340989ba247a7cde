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

/** A signed number as sint32 and sint64 have it: small ones are short, whatever their sign. */
export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

const tag = (field: number, wire: number): number[] => varint(field * 8 + wire);

export const bytes = (field: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...tag(field, LENGTH), ...varint(value.length)]), value]);

export const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));

/** @param value a whole number that is not negative */
export const integer = (field: number, value: number): Buffer => Buffer.from([...tag(field, VARINT), ...varint(value)]);

export function fixed64(field: number, value: bigint): Buffer {
  const written = Buffer.alloc(8);
  written.writeBigUInt64LE(value);
  return Buffer.concat([Buffer.from(tag(field, FIXED64)), written]);
}

export function double(field: number, value: number): Buffer {
  const written = Buffer.alloc(8);
  written.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(tag(field, FIXED64)), written]);
}
