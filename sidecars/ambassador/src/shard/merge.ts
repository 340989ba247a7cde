/** One reply out of those of several servers. */
import { createHash } from 'node:crypto';
import { arrayHead, bulkReply, integerReply, OK } from '../resp/encode.ts';
import { ReplyScanner } from '#kit/resp/reply-scanner.ts';
import { flatElements } from '../resp/flat.ts';

const ERROR = 0x2d;
const MAP = 0x25;

/** A reply of which a part failed fails: which keys were done is not known to the client. */
export function firstError(replies: readonly (Buffer | Error)[]): Buffer | Error | undefined {
  return replies.find((reply) => reply instanceof Error || reply[0] === ERROR);
}

/** The sum of integers: DEL, EXISTS, DBSIZE. @throws {Error} when a reply is something else */
export const sumOf = (replies: readonly Buffer[]): Buffer =>
  integerReply(replies.map(integerOf).reduce((sum, each) => sum + each, 0n));

/** The largest of integers, of what every server has alike: PUBSUB NUMPAT. @throws {Error} as `sumOf` does */
export const largestOf = (replies: readonly Buffer[]): Buffer =>
  integerReply(replies.map(integerOf).reduce((most, each) => (each > most ? each : most), 0n));

function integerOf(reply: Buffer): bigint {
  const digits = /^:(-?\d{1,20})\r\n$/.exec(reply.toString('latin1', 0, 32))?.[1];
  if (digits === undefined) throw new Error('a server answered something other than a number');
  return BigInt(digits);
}

/** Names and numbers in turn: each name once, with the sum. @throws {Error} when a reply is something else */
export function sumsByName(replies: readonly Buffer[]): Buffer {
  const [first, ...others] = replies.map((reply) => flatElements(reply));
  if (first === undefined || others.some((each) => each?.length !== first.length))
    throw new Error('a server answered another number of values');
  return Buffer.concat([
    arrayHead(first.length),
    ...first.map((element, at) => {
      if (element instanceof Buffer) return bulkReply(element.toString('latin1'));
      return integerReply(others.reduce((sum, each) => sum + Number(each![at]), Number(element)));
    }),
  ]);
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
 * @throws {Error} when a reply is no array of as many bulk strings as keys
 */
export function interleaved(replies: readonly Buffer[], places: readonly (readonly number[])[], count: number): Buffer {
  const elements: Buffer[] = Array.from({ length: count + 1 });
  const scanner = new ReplyScanner();
  elements[0] = arrayHead(count);
  for (const [index, reply] of replies.entries()) {
    const own = places[index]!;
    const head = `*${own.length}\r\n`;
    if (reply.toString('latin1', 0, head.length) !== head)
      throw new Error('a server answered another number of values');
    let at = head.length;
    for (const place of own) {
      const end = scanner.scan(reply, at);
      if (end === -1) throw new Error('a server answered too few values');
      elements[place + 1] = reply.subarray(at, end);
      at = end;
    }
  }
  return Buffer.concat(elements);
}

/** The one reply that all servers give. @throws {Error} when they differ */
export function alike(replies: readonly Buffer[]): Buffer {
  const [first] = replies;
  if (replies.some((reply) => !reply.equals(first!)))
    throw new Error('the servers answer differently: ask the one that is meant');
  return first!;
}

/** CONFIG GET: the parameters that have the same value at every server. @throws {Error} when a reply is no map */
export function commonPairs(replies: readonly Buffer[]): Buffer {
  const [first, ...others] = replies.map(pairsOf);
  const common = [...first!].filter(([name, value]) => others.every((each) => each.get(name)?.equals(value)));
  const map = replies[0]![0] === MAP;
  return Buffer.concat([
    Buffer.from(map ? `%${common.length}\r\n` : `*${2 * common.length}\r\n`),
    ...common.flatMap(([name, value]) => [bulkReply(name), bulkReply(value.toString('latin1'))]),
  ]);
}

function pairsOf(reply: Buffer): Map<string, Buffer> {
  const words = flatElements(reply)?.filter((word): word is Buffer => word instanceof Buffer) ?? [];
  const head = /^[*%](\d+)\r\n/.exec(reply.toString('latin1', 0, 16));
  if (words.length !== Number(head?.[1]) * (reply[0] === MAP ? 2 : 1))
    throw new Error('a server answered something other than names and values');
  return new Map(Array.from({ length: words.length / 2 }, (_, at) => [String(words[2 * at]), words[2 * at + 1]!]));
}

/**
 * DEBUG DIGEST of all keys together: a server mixes the number of a database with keys in it into nothing, and
 * then adds the digests of its keys by XOR. @throws {Error} when a reply is no digest
 */
export function digestOfAll(replies: readonly Buffer[]): Buffer {
  const sum = Buffer.alloc(20);
  let some = false;
  for (const reply of replies) {
    const digest = /^\+([0-9a-f]{40})\r\n$/.exec(reply.toString('latin1', 0, 64))?.[1];
    if (digest === undefined) throw new Error('a server answered something other than a digest');
    if (/^0+$/.test(digest)) continue;
    some = true;
    addDigest(sum, Buffer.from(digest, 'hex'));
    addDigest(sum, DATABASE_0);
  }
  if (some) addDigest(sum, DATABASE_0);
  return Buffer.from(`+${sum.toString('hex')}\r\n`);
}

const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();
const DATABASE_0 = sha1(sha1(Buffer.alloc(4)));

function addDigest(sum: Buffer, digest: Buffer): void {
  for (const [at, byte] of digest.entries()) sum[at]! ^= byte;
}
