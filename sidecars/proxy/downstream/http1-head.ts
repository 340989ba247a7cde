/** The heads of requests in HTTP/1, one after the other, read where they lie. */
import { CR, LF } from '#proxy/http/bytes.ts';
import { RequestHead } from '#proxy/http/request-head.ts';
import { readRequest, type ReadRequest } from '#proxy/http/rewrite.ts';
import { BAD, INCOMPLETE, scanRequest, type RejectReason } from '#proxy/http/scan-head.ts';
import type { ProxySettings } from '#proxy/settings.ts';

/** What came of it: a request, the beginning of one, or why it is refused. */
type Read = 'request' | 'incomplete' | RejectReason;

export class Http1HeadReader {
  /** Where what was read last lies: good until the next one is. */
  readonly head = new RequestHead();
  /** The request that it makes. */
  request: ReadRequest | undefined;

  /** Read the head at the beginning of some bytes. */
  read(bytes: Buffer, { maxHeaderSize, trustsForwarded }: ProxySettings): Read {
    const { head } = this;
    // RFC 9112, section 2.2: one empty line before a request is ignored.
    const start = bytes[0] === CR && bytes[1] === LF ? 2 : 0;
    if (bytes.length <= start || (bytes.length === 1 && bytes[0] === CR)) return 'incomplete';
    if (head.kept.begins(bytes, start, bytes.length, trustsForwarded) && head.end - start <= maxHeaderSize)
      return 'request';
    const scanned = scanRequest(head, bytes, start, bytes.length);
    if (scanned === BAD) return head.reason;
    if ((scanned === INCOMPLETE ? bytes.length : head.end) - start > maxHeaderSize) return 'too_large';
    return scanned === INCOMPLETE ? 'incomplete' : this.#interpret(bytes, trustsForwarded);
  }

  #interpret(bytes: Buffer, trustsForwarded: boolean): Read {
    const { head } = this;
    const reason = head.interpret(bytes, trustsForwarded);
    if (reason !== undefined) return reason;
    const found = readRequest(head, bytes);
    if (typeof found === 'string') return found;
    this.request = found;
    head.kept.keep(bytes, head.start, head.end, trustsForwarded);
    return 'request';
  }
}
