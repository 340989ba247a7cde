/**
 * How records lie on disk: each a frame of its length and CRC-32 (4 bytes each, little endian) before
 * a line of JSON. What a killed process left half-written is told by the checksum.
 */
import type { LogRecord } from '../../record.ts';

const { crc32 } = process.getBuiltinModule('node:zlib');

const HEAD = 8;
/** No record is larger, in bytes: a length above it is garbage. */
const LARGEST = 256 * 1024 * 1024;

/** A record as a frame. */
export function encodeFrame({ id, source, index, body }: LogRecord): Buffer {
  const payload = JSON.stringify([id, source, index ?? null, body]);
  const frame = Buffer.allocUnsafe(HEAD + Buffer.byteLength(payload));
  frame.write(payload, HEAD);
  frame.writeUInt32LE(frame.length - HEAD, 0);
  frame.writeUInt32LE(crc32(frame.subarray(HEAD)), 4);
  return frame;
}

/** A record, and where it ends. */
export interface Decoded {
  readonly record: LogRecord;
  readonly end: number;
}

/** Why there is no record: more bytes are needed (`size` in all), or what is there is damaged. */
export type Undecoded = { readonly needs: number } | 'damaged';

/**
 * The record at an offset of a buffer.
 * @param buffer bytes of a segment
 * @param at where the frame begins
 */
export function decodeFrame(buffer: Buffer, at: number): Decoded | Undecoded {
  if (buffer.length - at < HEAD) return { needs: HEAD };
  const length = buffer.readUInt32LE(at);
  if (length === 0 || length > LARGEST) return 'damaged';
  const end = at + HEAD + length;
  if (end > buffer.length) return { needs: HEAD + length };
  const payload = buffer.subarray(at + HEAD, end);
  if (crc32(payload) !== buffer.readUInt32LE(at + 4)) return 'damaged';
  const [id, source, index, body] = JSON.parse(payload.toString()) as [string, string, string | null, string];
  return { record: { id, source, ...(index !== null && { index }), body, bytes: Buffer.byteLength(body) }, end };
}
