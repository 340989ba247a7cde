/** Figures as top and ps write them; the page uses them, too. */

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** As ps writes it: `09:41` today, else `Nov21`. */
export function startedText(started: string, age: number): string {
  if (age < 24 * 3600) return started.slice(11, 16);
  const [, month = '', day = ''] = started.split(/[-T]/);
  return `${MONTHS[Number(month) - 1]}${day}`;
}

/** As ps writes it: `[[days-]hours:]minutes:seconds`. */
export function elapsedText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days > 0) return `${days}-${two(hours)}:${rest}`;
  return hours > 0 ? `${two(hours)}:${rest}` : rest;
}

/** As top writes it: `minutes:seconds.hundredths`. */
export function timeText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, '0')}`;
}

/** What it would take to read a field of another user's process. */
export function missingPrivilege(privilege: string | undefined): string {
  return `lacks ${privilege}, or the same user and group`;
}
