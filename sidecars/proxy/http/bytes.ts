/** Tables over bytes: what HTTP/1 allows where (RFC 9110, section 5; RFC 9112, sections 2 to 5). */

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;
export const SEMICOLON = 59;
export const COMMA = 44;

function table(fill: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => fill(byte));
}

const character = (byte: number): string => String.fromCharCode(byte);

/**
 * 0 where a byte is not allowed in a field name; otherwise the byte that CGI would not tell from it:
 * lower case, and `-` for everything that is neither letter nor digit, since CGI makes one variable
 * of X-Forwarded-For, X_Forwarded_For and X.Forwarded.For.
 */
export const NAME = table((byte) => {
  const c = character(byte);
  if (/[a-z0-9]/i.test(c)) return c.toLowerCase().charCodeAt(0);
  return "!#$%&'*+-.^_`|~".includes(c) ? 45 : 0;
});

/** 1 where a byte is allowed in a field value: visible, blank, tab, and everything from 0x80 on. */
export const VALUE = table((byte) => (byte === HTAB || (byte >= SP && byte !== 127) ? 1 : 0));

/** 1 where a byte is allowed in a request target: visible, not `#`; bytes from 0x80 on are passed for old clients. */
export const TARGET = table((byte) => (byte > SP && byte !== 127 && byte !== 35 ? 1 : 0));

/** The value of a hexadecimal digit plus 1; 0 where a byte is none. */
export const HEX = table((byte) => (/[0-9a-f]/i.test(character(byte)) ? parseInt(character(byte), 16) + 1 : 0));

/**
 * Whether bytes equal a word but for the case of letters.
 * @param word lower case ASCII
 */
export function equals(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index++) {
    let byte = bytes[start + index]!;
    if (byte >= 65 && byte <= 90) byte += 32;
    if (byte !== word.charCodeAt(index)) return false;
  }
  return true;
}

/**
 * Read digits.
 * @returns the number, or -1 when there are none, anything else, or more than 15 of them
 */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 15) return -1;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = bytes[index]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
