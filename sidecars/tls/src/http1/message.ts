/** What a head means for a proxy: where the body ends, who stays connected, which fields go on. */
import { COMMA, decimal, equals, HTAB, SP } from './bytes.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DISGUISED,
  EXPECT,
  HOP_BY_HOP,
  HOST,
  OTHER,
  OURS,
  STRICT_TRANSPORT_SECURITY,
  TRANSFER_ENCODING,
  UPGRADE,
  classify,
} from './field-names.ts';
import { Head, type Fault } from './scan-head.ts';
import { validHost } from './host.ts';

/** There is no body. */
export const NO_BODY = 0;
/** Content-Length says how long the body is. */
export const LENGTH = 1;
/** The body comes in chunks. */
export const CHUNKED = 2;
/** The body ends with the connection; of responses only. */
export const UNTIL_CLOSE = 3;

/** What a message's head says of its body and connection (RFC 9112, sections 6 and 9). */
export class MessageHead extends Head {
  body = NO_BODY;
  /** Of a LENGTH body, in bytes. */
  length = 0;
  /** The sender will read or write a further message on this connection. */
  keepAlive = true;
  /** The index of the Upgrade field, where Connection names it too; otherwise -1. */
  upgradeField = -1;
  /** Named by Connection beyond what every proxy knows: those fields go no further. */
  protected nominated = false;
  protected connectionHas = 0;

  protected fault(reason: Fault): Fault {
    this.reason = reason;
    return reason;
  }

  protected isValue(field: number, word: string, bytes: Uint8Array): boolean {
    return equals(bytes, this.fields[field * 4 + 2]!, this.fields[field * 4 + 3]!, word);
  }

  protected value(field: number, bytes: Buffer): string {
    return bytes.toString('latin1', this.fields[field * 4 + 2], this.fields[field * 4 + 3]);
  }

  /** Read one Connection field's list. */
  protected readConnection(field: number, bytes: Uint8Array): void {
    this.eachItem(field, bytes, (start, end) => {
      if (equals(bytes, start, end, 'close')) this.connectionHas |= CLOSE;
      else if (equals(bytes, start, end, 'keep-alive')) this.connectionHas |= KEEP_ALIVE;
      else if (equals(bytes, start, end, 'upgrade')) this.connectionHas |= UPGRADES;
      else this.nominated = true;
    });
  }

  /** Drop the fields that Connection names, but for those that the sidecar itself answers for. */
  protected dropNominated(bytes: Buffer): void {
    for (let field = 0; field < this.count; field++) {
      if (classify(bytes, this.fields[field * 4]!, this.fields[field * 4 + 1]!) !== CONNECTION) continue;
      this.eachItem(field, bytes, (start, end) => {
        const word = bytes.toString('latin1', start, end).toLowerCase();
        for (let other = 0; other < this.count; other++) {
          const nameStart = this.fields[other * 4]!;
          const nameEnd = this.fields[other * 4 + 1]!;
          if (equals(bytes, nameStart, nameEnd, word) && classify(bytes, nameStart, nameEnd) === OTHER)
            this.dropped[other] = 1;
        }
      });
    }
  }

  private eachItem(field: number, bytes: Uint8Array, visit: (start: number, end: number) => void): void {
    const last = this.fields[field * 4 + 3]!;
    let start = this.fields[field * 4 + 2]!;
    while (start < last) {
      let comma = start;
      while (comma < last && bytes[comma] !== COMMA) comma++;
      let end = comma;
      while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
      while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
      if (end > start) visit(start, end);
      start = comma + 1;
    }
  }

  protected reset(): void {
    this.body = NO_BODY;
    this.length = 0;
    this.upgradeField = -1;
    this.nominated = false;
    this.connectionHas = 0;
    this.dropped.fill(0, 0, this.count);
  }
}

export const CLOSE = 1;
export const KEEP_ALIVE = 2;
export const UPGRADES = 4;

/** A request's head, from a client. */
export class RequestHead extends MessageHead {
  /** The host as the client wrote it; '' where an HTTP/1.0 client named none. */
  host = '';
  hostField = -1;
  /** The index of `Expect: 100-continue`; -1 for none. */
  expectField = -1;

  /**
   * Interpret the scanned head.
   * @returns why it must be refused, or undefined
   */
  interpret(bytes: Buffer): Fault | undefined {
    this.reset();
    this.host = '';
    this.hostField = -1;
    this.expectField = -1;
    let lengthField = -1;
    let codingField = -1;
    let upgradeField = -1;
    for (let field = 0; field < this.count; field++) {
      switch (classify(bytes, this.fields[field * 4]!, this.fields[field * 4 + 1]!)) {
        case OTHER:
        case STRICT_TRANSPORT_SECURITY:
          break;
        case HOST:
          if (this.hostField !== -1) return this.fault('host');
          this.hostField = field;
          break;
        case CONTENT_LENGTH:
          if (lengthField !== -1) return this.fault('framing');
          lengthField = field;
          break;
        case TRANSFER_ENCODING:
          if (codingField !== -1) return this.fault('framing');
          codingField = field;
          break;
        case CONNECTION:
          this.readConnection(field, bytes);
          this.dropped[field] = 1;
          break;
        case EXPECT:
          // RFC 9110, section 10.1.1: an HTTP/1.0 client's expectation is ignored.
          if (this.minor === 0) this.dropped[field] = 1;
          else if (!this.isValue(field, '100-continue', bytes)) return this.fault('expect');
          else this.expectField = field;
          break;
        case UPGRADE:
          this.dropped[field] = 1;
          if (upgradeField === -1 && !this.leavesHttp1(field, bytes)) upgradeField = field;
          break;
        case HOP_BY_HOP:
        case OURS:
          this.dropped[field] = 1;
          break;
        case DISGUISED:
          return this.fault('framing');
      }
    }
    const framing = this.readFraming(lengthField, codingField, bytes);
    if (framing !== undefined) return framing;
    if (this.nominated) this.dropNominated(bytes);
    if (upgradeField !== -1 && (this.connectionHas & UPGRADES) !== 0 && this.minor > 0) {
      this.upgradeField = upgradeField;
      this.dropped[upgradeField] = 0;
    }
    this.keepAlive = this.minor > 0 ? (this.connectionHas & CLOSE) === 0 : (this.connectionHas & KEEP_ALIVE) !== 0;
    return this.readHost(bytes);
  }

  /** RFC 9112, sections 6.1 to 6.3: anything that two readers could frame differently is refused. */
  private readFraming(lengthField: number, codingField: number, bytes: Buffer): Fault | undefined {
    if (codingField !== -1) {
      if (lengthField !== -1 || this.minor === 0) return this.fault('framing');
      if (!this.isValue(codingField, 'chunked', bytes)) return this.fault('coding');
      this.body = CHUNKED;
    } else if (lengthField !== -1) {
      this.length = decimal(bytes, this.fields[lengthField * 4 + 2]!, this.fields[lengthField * 4 + 3]!);
      if (this.length < 0) return this.fault('framing');
      this.body = this.length === 0 ? NO_BODY : LENGTH;
    }
    return undefined;
  }

  private readHost(bytes: Buffer): Fault | undefined {
    if (this.hostField === -1) return this.minor > 0 ? this.fault('host') : undefined;
    this.host = this.value(this.hostField, bytes);
    return undefined;
  }

  /** HTTP/2 in the clear, or TLS, would take the connection out of the sidecar's sight. */
  private leavesHttp1(field: number, bytes: Buffer): boolean {
    return /(^|[\s,])(h2c?|tls)(\/|[\s,]|$)/i.test(this.value(field, bytes));
  }
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether a request of this method may be sent twice with the effect of once (RFC 9110, section 9.2.2). */
export const isIdempotent = (method: string): boolean => method === 'GET' || IDEMPOTENT.has(method);

/** Whether a request's host may be believed; remembers the last good one, since clients repeat themselves. */
export class HostCheck {
  #last = '';

  accepts(host: string): boolean {
    if (host === this.#last) return host !== '';
    if (!validHost(host)) return false;
    this.#last = host;
    return true;
  }
}

/** A response's head, from the application. */
export class ResponseHead extends MessageHead {
  /**
   * Interpret the scanned head.
   * @param toHead whether it answers a HEAD request
   * @param hsts whether the sidecar adds Strict-Transport-Security itself
   * @returns why it must not be passed on, or undefined
   */
  interpret(bytes: Buffer, toHead: boolean, hsts: boolean): Fault | undefined {
    this.reset();
    let lengthField = -1;
    let codingField = -1;
    let upgradeField = -1;
    for (let field = 0; field < this.count; field++) {
      switch (classify(bytes, this.fields[field * 4]!, this.fields[field * 4 + 1]!)) {
        case CONTENT_LENGTH:
          if (lengthField !== -1) return this.fault('framing');
          lengthField = field;
          break;
        case TRANSFER_ENCODING:
          if (codingField !== -1) return this.fault('framing');
          codingField = field;
          break;
        case CONNECTION:
          this.readConnection(field, bytes);
          this.dropped[field] = 1;
          break;
        case UPGRADE:
          this.dropped[field] = 1;
          upgradeField = field;
          break;
        case HOP_BY_HOP:
          this.dropped[field] = 1;
          break;
        case STRICT_TRANSPORT_SECURITY:
          if (hsts) this.dropped[field] = 1;
          break;
      }
    }
    const bodiless = this.status < 200 || this.status === 204 || this.status === 304;
    if (this.status < 200 || this.status === 204) {
      // RFC 9110, section 8.6: they have none, whatever they say.
      if (lengthField !== -1) this.dropped[lengthField] = 1;
      if (codingField !== -1) this.dropped[codingField] = 1;
    } else {
      const framing = this.readFraming(lengthField, codingField, bytes);
      if (framing !== undefined) return framing;
      if (bodiless || toHead) this.body = NO_BODY;
    }
    if (this.nominated) this.dropNominated(bytes);
    if (upgradeField !== -1 && (this.status === 101 || this.status === 426)) {
      this.upgradeField = upgradeField;
      this.dropped[upgradeField] = 0;
    }
    this.keepAlive =
      this.body !== UNTIL_CLOSE &&
      (this.minor > 0 ? (this.connectionHas & CLOSE) === 0 : (this.connectionHas & KEEP_ALIVE) !== 0);
    return undefined;
  }

  private readFraming(lengthField: number, codingField: number, bytes: Buffer): Fault | undefined {
    if (codingField !== -1) {
      if (lengthField !== -1 || this.minor === 0 || !this.isValue(codingField, 'chunked', bytes))
        return this.fault('framing');
      this.codingField = codingField;
      this.body = CHUNKED;
      return undefined;
    }
    if (lengthField === -1) {
      this.body = UNTIL_CLOSE;
      return undefined;
    }
    this.length = decimal(bytes, this.fields[lengthField * 4 + 2]!, this.fields[lengthField * 4 + 3]!);
    if (this.length < 0) return this.fault('framing');
    this.body = this.length === 0 ? NO_BODY : LENGTH;
    return undefined;
  }

  /** The Transfer-Encoding field of a CHUNKED body. */
  codingField = -1;
}
