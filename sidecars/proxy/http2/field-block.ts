/**
 * A decoded field block: a head or trailers. Fields lie as lines of HTTP/1 (`name: value`, CRLF) in
 * one buffer, with offsets beside them, so that everything that reads heads reads these as well.
 */
import { HTAB, NAME, SP, VALUE, decimal, equals } from '#proxy/http/bytes.ts';

/** Most fields of a block; the HTTP/1 engine takes as many. */
export const MAX_FIELDS = 256;
/** Bytes that a line has beyond its name and value. */
export const LINE_OVERHEAD = 4;

// What a field is, as far as this protocol cares.
export const OTHER = 0;
export const METHOD = 1;
export const SCHEME = 2;
export const AUTHORITY = 3;
export const PATH = 4;
export const PROTOCOL = 5;
export const STATUS = 6;
export const CONTENT_LENGTH = 7;
const TE = 8;
const KIND = 15;
/** The block is malformed by this field (RFC 9113, section 8.2). */
export const MALFORMED = 16;
/** The sender wants the field never to be compressed by reference (RFC 7541, section 7.1.3). */
export const NEVER_INDEXED = 32;

const PSEUDO = [':method', ':scheme', ':authority', ':path', ':protocol', ':status'];
const CONNECTION_SPECIFIC = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];
/** A block that decodes to four times the limit, or to this many bytes beyond it, is given up. */
const EXCESS_FACTOR = 4;
const EXCESS = 256 * 1024;
const COLON = 58;
const CR = 13;
const LF = 10;
/** First letters of the names that are not OTHER. */
const SPECIAL = new Uint8Array(256);
for (const name of [...CONNECTION_SPECIFIC, 'te', 'content-length']) SPECIAL[name.charCodeAt(0)] = 1;
/** 1 where a byte is allowed in a field name: a token's characters, in lower case only. */
const LOWER = Uint8Array.from(NAME, (known, byte) => (known !== 0 && !(byte >= 65 && byte <= 90) ? 1 : 0));

/** What a name says of its field: one of the kinds above, perhaps with MALFORMED. */
export function nameInfo(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]!;
  if (start === end) return MALFORMED;
  const isPseudo = first === COLON;
  for (let index = isPseudo ? start + 1 : start; index < end; index++) if (LOWER[bytes[index]!] === 0) return MALFORMED;
  if (isPseudo) {
    for (let index = 0; index < PSEUDO.length; index++) if (equals(bytes, start, end, PSEUDO[index]!)) return index + 1;
    return MALFORMED;
  }
  if (SPECIAL[first] === 0) return OTHER;
  if (equals(bytes, start, end, 'content-length')) return CONTENT_LENGTH;
  if (equals(bytes, start, end, 'te')) return TE;
  for (const name of CONNECTION_SPECIFIC) if (equals(bytes, start, end, name)) return MALFORMED;
  return OTHER;
}

/** What name and value together say of a field. @param info of the name */
export function fieldInfo(info: number, bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return info;
  const first = bytes[start]!;
  const last = bytes[end - 1]!;
  if (first === SP || first === HTAB || last === SP || last === HTAB) return info | MALFORMED;
  for (let index = start; index < end; index++) if (VALUE[bytes[index]!] === 0) return info | MALFORMED;
  return (info & KIND) === TE && !equals(bytes, start, end, 'trailers') ? info | MALFORMED : info;
}

/** A block as it was decoded, to be had again. */
export interface SavedBlock {
  readonly bytes: Uint8Array;
  readonly fields: Int32Array;
  readonly infos: Uint8Array;
  readonly pseudo: Int32Array;
  readonly fieldsStart: number;
  readonly contentLength: number;
}

export class FieldBlock {
  /** Where lines are written; valid until the next block is decoded. */
  readonly bytes: Buffer;
  /** Four offsets a field: name's start and end, value's start and end. */
  readonly fields = new Int32Array(MAX_FIELDS * 4);
  /** Kind and marks of each field. */
  readonly infos = new Uint8Array(MAX_FIELDS);
  count = 0;
  /** First byte of the first field's line; those of pseudo-header fields lie before it. */
  fieldsStart = 0;
  /** First byte after the last field's line. */
  fieldsEnd = 0;
  /** More bytes or fields than allowed: what is here is not all. */
  tooLarge = false;
  /** Bytes of all lines so far, with those that are too many. */
  get size(): number {
    return this.#size;
  }

  /** So much more than allowed that no peer means it: it is not worth reading to its end. */
  get excessive(): boolean {
    return this.#size > Math.min(EXCESS_FACTOR * this.#limit, this.#limit + EXCESS);
  }
  /** The block breaks a rule of RFC 9113, section 8. */
  malformed = false;
  /** Content-Length; -1 for none. */
  contentLength = -1;
  readonly #pseudo = new Int32Array((STATUS + 1) * 2);
  readonly #limit: number;
  #size = 0;

  /**
   * @param limit most bytes of all lines together
   * @param longest most bytes of a coded block: one field of it must fit
   */
  constructor(limit: number, longest: number) {
    this.#limit = limit;
    this.bytes = Buffer.allocUnsafeSlow(limit + 2 * longest + 16 * 1024);
  }

  reset(): void {
    this.count = 0;
    this.fieldsStart = this.fieldsEnd = 0;
    this.#size = 0;
    this.tooLarge = false;
    this.malformed = false;
    this.contentLength = -1;
    this.#pseudo.fill(-1);
  }

  /** A copy of what was decoded; of a block that is neither too large nor malformed. */
  save(): SavedBlock {
    return {
      bytes: Uint8Array.prototype.slice.call(this.bytes, 0, this.fieldsEnd),
      fields: this.fields.slice(0, this.count * 4),
      infos: this.infos.slice(0, this.count),
      pseudo: this.#pseudo.slice(),
      fieldsStart: this.fieldsStart,
      contentLength: this.contentLength,
    };
  }

  /** Be what was saved. */
  restore(saved: SavedBlock): void {
    this.bytes.set(saved.bytes);
    this.fields.set(saved.fields);
    this.infos.set(saved.infos);
    this.#pseudo.set(saved.pseudo);
    this.count = saved.infos.length;
    this.fieldsStart = saved.fieldsStart;
    this.fieldsEnd = this.#size = saved.bytes.length;
    this.tooLarge = this.malformed = false;
    this.contentLength = saved.contentLength;
  }

  /**
   * Take the line that lies at `fieldsEnd`.
   * @param info from `fieldInfo`
   */
  add(nameLength: number, valueLength: number, info: number): void {
    const start = this.fieldsEnd;
    const size = nameLength + valueLength + LINE_OVERHEAD;
    this.#size += size;
    if (this.#size > this.#limit || this.count === MAX_FIELDS) this.tooLarge = true;
    if (this.tooLarge) return;
    if ((info & MALFORMED) !== 0) this.malformed = true;
    const nameEnd = start + nameLength;
    const valueStart = nameEnd + 2;
    const valueEnd = valueStart + valueLength;
    this.fieldsEnd = start + size;
    const kind = info & KIND;
    if (kind >= METHOD && kind <= STATUS) {
      if (this.count > 0 || this.#pseudo[kind * 2] !== -1) this.malformed = true;
      this.#pseudo[kind * 2] = valueStart;
      this.#pseudo[kind * 2 + 1] = valueEnd;
      this.fieldsStart = this.fieldsEnd;
      return;
    }
    if (kind === CONTENT_LENGTH) {
      const length = decimal(this.bytes, valueStart, valueEnd);
      if (length < 0 || this.contentLength !== -1) this.malformed = true;
      this.contentLength = length;
    }
    const index = this.count * 4;
    this.fields[index] = start;
    this.fields[index + 1] = nameEnd;
    this.fields[index + 2] = valueStart;
    this.fields[index + 3] = valueEnd;
    this.infos[this.count++] = info;
  }

  /** Write what stands between name and value, and after the value. */
  punctuate(nameEnd: number, valueEnd: number): void {
    const { bytes } = this;
    bytes[nameEnd] = COLON;
    bytes[nameEnd + 1] = SP;
    bytes[valueEnd] = CR;
    bytes[valueEnd + 1] = LF;
  }

  /** Whether a pseudo-header field is there. @param kind METHOD to STATUS */
  has(kind: number): boolean {
    return this.#pseudo[kind * 2] !== -1;
  }

  /** Whether any pseudo-header field is there. */
  get hasPseudo(): boolean {
    for (let kind = METHOD; kind <= STATUS; kind++) if (this.has(kind)) return true;
    return false;
  }

  /** A pseudo-header field's first byte and the one after its last. */
  start(kind: number): number {
    return this.#pseudo[kind * 2]!;
  }
  end(kind: number): number {
    return this.#pseudo[kind * 2 + 1]!;
  }

  /** A pseudo-header field's value as Latin-1 text; '' where it is missing. */
  pseudo(kind: number): string {
    return this.has(kind) ? this.bytes.toString('latin1', this.start(kind), this.end(kind)) : '';
  }

  /** `:status`; -1 where it is missing or not of three digits. */
  get status(): number {
    return this.has(STATUS) && this.end(STATUS) - this.start(STATUS) === 3
      ? decimal(this.bytes, this.start(STATUS), this.end(STATUS))
      : -1;
  }

  /** First byte of a field's line. */
  lineStart(field: number): number {
    return field < this.count ? this.fields[field * 4]! : this.fieldsEnd;
  }

  name(field: number): string {
    return this.bytes.toString('latin1', this.fields[field * 4], this.fields[field * 4 + 1]);
  }
  value(field: number): string {
    return this.bytes.toString('latin1', this.fields[field * 4 + 2], this.fields[field * 4 + 3]);
  }
}
