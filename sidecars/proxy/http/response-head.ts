/** A response's head as an HTTP/1 server sends it (RFC 9112, sections 4 and 6). */
import { CHUNKED, MessageHead, NO_BODY, UNKNOWN_LENGTH } from './message.ts';
import type { RejectReason } from './scan-head.ts';

export class ResponseHead extends MessageHead {
  /** The protocol that a 101 or 426 names; '' for none. */
  upgrade = '';

  /**
   * Interpret the scanned head.
   * @param toHead whether it answers a HEAD request
   * @returns why it must not be passed on, or undefined
   */
  interpret(bytes: Buffer, toHead: boolean): RejectReason | undefined {
    this.upgrade = '';
    const reason = this.sort(bytes);
    if (reason !== undefined) return reason;
    if (this.status < 200 || this.status === 204) {
      // RFC 9110, section 8.6: they have none, whatever they say.
      if (this.lengthField !== -1) this.dropped[this.lengthField] = 1;
      if (this.codingField !== -1) this.dropped[this.codingField] = 1;
    } else {
      const framing = this.#readFraming(bytes);
      if (framing !== undefined) return framing;
      if (this.status === 304 || toHead) this.body = NO_BODY;
    }
    if (this.upgradeField !== -1 && (this.status === 101 || this.status === 426))
      this.upgrade = this.value(this.upgradeField, bytes);
    this.keepAlive = this.body !== UNKNOWN_LENGTH && this.readKeepAlive();
    return undefined;
  }

  /** Content-Length is there. */
  get hasLength(): boolean {
    return this.lengthField !== -1;
  }

  protected override special(): undefined {}

  /** Leave out Transfer-Encoding: the body is passed on without its chunks. */
  dropCoding(): void {
    if (this.codingField === -1) return;
    this.framing = '';
    this.drop(this.codingField);
  }

  /** Leave out a field of this head, which need not be left out of the next. */
  drop(field: number): void {
    this.dropped[field] = 1;
    this.kept.forget();
  }

  #readFraming(bytes: Buffer): RejectReason | undefined {
    if (this.codingField !== -1) {
      if (this.lengthField !== -1 || this.minor === 0 || !this.isValue(this.codingField, 'chunked', bytes))
        return this.reject('framing');
      this.body = CHUNKED;
      this.normalise(this.codingField, 'Transfer-Encoding', bytes, 'chunked');
    } else if (this.lengthField === -1) this.body = UNKNOWN_LENGTH;
    else if (!this.readLength(bytes)) return this.reject('framing');
    return undefined;
  }
}
