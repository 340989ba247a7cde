/** Values of status and variables as numbers, by the rules of prometheus-mysqld-exporter. */
import { parseNumber } from '../go-number.ts';

const WORDS: Readonly<Record<string, number>> = {
  yes: 1,
  on: 1,
  no: 0,
  off: 0,
  disabled: 0,
  connecting: 0,
  primary: 1,
  'non-primary': 0,
  disconnected: 0,
};

/**
 * A value as a number: a word that says yes or no, a time in seconds since the epoch, or a number.
 * @returns undefined where it is none of them
 */
export function valueOf(text: string): number | undefined {
  const word = text.toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return secondsOf(`${text.replace(' ', 'T')}Z`);
  // As OpenSSL prints the end of a certificate: `Jan  2 15:04:05 2027 GMT`.
  if (/^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} (?:GMT|UTC)$/.test(text)) return secondsOf(text);
  return parseNumber(text);
}

function secondsOf(time: string): number | undefined {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** A name as a part of a metric's. */
export function wordOf(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_').toLowerCase();
}
