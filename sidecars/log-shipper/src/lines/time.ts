/** Times as lines tell them, as `@timestamp` wants them: ISO 8601, to the nanosecond where it was said. */

const DATE = String.raw`(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))`;
const CLOCK = String.raw`((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)`;
const FRACTION = String.raw`(?:[.,](\d{1,9}))?`;
/** Of the whole world from -12:00 to +14:00. */
export const ZONE = String.raw`(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)`;
/** What most programs write, and what is wanted: nothing of it has to be changed, and the day is in every month. */
const PLAIN = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const ISO = new RegExp(`^${DATE}[T ]${CLOCK}${FRACTION} ?${ZONE}?$`, 'i');

/**
 * The time that an ISO 8601 text means, with or without a zone: one that names none is of the process'
 * own (`TZ`, UTC where that is not set).
 * @returns undefined when it is none, as the 30th of February
 */
export function isoTime(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  const [, date, clock, fraction, zone] = ISO.exec(text) ?? [];
  return date === undefined ? undefined : compose(date, clock!, fraction, zone);
}

const LEADING = new RegExp(`^[[(<"']?${DATE}[T ]${CLOCK}${FRACTION}(?: ?${ZONE})?(?![\\d.:])`, 'i');
/** Of a web server's access log, `[21/Nov/2026:10:00:00 +0100]`. */
const COMMON =
  /\[(\d\d)\/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\/(\d{4}):([0-2]\d:[0-5]\d:[0-5]\d) ([+-](?:0\d|1[0-4])[0-5]\d)\]/;
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** How far into a line its time begins at most, in characters. */
const GLANCE = 200;

/**
 * The time that a line of text begins with, or that a web server's access log has in brackets.
 * @returns undefined when there is none
 */
export function timeIn(text: string): string | undefined {
  const [, date, clock, fraction, zone] = LEADING.exec(text) ?? [];
  if (date !== undefined) return compose(date, clock!, fraction, zone);
  const [, day, month, year, at, offset] = COMMON.exec(text.slice(0, GLANCE)) ?? [];
  if (day === undefined) return undefined;
  return isoTime(`${year}-${String(MONTHS.indexOf(month!) + 1).padStart(2, '0')}-${day}T${at}${offset}`);
}

/** @param zone as ISO 8601 writes it; undefined for the process' own */
export function compose(date: string, clock: string, fraction = '', zone?: string): string | undefined {
  const day = Number(date.slice(8));
  // The 30th of February is taken for the 2nd of March.
  if (day > 28 && new Date(`${date}T00:00Z`).getUTCDate() !== day) return undefined;
  const shown = fraction === '' ? '' : `.${fraction}`;
  // RFC 3339 wants a colon, and so does VictoriaLogs.
  if (zone !== undefined) return `${date}T${clock}${shown}${zone.toUpperCase().replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`;
  const local = new Date(`${date}T${clock}`);
  return `${local.toISOString().slice(0, 19)}${shown}Z`;
}

const NANOSECONDS = 1_000_000_000n;
/** Later, no store takes it: the year 2255. */
const LATEST = 9_000_000_000n;

/**
 * The time that a number of seconds, milliseconds, microseconds or nanoseconds since the epoch means, by
 * its magnitude.
 * @param text its digits
 */
export function epochTime(text: string): string | undefined {
  const [, whole, fraction = ''] = /^(\d{9,19})(?:\.(\d{1,9})\d*)?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  // Digits of the unit's fraction of a second: seconds have 9 to 11 digits.
  const power = whole.length <= 11 ? 0 : whole.length <= 14 ? 3 : whole.length <= 17 ? 6 : 9;
  const digits =
    whole.slice(0, whole.length - power) + (whole.slice(whole.length - power) + fraction).slice(0, 9).padEnd(9, '0');
  const all = BigInt(power === 0 ? whole + fraction.padEnd(9, '0') : digits);
  const seconds = all / NANOSECONDS;
  if (seconds < 100_000_000n || seconds > LATEST) return undefined;
  const rest = String(all % NANOSECONDS)
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest}Z`;
}

/** The day of a time in UTC, `2026.11.21`; undefined when it is no time. */
export function utcDay(time: string): string | undefined {
  const date = time.endsWith('Z') ? time.slice(0, 10) : dayOf(time);
  return date !== undefined && /^\d{4}-\d\d-\d\d$/.test(date) ? date.replaceAll('-', '.') : undefined;
}

function dayOf(time: string): string | undefined {
  const at = Date.parse(time);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().slice(0, 10);
}
