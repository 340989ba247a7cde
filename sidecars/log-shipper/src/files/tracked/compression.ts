/** How a rotated file was compressed: by its first bytes, whatever it is called. */
import type { Duplex } from 'node:stream';
import type { Head } from './content.ts';

const zlib = process.getBuiltinModule('node:zlib');
const { constants } = zlib;

/** A compression that is read. */
export type Compression = 'gzip' | 'zstd';

const MAGIC = { gzip: Buffer.from('1f8b08', 'hex'), zstd: Buffer.from('28b52ffd', 'hex') } as const;
/** bzip2 and xz are left alone. */
const OTHERS = ['425a68', 'fd377a585a00'].map((hex) => Buffer.from(hex, 'hex'));

/** How a file is compressed, by its head; `other`: in a way that is not read; undefined: it is not. */
export function compressionOf({ bytes }: Pick<Head, 'bytes'>): Compression | 'other' | undefined {
  const begins = (magic: Buffer): boolean => bytes.subarray(0, magic.length).equals(magic);
  if (begins(MAGIC.gzip)) return 'gzip';
  if (begins(MAGIC.zstd)) return 'zstd';
  return OTHERS.some(begins) ? 'other' : undefined;
}

/** Whether what is compressed so is read. */
export const isUnpackable = (how: Compression | 'other' | undefined): how is Compression =>
  how === 'gzip' || how === 'zstd';

/** Memory for a frame of zstd: two to this power are bytes enough for all levels up to 19. */
const ZSTD = { [constants.ZSTD_d_windowLogMax]: 23 };
/** Unpacked at most for a first look, in bytes. */
const GLANCED = 16 * 1024 * 1024;

/** Where a first look at a zstd file begins, in bytes: it is doubled until enough is unpacked. */
const LEAST = 64;
/** The largest block of zstd, with the frame's head: less than one block says nothing. */
const BLOCK = 256 * 1024;

/**
 * The beginning of what a compressed file holds.
 * @param read the compressed file's first bytes, up to so many
 * @param gzipped how many compressed bytes are looked at of gzip
 * @param enough how many bytes are enough, of zstd
 * @throws when the file is damaged, or is zstd with more than 16 MiB in a few bytes
 */
export function unpackBeginning(
  read: (length: number) => Buffer,
  gzipped: number,
  enough: (plain: Buffer) => boolean,
): Buffer {
  const first = read(gzipped);
  if (compressionOf({ bytes: first }) !== 'zstd')
    return zlib.gunzipSync(first, { finishFlush: constants.Z_SYNC_FLUSH });
  for (let length = LEAST; ; length *= 2) {
    const part = read(length);
    const options = { finishFlush: constants.ZSTD_e_flush, maxOutputLength: GLANCED, params: ZSTD };
    const plain = zlib.zstdDecompressSync(part, options);
    if (part.length < length || length >= BLOCK || enough(plain)) return plain;
  }
}

/** A stream that unpacks a file from its beginning to its end. */
export const createUnpacker = (compression: Compression): Duplex =>
  compression === 'zstd' ? zlib.createZstdDecompress({ params: ZSTD }) : zlib.createGunzip();

/** Whether an error says that a file is damaged. @param code the error's */
export const isDamage = (code: string): boolean => code.startsWith('Z_') || code.startsWith('ZSTD_');
