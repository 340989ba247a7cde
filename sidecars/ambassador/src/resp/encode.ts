/** Replies that the ambassador gives itself. */

const bulk = (text: string): string => `$${Buffer.byteLength(text, 'latin1')}\r\n${text}\r\n`;

export const OK = Buffer.from('+OK\r\n');

export const PONG = Buffer.from('+PONG\r\n');
export const QUEUED = Buffer.from('+QUEUED\r\n');
export const EMPTY = Buffer.from('*0\r\n');

/**
 * An error.
 * @param text its code and what is wrong; line breaks become blanks
 */
export const errorReply = (text: string): Buffer => Buffer.from(`-${text.replaceAll(/[\r\n]+/g, ' ')}\r\n`, 'latin1');

/** @param text Latin-1 */
export const bulkReply = (text: string): Buffer => Buffer.from(bulk(text), 'latin1');

export const integerReply = (value: number | bigint): Buffer => Buffer.from(`:${value}\r\n`);

/** A null: RESP3 has one of its own. */
export const nullReply = (protocol: 2 | 3): Buffer => Buffer.from(protocol === 3 ? '_\r\n' : '$-1\r\n');

/** The beginning of an array. */
export const arrayHead = (length: number): Buffer => Buffer.from(`*${length}\r\n`);

/** A map of RESP3, as a flat array in RESP2. Values are Latin-1 texts, numbers, or nothing. */
export function mapReply(
  entries: readonly (readonly [string, string | number | readonly string[]])[],
  protocol: 2 | 3,
): Buffer {
  const head = protocol === 3 ? `%${entries.length}\r\n` : `*${2 * entries.length}\r\n`;
  const body = entries.map(([name, value]) => {
    if (typeof value === 'number') return `${bulk(name)}:${value}\r\n`;
    if (typeof value === 'string') return bulk(name) + bulk(value);
    return `${bulk(name)}*${value.length}\r\n${value.map(bulk).join('')}`;
  });
  return Buffer.from(head + body.join(''), 'latin1');
}
