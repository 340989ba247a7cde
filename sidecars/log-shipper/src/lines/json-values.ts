/**
 * How many values a JSON text holds, before it is parsed: three bytes of it can become an object of sixty, and the
 * heap is small.
 */

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const ARRAY = 91;
const OBJECT = 123;

/**
 * Whether a JSON text has more values than may be made of it. What is in its strings is not counted.
 * @param bytes in UTF-8; it need not be JSON
 * @param most how many values
 */
export function hasMoreValues(bytes: Uint8Array, most: number): boolean {
  let values = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    // Each begins a value, or is between two.
    else if ((byte === COMMA || byte === ARRAY || byte === OBJECT) && ++values > most) return true;
  }
  return false;
}
