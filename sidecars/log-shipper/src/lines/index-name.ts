/** The index that a line belongs to, which is decided once: a line that is sent again must meet its first copy. */
import { utcDay } from './time.ts';

const DATE = '{date}';
const STAMP = '{"@timestamp":"';

/** Whether the index of a line depends on its time. */
export const isDated = (pattern: string): boolean => pattern.includes(DATE);

/** `@timestamp` of a document as the inputs write it: its first member. */
export function timestampOf(body: string): string | undefined {
  return body.startsWith(STAMP) ? body.slice(STAMP.length, body.indexOf('"', STAMP.length)) : undefined;
}

/** A pattern with a day for `{date}`. */
export const indexOn = (pattern: string, day: string): string => pattern.replaceAll(DATE, day);

/** A pattern with the day of a time in UTC for `{date}`. */
export function indexAt(pattern: string, time: string | undefined): string {
  return indexOn(pattern, (time === undefined ? undefined : utcDay(time)) ?? 'undated');
}
