/** From what a sender sent to a record: the same for all inputs that listen. */
import type { Documents } from './document.ts';
import { indexAt, timestampOf } from './index-name.ts';
import type { LogRecord } from './record.ts';

/** What is the same for all that an input receives. */
export interface RecordOptions {
  readonly documents: Documents;
  /** The most characters of an event's text. */
  readonly limit: number;
  /** Members of every document, as JSON text with a comma behind each. */
  readonly members: string;
  /** The index pattern, where it depends on the day. */
  readonly dated?: string;
  readonly skipped: (reason: 'empty' | 'rule' | 'journal', count: number) => void;
  readonly cut: () => void;
}

/** One event as it came. */
export interface ReceivedEvent {
  readonly id: string;
  readonly source: string;
  /** Members of its document, as JSON text with a comma behind each. */
  readonly members: string;
  readonly text: string;
  /** ISO 8601; undefined for now. */
  readonly time: string | undefined;
  /** It was not UTF-8. */
  readonly foreign: boolean;
  /** It was longer, and this is its beginning. */
  readonly cut: boolean;
  /** Lines may follow the first. */
  readonly multiline: boolean;
  /** It says something without text, too. */
  readonly structured?: boolean;
  /** Where the text is JSON that was made of it: what a sender wrote as its message, which may be dropped by a rule. */
  readonly message?: string | undefined;
}

/** @returns undefined for what is not stored, which is counted: an empty event, one that a rule drops */
export function toRecord(event: ReceivedEvent, options: RecordOptions): LogRecord | undefined {
  const { documents, members, skipped, limit, dated } = options;
  const { id, source, text, time, foreign, multiline, structured = false } = event;
  if (text === '' && !structured) {
    skipped('empty', 1);
    return undefined;
  }
  if (event.message !== undefined && documents.drops(event.message)) {
    skipped('rule', 1);
    return undefined;
  }
  const cut = event.cut || text.length > limit;
  if (cut) options.cut();
  const body = documents.create(text, {
    members: members + event.members,
    time: () => time ?? new Date().toISOString(),
    cut,
    foreign,
    multiline,
  });
  if (body === undefined) {
    skipped('rule', 1);
    return undefined;
  }
  return {
    id,
    source,
    ...(dated !== undefined && { index: indexAt(dated, timestampOf(body)) }),
    body,
    bytes: Buffer.byteLength(body),
  };
}
