/** One reply out of those of several servers. */
import { arrayHead, integerReply, OK } from '../resp/encode.ts';

const ERROR = 0x2d;

/** A reply of which a part failed fails: which keys were done is not known to the client. */
export function firstError(replies: readonly (Buffer | Error)[]): Buffer | Error | undefined {
  return replies.find((reply) => reply instanceof Error || reply[0] === ERROR);
}

/** The sum of integers: DEL, EXISTS, DBSIZE. @throws {Error} when a reply is something else */
export function sumOf(replies: readonly Buffer[]): Buffer {
  let sum = 0n;
  for (const reply of replies) {
    const digits = /^:(-?\d{1,20})\r\n$/.exec(reply.toString('latin1', 0, 32))?.[1];
    if (digits === undefined) throw new Error('a server answered something other than a number');
    sum += BigInt(digits);
  }
  return integerReply(sum);
}

/** All are +OK, or the first that is not. */
export const allOk = (replies: readonly Buffer[]): Buffer => replies.find((reply) => !reply.equals(OK)) ?? OK;

/** One array out of several. @throws {Error} when a reply is no array */
export function joined(replies: readonly Buffer[]): Buffer {
  let count = 0;
  const bodies: Buffer[] = [];
  for (const reply of replies) {
    const head = /^[*~](\d{1,10})\r\n/.exec(reply.toString('latin1', 0, 16));
    if (!head) throw new Error('a server answered something other than an array');
    count += Number(head[1]);
    bodies.push(reply.subarray(head[0].length));
  }
  return Buffer.concat([arrayHead(count), ...bodies]);
}

/**
 * The elements of several arrays in the order that was asked for: MGET.
 * @param places for each reply, which elements of the whole are its own
 * @throws {Error} when a reply is no array of so many bulk strings
 */
export function interleaved(replies: readonly Buffer[], places: readonly (readonly number[])[], count: number): Buffer {
  const elements: Buffer[] = Array.from({ length: count + 1 });
  elements[0] = arrayHead(count);
  for (const [index, reply] of replies.entries()) {
    const own = places[index]!;
    const head = `*${own.length}\r\n`;
    if (reply.toString('latin1', 0, head.length) !== head)
      throw new Error('a server answered another number of values');
    let at = head.length;
    for (const place of own) {
      const end = elementEnd(reply, at);
      elements[place + 1] = reply.subarray(at, end);
      at = end;
    }
  }
  return Buffer.concat(elements);
}

/** Where a bulk string, a null or a number ends. */
function elementEnd(reply: Buffer, at: number): number {
  const lineEnd = reply.indexOf(0x0a, at);
  if (lineEnd === -1) throw new Error('a server answered too few values');
  if (reply[at] !== 0x24) return lineEnd + 1;
  const length = Number(reply.toString('latin1', at + 1, lineEnd - 1));
  const end = length < 0 ? lineEnd + 1 : lineEnd + 1 + length + 2;
  if (!Number.isInteger(length) || end > reply.length) throw new Error('a server answered too few values');
  return end;
}
