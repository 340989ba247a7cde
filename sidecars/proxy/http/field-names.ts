/** The field names that a proxy must know. */
import { NAME } from './bytes.ts';

export const OTHER = 0;
export const HOST = 1;
export const CONNECTION = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
export const EXPECT = 5;
export const UPGRADE = 6;
export const STRICT_TRANSPORT_SECURITY = 7;
/** Meant for the next hop only (RFC 9110, section 7.6.1). */
export const HOP_BY_HOP = 8;
/** Who called, and how: of a client that is not trusted it is not passed on. */
export const FORWARDED = 9;
/** Spelt so that CGI takes it for a framing field, though to HTTP it is none. */
export const SPOOFED_FRAMING = 10;
export const TE = 11;
/** Of a trace: W3C Trace Context, or B3. It is passed on. */
export const TRACE = 12;

const KNOWN: Readonly<Record<string, number>> = {
  host: HOST,
  connection: CONNECTION,
  'content-length': CONTENT_LENGTH,
  'transfer-encoding': TRANSFER_ENCODING,
  expect: EXPECT,
  upgrade: UPGRADE,
  'strict-transport-security': STRICT_TRANSPORT_SECURITY,
  te: TE,
  'keep-alive': HOP_BY_HOP,
  'proxy-connection': HOP_BY_HOP,
  'proxy-authorization': HOP_BY_HOP,
  'http2-settings': HOP_BY_HOP,
  forwarded: FORWARDED,
  'x-real-ip': FORWARDED,
  // CGI makes HTTP_PROXY of it, which HTTP clients inside the application obey (CVE-2016-5385).
  proxy: HOP_BY_HOP,
  traceparent: TRACE,
  tracestate: TRACE,
  b3: TRACE,
  'x-b3-traceid': TRACE,
};
const FORWARDED_PREFIX = 'x-forwarded-';
const LONGEST = Math.max(...Object.keys(KNOWN).map((name) => name.length));

/** Known names by length, as bytes: `[name, code]`. */
const BY_LENGTH: readonly (readonly { readonly name: Uint8Array; readonly code: number }[])[] = Array.from(
  { length: LONGEST + 1 },
  (_, length) =>
    Object.entries(KNOWN)
      .filter(([name]) => name.length === length)
      .map(([name, code]) => ({ name: Uint8Array.from(Buffer.from(name)), code })),
);
const PREFIX = Uint8Array.from(Buffer.from(FORWARDED_PREFIX));

/** Bits of first letters that any known name has. */
const FIRST = new Uint8Array(256);
for (const name of [...Object.keys(KNOWN), FORWARDED_PREFIX]) FIRST[name.charCodeAt(0)] = 1;

/**
 * Which known field a name is, told as loosely as CGI tells names apart.
 * @returns one of the codes above; SPOOFED_FRAMING when a framing name is spelt as only CGI would read it
 */
export function classify(bytes: Uint8Array, start: number, end: number): number {
  if (FIRST[NAME[bytes[start]!]!] === 0) return OTHER;
  const length = end - start;
  const known = BY_LENGTH[length];
  if (known !== undefined) {
    for (const { name, code } of known) {
      if (!folds(bytes, start, name)) continue;
      return code <= TRANSFER_ENCODING && !spelt(bytes, start, name) ? SPOOFED_FRAMING : code;
    }
  }
  return length > PREFIX.length && folds(bytes, start, PREFIX) ? FORWARDED : OTHER;
}

function folds(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (NAME[bytes[start + index]!] !== name[index]) return false;
  return true;
}

/** Whether a name that folds to another also has its hyphens. */
function spelt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (name[index] === 45 && bytes[start + index] !== 45) return false;
  return true;
}

/** Whether the name that begins at `start`, which is as long as `name`, is the same to CGI. */
export function namesEqual(bytes: Uint8Array, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++)
    if (NAME[bytes[start + index]!] !== NAME[name.charCodeAt(index) & 255]) return false;
  return true;
}

const kinds = new Map<string, number>();
const MAX_KINDS = 1024;

/** `classify` for a name as text, remembered. */
export function kindOf(name: string): number {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name, 'latin1');
  const kind = classify(bytes, 0, bytes.length);
  if (kinds.size < MAX_KINDS) kinds.set(name, kind);
  return kind;
}
