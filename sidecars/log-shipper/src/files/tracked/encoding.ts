/** How a file's bytes are text: told by its byte order mark, or by the operator for files without one. */
import { isWide, type Encoding } from '../../lines/chunk.ts';

/** A content's first bytes, and where they are in it. */
interface Beginning {
  readonly at: number;
  readonly bytes: Buffer;
}

/** `auto`: UTF-16 where a byte order mark says so, else UTF-8. */
export type FileEncoding = 'auto' | 'latin1' | 'utf-16le' | 'utf-16be';

/** The encoding of a content that begins with a head. A mark is believed before the operator's byte order. */
export function encodingOf(declared: FileEncoding, { at, bytes }: Beginning): Encoding {
  if (declared === 'latin1') return declared;
  if (at === 0 && bytes.length >= 2) {
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
    if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  }
  return declared === 'auto' ? 'utf-8' : declared;
}

/** Bytes of a code unit of a content that begins with a head: a NUL of this length is one that nobody wrote. */
export function unitOf(declared: FileEncoding, head: Beginning): 1 | 2 {
  return isWide(encodingOf(declared, head)) ? 2 : 1;
}
