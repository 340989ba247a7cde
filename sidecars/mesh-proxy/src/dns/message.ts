/** As much of DNS as a few addresses need (RFC 1035, section 4). */
import { isIPv4, isIPv6 } from 'node:net';

export const TYPE_A = 1;
export const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** Bytes of a message's head. */
export const HEAD = 12;
const QR = 0x8000;
const OPCODE = 0x7800;
const RD = 0x0100;
const RA = 0x0080;
export const SERVFAIL = 2;
/** An answer to the one question before it: its name is a pointer to that one's. */
const POINTER = 0xc000 | HEAD;
const MAX_NAME = 255;
/** In seconds: addresses of the mesh change when the control plane says so. */
const TTL = 5;

export interface Question {
  /** In small letters, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** Where the question ends in its message. */
  readonly end: number;
}

/** @returns undefined for what is no query with one question of the internet's class */
export function questionOf(message: Buffer): Question | undefined {
  if (message.length < HEAD + 5 || (message.readUInt16BE(2) & (QR | OPCODE)) !== 0) return undefined;
  if (message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEAD;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    at++;
    if (length === 0) break;
    // Questions hold no pointers: there is nothing before them.
    if (length > 63 || at + length > message.length || at - HEAD > MAX_NAME) return undefined;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > message.length || message.readUInt16BE(at + 2) !== CLASS_IN) return undefined;
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at), end: at + 4 };
}

/** The answer to a query: the addresses of the type that is asked for; none of it means that there are others only. */
export function answerTo(query: Buffer, { type, end }: Question, addresses: readonly string[]): Buffer {
  const fitting = addresses.filter((address) =>
    type === TYPE_A ? isIPv4(address) : type === TYPE_AAAA && isIPv6(address),
  );
  const records = fitting.map((address) => recordOf(type, address));
  return Buffer.concat([headOf(query, 0, records.length), query.subarray(HEAD, end), ...records]);
}

/** The answer that there is none. */
export function failureOf(query: Buffer, { end }: Question, code: number): Buffer {
  return Buffer.concat([headOf(query, code, 0), query.subarray(HEAD, end)]);
}

function headOf(query: Buffer, code: number, answers: number): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt16BE(query.readUInt16BE(0), 0);
  head.writeUInt16BE(QR | (query.readUInt16BE(2) & RD) | RA | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers, 6);
  return head;
}

function recordOf(type: number, address: string): Buffer {
  const bytes = type === TYPE_A ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const record = Buffer.alloc(12);
  record.writeUInt16BE(POINTER, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(TTL, 6);
  record.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([record, bytes]);
}

function ipv6Bytes(address: string): Buffer {
  // The host of a URL is its shortest form, in hexadecimal alone.
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(before), groups(after ?? '')];
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(parseInt(group, 16), index * 2);
  return bytes;
}
