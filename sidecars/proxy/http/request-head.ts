/** A request's head as an HTTP/1 client sends it (RFC 9112, sections 3 and 6). */
import { SPOOFED_FRAMING, EXPECT, FORWARDED, HOST, TRACE } from './field-names.ts';
import { CHUNKED, MessageHead, TRAILERS, UPGRADES } from './message.ts';
import type { RejectReason } from './scan-head.ts';

export class RequestHead extends MessageHead {
  /** The host as the client wrote it; '' where an HTTP/1.0 client named none. */
  host = '';
  hostField = -1;
  /** `Expect: 100-continue` is there. */
  expectsContinue = false;
  /** The protocol that is asked for by Upgrade and Connection; '' for none. */
  upgrade = '';
  /** `TE: trailers` is there, and named by Connection. */
  acceptsTrailers = false;
  /** It may say which trace it belongs to. */
  traced = false;
  #trustsForwarded = false;

  /**
   * Interpret the scanned head.
   * @param trustsForwarded whether the client may say who called
   * @returns why it must be refused, or undefined
   */
  interpret(bytes: Buffer, trustsForwarded = false): RejectReason | undefined {
    this.host = '';
    this.hostField = -1;
    this.expectsContinue = false;
    this.upgrade = '';
    this.traced = false;
    this.#trustsForwarded = trustsForwarded;
    const reason = this.sort(bytes) ?? this.#readFraming(bytes);
    if (reason !== undefined) return reason;
    if (this.upgradeField !== -1 && (this.connection & UPGRADES) !== 0 && this.minor > 0) {
      const upgrade = this.value(this.upgradeField, bytes);
      if (!leavesHttp1(upgrade)) this.upgrade = upgrade;
    }
    this.acceptsTrailers =
      this.teField !== -1 &&
      (this.connection & TRAILERS) !== 0 &&
      /(^|[\s,])trailers([\s,]|$)/i.test(this.value(this.teField, bytes));
    this.keepAlive = this.readKeepAlive();
    if (this.hostField === -1) return this.minor > 0 ? this.reject('host') : undefined;
    this.host = this.value(this.hostField, bytes);
    return undefined;
  }

  protected override special(kind: number, field: number, bytes: Buffer): RejectReason | undefined {
    switch (kind) {
      case HOST:
        if (this.hostField !== -1) return this.reject('host');
        this.hostField = field;
        return undefined;
      case EXPECT:
        this.dropped[field] = 1;
        // RFC 9110, section 10.1.1: an HTTP/1.0 client's expectation is ignored.
        if (this.minor === 0) return undefined;
        if (!this.isValue(field, '100-continue', bytes)) return this.reject('expect');
        this.expectsContinue = true;
        return undefined;
      case FORWARDED:
        if (!this.#trustsForwarded) this.dropped[field] = 1;
        return undefined;
      case TRACE:
        this.traced = true;
        return undefined;
      case SPOOFED_FRAMING:
        return this.reject('framing');
      default:
        return undefined;
    }
  }

  /** RFC 9112, sections 6.1 to 6.3: anything that two readers could frame differently is refused. */
  #readFraming(bytes: Buffer): RejectReason | undefined {
    if (this.codingField !== -1) {
      if (this.lengthField !== -1 || this.minor === 0) return this.reject('framing');
      if (!this.isValue(this.codingField, 'chunked', bytes)) return this.reject('coding');
      this.body = CHUNKED;
      this.normalise(this.codingField, 'Transfer-Encoding', bytes, 'chunked');
    } else if (this.lengthField !== -1 && !this.readLength(bytes)) return this.reject('framing');
    return undefined;
  }
}

/** Whether an Upgrade would change to HTTP/2 in the clear or to TLS: the proxy would no longer see what is said. */
function leavesHttp1(upgrade: string): boolean {
  return /(^|[\s,])(h2c?|tls)(\/|[\s,]|$)/i.test(upgrade);
}
