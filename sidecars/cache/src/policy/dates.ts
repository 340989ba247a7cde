/**
 * Dates of HTTP, read strictly: a cache that guesses what an odd Expires meant serves what the
 * application took for expired.
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)';
const LONG_DAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';
const MONTH = `(${MONTHS.join('|')})`;
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';

const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} gmt$`, 'i');
const RFC850 = new RegExp(`^${LONG_DAY}, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} gmt$`, 'i');
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i');

/**
 * Read a date in one of the three forms (RFC 9110, section 5.6.7). RFC 9111, section 4.2 allows a cache
 * to be lenient about the case of letters, and about nothing else.
 * @param now for the two-digit years of the second form: one more than 50 years ahead is in the past
 * @returns milliseconds since the epoch; undefined for what is no date
 */
export function parseDate(text: string, now = Date.now()): number | undefined {
  let match = IMF_FIXDATE.exec(text);
  if (match) return instant(match[3]!, match[2]!, match[1]!, match[4]!, match[5]!, match[6]!);
  match = RFC850.exec(text);
  if (match) {
    const thisYear = new Date(now).getUTCFullYear();
    let year = thisYear - (thisYear % 100) + Number(match[3]);
    if (year > thisYear + 50) year -= 100;
    return instant(String(year), match[2]!, match[1]!, match[4]!, match[5]!, match[6]!);
  }
  match = ASCTIME.exec(text);
  return match ? instant(match[6]!, match[1]!, match[2]!, match[3]!, match[4]!, match[5]!) : undefined;
}

function instant(
  year: string,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  const index = MONTHS.indexOf(month.toLowerCase());
  // A leap second counts as the one before it.
  const seconds = Math.min(Number(second), 59);
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), index, Number(day));
  date.setUTCHours(Number(hour), Number(minute), seconds);
  // 31 February and its like have moved on.
  return date.getUTCDate() === Number(day) && date.getUTCMonth() === index ? date.getTime() : undefined;
}

/** A date as HTTP writes it (RFC 9110, section 5.6.7). @param time milliseconds since the epoch */
export const formatDate = (time: number): string => new Date(time).toUTCString();
