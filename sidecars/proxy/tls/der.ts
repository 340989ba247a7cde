/** Reading DER (ITU-T X.690): as much of it as revocation data needs. */

export interface DerElement {
  /** The identifier octet: class, constructed, number. */
  readonly tag: number;
  readonly content: Buffer;
}

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const ENUMERATED = 0x0a;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
/** A context-specific tag; constructed unless it is said otherwise. */
export const context = (number: number): number => 0xa0 | number;

/** More elements in one constructed value than any honest file has. */
const MAX_ELEMENTS = 200_000;

/**
 * The elements of a constructed value, in their order; none is looked into.
 * @throws {Error} where the bytes are not DER
 */
export function derElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (elements.length === MAX_ELEMENTS) throw new Error('has too many elements');
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    if (first === undefined || (tag & 0x1f) === 0x1f) throw new Error('is not DER');
    at += 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      if (octets === 0 || octets > 4 || at + octets > bytes.length) throw new Error('is not DER');
      length = bytes.readUIntBE(at, octets);
      at += octets;
    }
    if (at + length > bytes.length) throw new Error('is cut short');
    elements.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

/** The only element of these bytes, of this tag. @throws {Error} when it is another */
export function derElement(bytes: Buffer, tag: number): Buffer {
  const [element, ...more] = derElements(bytes);
  if (element?.tag !== tag || more.length > 0) throw new Error('is not what it should be');
  return element.content;
}

/**
 * UTCTime or GeneralizedTime in the forms that RFC 5280 allows (section 4.1.2.5).
 * @returns milliseconds since the epoch
 * @throws {Error} for any other form
 */
export function derTime({ tag, content }: DerElement): number {
  const text = content.toString('latin1');
  const match = /^(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match || (tag === GENERALIZED_TIME) !== (match[1] !== undefined)) throw new Error('holds a malformed time');
  const [, century, year, ...rest] = match;
  const full = Number(`${century ?? (Number(year) < 50 ? '20' : '19')}${year}`);
  const [month, day, hour, minute, second] = rest.map(Number) as [number, number, number, number, number];
  return Date.UTC(full, month - 1, day, hour, minute, second);
}
