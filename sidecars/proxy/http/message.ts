/** What a head means for a proxy: where the body ends, who stays connected, which fields go on. */
import { COMMA, decimal, equals, HTAB, SP } from './bytes.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  HOP_BY_HOP,
  OTHER,
  TE,
  TRACE,
  TRANSFER_ENCODING,
  UPGRADE,
  classify,
} from './field-names.ts';
import { Head, type RejectReason } from './scan-head.ts';

/** There is no body. */
export const NO_BODY = 0;
/** Content-Length says how long the body is. */
export const LENGTH = 1;
/** The body comes in chunks. */
export const CHUNKED = 2;
/** The length is not known before the end; in HTTP/1 the body of a response then ends with the connection. */
export const UNKNOWN_LENGTH = 3;

// Options of the Connection field.
export const CLOSE = 1;
export const KEEP_ALIVE = 2;
export const UPGRADES = 4;
export const TRAILERS = 8;

/** Most options that a message's Connection fields may have: a real one has two or three. */
const MAX_CONNECTION_OPTIONS = 64;

const ZERO = 48;

/** What a message's head says of its body and connection (RFC 9112, sections 6 and 9). */
export abstract class MessageHead extends Head {
  body = NO_BODY;
  /** Of a LENGTH body, in bytes. */
  length = 0;
  /** The sender will read or write a further message on this connection. */
  keepAlive = true;
  /** The index of the first Upgrade field; -1 for none. */
  upgradeField = -1;
  /** Content-Length or Transfer-Encoding as one line, in place of one that was spelt unusually and is left out; '' for none. */
  framing = '';
  protected lengthField = -1;
  protected codingField = -1;
  protected teField = -1;
  /** Bits of the options that Connection has. */
  protected connection = 0;
  #options = 0;
  /** Fields that Connection names beyond those that every proxy knows, in lower case: they go no further. */
  #nominated: Set<string> | undefined;

  protected reject(reason: RejectReason): RejectReason {
    this.reason = reason;
    return reason;
  }

  /** Whether a field's value is a word, whatever the case of its letters. @param word lower case */
  protected isValue(field: number, word: string, bytes: Uint8Array): boolean {
    return equals(bytes, this.fields[field * 4 + 2]!, this.fields[field * 4 + 3]!, word);
  }

  /** A field's value as Latin-1 text. */
  value(field: number, bytes: Buffer): string {
    return bytes.toString('latin1', this.fields[field * 4 + 2], this.fields[field * 4 + 3]);
  }

  /** A field's name as it was spelt. */
  name(field: number, bytes: Buffer): string {
    return bytes.toString('latin1', this.fields[field * 4], this.fields[field * 4 + 1]);
  }

  /** A field that only requests or only responses treat specially. @returns why the message is refused */
  protected abstract special(kind: number, field: number, bytes: Buffer): RejectReason | undefined;

  /** Sort the scanned fields: which go on, and which say something about this hop. @returns why the message is refused */
  protected sort(bytes: Buffer): RejectReason | undefined {
    this.body = NO_BODY;
    this.length = 0;
    this.framing = '';
    this.upgradeField = this.lengthField = this.codingField = this.teField = -1;
    this.connection = this.#options = 0;
    this.#nominated = undefined;
    for (let field = 0; field < this.count; field++) {
      this.dropped[field] = 0;
      const kind = classify(bytes, this.fields[field * 4]!, this.fields[field * 4 + 1]!);
      switch (kind) {
        case OTHER:
          break;
        case CONTENT_LENGTH:
          if (this.lengthField !== -1) return this.reject('framing');
          this.lengthField = field;
          break;
        case TRANSFER_ENCODING:
          if (this.codingField !== -1) return this.reject('framing');
          this.codingField = field;
          break;
        case CONNECTION:
          this.dropped[field] = 1;
          if (!this.#readConnection(field, bytes)) return this.reject('connection');
          break;
        case UPGRADE:
          this.dropped[field] = 1;
          if (this.upgradeField === -1) this.upgradeField = field;
          break;
        case TE:
          this.dropped[field] = 1;
          this.teField = field;
          break;
        case HOP_BY_HOP:
          this.dropped[field] = 1;
          break;
        default: {
          const reason = this.special(kind, field, bytes);
          if (reason !== undefined) return reason;
        }
      }
    }
    if (this.#nominated !== undefined) this.#dropNominated(bytes, this.#nominated);
    return undefined;
  }

  /** Content-Length's number. @returns false when it is none */
  protected readLength(bytes: Buffer): boolean {
    this.length = decimal(bytes, this.fields[this.lengthField * 4 + 2]!, this.fields[this.lengthField * 4 + 3]!);
    this.body = this.length === 0 ? NO_BODY : LENGTH;
    if (this.length < 0) return false;
    this.normalise(this.lengthField, 'Content-Length', bytes);
    return true;
  }

  /**
   * What other readers might take for something else, although it is legal, goes on as everybody writes it: other blanks
   * than one space, a length with zeros before it, letters of either case.
   * @param value the usual one; `length` where absent
   */
  protected normalise(field: number, name: string, bytes: Buffer, value?: string): void {
    const at = field * 4;
    const start = this.fields[at + 2]!;
    const end = this.fields[at + 3]!;
    const first = bytes[start]!;
    const usual = first !== ZERO || end - start === 1;
    const oneSpace = start - this.fields[at + 1]! === 2 && bytes[start - 1] === SP;
    if (usual && oneSpace && end + 2 === this.lineStart(field + 1) && !hasUpperCase(bytes, start, end)) return;
    this.dropped[field] = 1;
    this.framing = `${name}: ${value ?? this.length}\r\n`;
  }

  protected readKeepAlive(): boolean {
    return this.minor > 0 ? (this.connection & CLOSE) === 0 : (this.connection & KEEP_ALIVE) !== 0;
  }

  /** Read one Connection field's list. @returns false when there are too many options */
  #readConnection(field: number, bytes: Buffer): boolean {
    const last = this.fields[field * 4 + 3]!;
    let start = this.fields[field * 4 + 2]!;
    while (start < last) {
      let comma = start;
      while (comma < last && bytes[comma] !== COMMA) comma++;
      let end = comma;
      while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
      while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
      if (++this.#options > MAX_CONNECTION_OPTIONS) return false;
      if (end > start) {
        if (equals(bytes, start, end, 'close')) this.connection |= CLOSE;
        else if (equals(bytes, start, end, 'keep-alive')) this.connection |= KEEP_ALIVE;
        else if (equals(bytes, start, end, 'upgrade')) this.connection |= UPGRADES;
        else if (equals(bytes, start, end, 'te')) this.connection |= TRAILERS;
        else (this.#nominated ??= new Set()).add(bytes.toString('latin1', start, end).toLowerCase());
      }
      start = comma + 1;
    }
    return true;
  }

  /** Drop the fields that Connection names, but for those with a meaning of their own here: one pass, whatever it names. */
  #dropNominated(bytes: Buffer, nominated: ReadonlySet<string>): void {
    for (let field = 0; field < this.count; field++) {
      const start = this.fields[field * 4]!;
      const end = this.fields[field * 4 + 1]!;
      const kind = classify(bytes, start, end);
      if (kind !== OTHER && kind !== TRACE) continue;
      if (nominated.has(bytes.toString('latin1', start, end).toLowerCase())) this.dropped[field] = 1;
    }
  }
}

function hasUpperCase(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! >= 65 && bytes[at]! <= 90) return true;
  return false;
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether a request of this method may be sent twice with the effect of once (RFC 9110, section 9.2.2). */
export const isIdempotent = (method: string): boolean => method === 'GET' || IDEMPOTENT.has(method);
