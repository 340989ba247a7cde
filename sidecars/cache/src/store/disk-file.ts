/**
 * A stored response as a file: one line, then its head as JSON, then its body. A sum over both tells a
 * whole file from one that a power cut has torn; a process that is killed leaves none, since a file gets
 * its name only when it is written.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Stored, type StoredHead } from './stored.ts';

/** What the first line begins with; another version is another number. */
const MAGIC = 'sidecar-cache-1';
/** Files are allotted in blocks, in bytes. */
export const BLOCK = 4096;
/** The first line, in bytes: filled up with blanks. */
export const PREAMBLE = 64;

/** What a file's name begins with: of key and variant, which every write of them shares. */
export function nameOf({ key, selecting }: Pick<StoredHead, 'key' | 'selecting'>): string {
  return createHash('sha256')
    .update(`${key}\n${JSON.stringify(selecting)}`)
    .digest('hex')
    .slice(0, 40);
}

/** A file's name: no two writes have the same one. */
export const fileNameOf = (of: Pick<StoredHead, 'key' | 'selecting'>, serial: number): string =>
  `${nameOf(of)}-${serial.toString(36)}`;

/** The serial number in a file's name. */
export const serialOf = (name: string): number => Number.parseInt(name.split('-')[1]!, 36);

export function encode({ head, body }: Stored): Buffer[] {
  const json = Buffer.from(JSON.stringify(head));
  const sum = crc32(body, crc32(json));
  return [Buffer.from(`${MAGIC} ${json.length} ${body.length} ${sum}`.padEnd(PREAMBLE - 1) + '\n'), json, body];
}

/** Lengths of head and body, and the sum of both. @returns undefined for what is no file of ours */
export function readPreamble(bytes: Buffer): { head: number; body: number; sum: number } | undefined {
  const match = /^sidecar-cache-1 (\d{1,10}) (\d{1,13}) (\d{1,10}) *\n$/.exec(bytes.toString('latin1', 0, PREAMBLE));
  return match === null ? undefined : { head: Number(match[1]), body: Number(match[2]), sum: Number(match[3]) };
}

/** @returns undefined for what is not whole, or not what its name says */
export function decode(bytes: Buffer, name: string): Stored | undefined {
  const lengths = readPreamble(bytes);
  if (lengths === undefined || bytes.length !== PREAMBLE + lengths.head + lengths.body) return undefined;
  if (crc32(bytes.subarray(PREAMBLE)) !== lengths.sum) return undefined;
  const head = readHead(bytes.subarray(PREAMBLE, PREAMBLE + lengths.head));
  if (head === undefined || !name.startsWith(nameOf(head))) return undefined;
  return new Stored(head, bytes.subarray(PREAMBLE + lengths.head));
}

/** @returns undefined for what is no head */
export function readHead(json: Buffer): StoredHead | undefined {
  try {
    const head = JSON.parse(json.toString()) as StoredHead & { selecting: (readonly [string, string | null])[] };
    if (typeof head.key !== 'string' || typeof head.lines !== 'string') return undefined;
    // JSON has no undefined: a field that the request did not have is null there.
    const selecting = head.selecting.map(([field, value]) => [field, value ?? undefined] as const);
    return { ...head, selecting, staleSince: undefined };
  } catch {
    return undefined;
  }
}
