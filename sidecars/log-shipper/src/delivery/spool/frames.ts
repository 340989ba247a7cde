/**
 * How records lie on disk: each a frame of its length and CRC-32 (4 bytes each, little endian) before
 * a line of JSON. What a killed process left half-written is told by the checksum.
 */
import type { LogRecord } from '../../lines/record.ts';

const { crc32 } = process.getBuiltinModule('node:zlib');

const HEAD = 8;
/** No record is larger, in bytes: a length above it is garbage. */
const LARGEST = 256 * 1024 * 1024;

/** A text as a frame. */
export function frame(payload: string): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + Buffer.byteLength(payload));
  bytes.write(payload, HEAD);
  bytes.writeUInt32LE(bytes.length - HEAD, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD)), 4);
  return bytes;
}

/** Why there is no frame: more bytes are needed (`size` in all), or what is there is damaged. */
export type Undecoded = { readonly needs: number } | 'damaged';

/**
 * The frame at an offset of a buffer.
 * @returns its text, and where it ends
 */
export function unframe(buffer: Buffer, at: number): { readonly payload: string; readonly end: number } | Undecoded {
  if (buffer.length - at < HEAD) return { needs: HEAD };
  const length = buffer.readUInt32LE(at);
  if (length === 0 || length > LARGEST) return 'damaged';
  const end = at + HEAD + length;
  if (end > buffer.length) return { needs: HEAD + length };
  const payload = buffer.subarray(at + HEAD, end);
  return crc32(payload) === buffer.readUInt32LE(at + 4) ? { payload: payload.toString(), end } : 'damaged';
}

/** A record as a frame. */
export function encodeFrame({ id, source, index, body }: LogRecord): Buffer {
  return frame(JSON.stringify([id, source, index ?? null, body]));
}

/** A record, and where it ends. */
export interface Decoded {
  readonly record: LogRecord;
  readonly end: number;
}

/**
 * The record at an offset of a buffer.
 * @param buffer bytes of a segment
 * @param at where the frame begins
 */
export function decodeFrame(buffer: Buffer, at: number): Decoded | Undecoded {
  const unframed = unframe(buffer, at);
  if (unframed === 'damaged' || 'needs' in unframed) return unframed;
  const [id, source, index, body] = JSON.parse(unframed.payload) as [string, string, string | null, string];
  const record = { id, source, ...(index !== null && { index }), body, bytes: Buffer.byteLength(body) };
  return { record, end: unframed.end };
}
