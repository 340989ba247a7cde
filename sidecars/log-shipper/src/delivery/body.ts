/** Requests: records as the lines that `_bulk` takes. */
import { indexAt, isDated, timestampOf } from '../lines/index-name.ts';
import type { LogRecord } from '../lines/record.ts';

/** Records whose lines are put together before they are written: few calls, and no long strings. */
const GROUP = 50;

/** Memory for bodies that is used again: a megabyte of garbage for each request would outgrow all else. */
export class BodyPool {
  readonly #size: number;
  readonly #free: Buffer[] = [];

  /** @param size what a usual body needs, in bytes */
  constructor(size: number) {
    this.#size = size;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
  }

  /** Give a buffer back that nobody reads or writes any more. */
  give(buffer: Buffer): void {
    if (buffer.length === this.#size) this.#free.push(buffer);
  }
}

/**
 * The body of a bulk request: for each record an action and the document, a line each. The action is
 * `create`, which data streams demand, and which answers 409 for an `_id` that is there already.
 * Source: Elasticsearch reference, "Bulk index or delete documents".
 * @param records what to send, in order
 * @param index data stream or index of records that name none, see STORE_INDEX
 * @param memory where to write it, if it fits
 * @returns the body, a part of `memory` or of a larger buffer
 */
export function bulkBody(records: readonly LogRecord[], index: string, memory: Buffer): Buffer {
  // A constant index is put into JSON once, not for each line.
  let pattern: string | undefined;
  let prefix = '';
  let body = memory;
  let end = 0;
  for (let at = 0; at < records.length; at += GROUP) {
    let text = '';
    for (const record of records.slice(at, at + GROUP)) {
      const wanted = record.index ?? index;
      if (wanted !== pattern || isDated(wanted)) {
        pattern = wanted;
        prefix = `{"create":{"_index":${JSON.stringify(indexAt(wanted, timestampOf(record.body)))},"_id":`;
      }
      text += `${prefix}${JSON.stringify(record.id)}}}\n${record.body}\n`;
    }
    // At most three bytes for a UTF-16 unit.
    if (body.length - end < text.length * 3) {
      const larger = Buffer.allocUnsafeSlow(Math.max(body.length * 2, end + text.length * 3));
      body.copy(larger, 0, 0, end);
      body = larger;
    }
    end += body.write(text, end);
  }
  return body.subarray(0, end);
}
