/** What senders have packed, unpacked within a bound. */
import { MalformedError } from './malformed.ts';

const { constants, gunzipSync, zstdDecompressSync } = process.getBuiltinModule('node:zlib');

export type Compression = 'gzip' | 'zstd';

/** A frame of zstd may ask for much memory before it says anything: two to this power are bytes enough for its usual levels. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** More than the limit is in it. */
export class TooLargeError extends MalformedError {}

/**
 * Unpack all of it.
 * @param limit the most bytes that may be in it
 * @throws {TooLargeError} when there are more
 * @throws {MalformedError} when it is not packed so, or more is behind it
 */
export function decompress(packed: Buffer, how: Compression, limit: number): Buffer {
  const options = { maxOutputLength: limit, info: true };
  let plain: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  try {
    // With `info`, the engine comes too, which the types do not know.
    plain = (how === 'gzip'
      ? gunzipSync(packed, options)
      : zstdDecompressSync(packed, { ...options, ...ZSTD })) as unknown as typeof plain;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new TooLargeError(`more than ${limit} bytes decompressed`);
    throw new MalformedError(`no ${how}`);
  }
  // Entries may be in it that would be acknowledged unread.
  if (plain.engine.bytesWritten < packed.length) throw new MalformedError(`bytes behind the end of the ${how}`);
  return plain.buffer;
}
