/** Lines of HTTP/1 as fields of a block, and those of a message's fields that HTTP/2 may carry. */
import { CONNECTION, HOP_BY_HOP, TE, TRANSFER_ENCODING, UPGRADE, kindOf } from '#proxy/http/field-names.ts';
import { trimBlanks } from '#proxy/http/fields.ts';
import type { HpackEncoder } from './hpack-encoder.ts';

/**
 * Write lines into the block that is begun. What HTTP/2 has no use for stays out (RFC 9113, section
 * 8.2.2): a peer would take the whole block for malformed.
 * @param lines whole lines, each with its CRLF
 */
export function writeLines(encoder: HpackEncoder, lines: string): void {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start);
    const colon = lines.indexOf(':', start);
    if (end === -1 || colon === -1 || colon > end) return;
    const name = lines.slice(start, colon);
    if (name !== '' && !isOfHttp1(kindOf(name))) encoder.text(name, trimBlanks(lines, colon + 1, end));
    start = end + 2;
  }
}

/** Whether a kind of `field-names.ts` concerns one hop of HTTP/1 alone. */
export function isOfHttp1(kind: number): boolean {
  switch (kind) {
    case CONNECTION:
    case TRANSFER_ENCODING:
    case UPGRADE:
    case HOP_BY_HOP:
    case TE:
      return true;
    default:
      return false;
  }
}
