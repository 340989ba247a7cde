/** For tests: MessagePack, each value in its shortest form. */
import { Extension, type Value } from './msgpack.ts';

/** A value as MessagePack. */
export function encode(value: Value): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'string') return text(Buffer.from(value));
  if (Buffer.isBuffer(value)) return Buffer.concat([sized(value.length, [], [0xc4, 0xc5, 0xc6]), value]);
  if (typeof value === 'bigint') return integer(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return integer(BigInt(value));
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (value instanceof Extension) {
    const fixed = [1, 2, 4, 8, 16].indexOf(value.bytes.length);
    const head = fixed === -1 ? sized(value.bytes.length, [], [0xc7, 0xc8, 0xc9]) : Buffer.of(0xd4 + fixed);
    return Buffer.concat([head, Buffer.of(value.type & 0xff), value.bytes]);
  }
  const values = Array.isArray(value) ? value : [...value].flat();
  const count = Array.isArray(value) ? value.length : value.size;
  const head = Array.isArray(value)
    ? sized(count, [0x90, 16], [undefined, 0xdc, 0xdd])
    : sized(count, [0x80, 16], [undefined, 0xde, 0xdf]);
  return Buffer.concat([head, ...values.map((each) => encode(each as Value))]);
}

function text(bytes: Buffer): Buffer {
  return Buffer.concat([sized(bytes.length, [0xa0, 32], [0xd9, 0xda, 0xdb]), bytes]);
}

function sized(length: number, [fixed, below = 0]: number[], widths: readonly (number | undefined)[]): Buffer {
  if (fixed !== undefined && length < below) return Buffer.of(fixed | length);
  if (widths[0] !== undefined && length < 256) return Buffer.of(widths[0], length);
  if (length < 65_536) return Buffer.of(widths[1]!, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(5, widths[2]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function integer(value: bigint): Buffer {
  if (value >= -32n && value < 128n) return Buffer.of(Number(value) & 0xff);
  const bytes = Buffer.alloc(9, value < 0n ? 0xd3 : 0xcf);
  if (value < 0n) {
    if (value >= -128n) return Buffer.of(0xd0, Number(value) & 0xff);
    bytes.writeBigInt64BE(value, 1);
  } else {
    if (value < 256n) return Buffer.of(0xcc, Number(value));
    if (value < 65_536n) return Buffer.of(0xcd, Number(value) >> 8, Number(value) & 0xff);
    bytes.writeBigUInt64BE(value, 1);
  }
  return bytes;
}
