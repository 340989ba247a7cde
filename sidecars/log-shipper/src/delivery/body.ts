/** Requests: records as the lines that `_bulk` takes. */
import type { LogRecord } from '../record.ts';

const DATE = '{date}';
const STAMP = '"@timestamp":"';

/**
 * The body of a bulk request: for each record an action and the document, a line each. The action is
 * `create`, which data streams demand, and which answers 409 for an `_id` that is there already.
 * Source: Elasticsearch reference, "Bulk index or delete documents".
 * @param records what to send, in order
 * @param index data stream or index of records that name none, see STORE_INDEX
 */
export function bulkBody(records: readonly LogRecord[], index: string): Buffer {
  let text = '';
  // A constant index is put into JSON once, not for each line.
  let pattern: string | undefined;
  let prefix = '';
  for (const record of records) {
    const wanted = record.index ?? index;
    if (wanted !== pattern || wanted.includes(DATE)) {
      pattern = wanted;
      prefix = `{"create":{"_index":${JSON.stringify(indexOf(wanted, record.body))},"_id":`;
    }
    text += `${prefix}${JSON.stringify(record.id)}}}\n${record.body}\n`;
  }
  return Buffer.from(text);
}

/**
 * The index of one record. The day is the line's own, so that a line sent again after midnight meets
 * its first copy.
 */
export function indexOf(pattern: string, body: string): string {
  return pattern.includes(DATE) ? pattern.replaceAll(DATE, dayOf(body)) : pattern;
}

function dayOf(body: string): string {
  const at = body.indexOf(STAMP);
  const day = at < 0 ? '' : body.slice(at + STAMP.length, at + STAMP.length + 10);
  return /^\d{4}-\d\d-\d\d$/.test(day) ? day.replaceAll('-', '.') : 'undated';
}
