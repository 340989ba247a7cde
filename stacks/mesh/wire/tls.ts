/** What a TLS stream shows to a listener on the wire (RFC 8446). */

const RECORD = 5;
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;
const KEY_SHARE = 51;

/** Versions by their number on the wire. */
const NAMES: Readonly<Record<number, string>> = {
  0x0301: 'TLS 1.0',
  0x0302: 'TLS 1.1',
  0x0303: 'TLS 1.2',
  0x0304: 'TLS 1.3',
};

/** Groups of the key exchange, as IANA lists them (TLS Supported Groups). */
const GROUPS: Readonly<Record<number, string>> = {
  0x0017: 'secp256r1',
  0x001d: 'x25519',
  0x11ec: 'X25519MLKEM768',
};

/**
 * Whether a stream is TLS records from its first byte to its last whole record, and nothing else.
 * @returns undefined when it is; else what is there
 */
export function notTls(bytes: Buffer): string | undefined {
  for (let at = 0; at + RECORD <= bytes.length; at += RECORD + bytes.readUInt16BE(at + 3)) {
    const type = bytes[at]!;
    if (type < CHANGE_CIPHER_SPEC || type > APPLICATION_DATA || bytes[at + 1] !== 3)
      return `at byte ${at}: ${JSON.stringify(bytes.subarray(at, at + 60).toString('latin1'))}`;
  }
  return undefined;
}

export interface Chosen {
  readonly version: string;
  /** Of the key exchange: a named group (RFC 8446, 4.2.7); undefined before TLS 1.3. */
  readonly group: string | undefined;
}

/**
 * What a server chose, out of the first record of its stream.
 * @returns undefined when that is no ServerHello
 */
export function chosenBy(bytes: Buffer): Chosen | undefined {
  if (bytes.length < 44 || bytes[0] !== HANDSHAKE || bytes[RECORD] !== SERVER_HELLO) return undefined;
  const hello = bytes.subarray(RECORD + 4, RECORD + 4 + bytes.readUIntBE(RECORD + 1, 3));
  if (hello.length < 38) return undefined;
  // Version, random, session id, cipher suite, compression.
  let at = 2 + 32;
  at += 1 + hello[at]! + 2 + 1;
  let version = hello.readUInt16BE(0);
  let group: number | undefined;
  if (at + 2 <= hello.length) {
    const end = Math.min(hello.length, at + 2 + hello.readUInt16BE(at));
    for (at += 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2)) {
      if (at + 6 > end) break;
      if (hello.readUInt16BE(at) === SUPPORTED_VERSIONS) version = hello.readUInt16BE(at + 4);
      if (hello.readUInt16BE(at) === KEY_SHARE) group = hello.readUInt16BE(at + 4);
    }
  }
  return {
    version: NAMES[version] ?? `version ${version.toString(16)}`,
    group: group === undefined ? undefined : (GROUPS[group] ?? `group ${group.toString(16)}`),
  };
}
