/** What a TLS client says of itself before anything is encrypted (RFC 8446, section 4.1.2). */

export interface ClientHello {
  /** Server name (RFC 6066, section 3); undefined where the client names none. */
  readonly serverName: string | undefined;
  /** Application protocols (RFC 7301). */
  readonly alpn: readonly string[];
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
const HOST_NAME = 0;
const RECORD_HEAD = 5;
/** Of a handshake message: its type and its length. */
const MESSAGE_HEAD = 4;
/** RFC 8446, section 5.1. */
const MAX_RECORD = 16 * 1024;
/** A hello in more records than this is an attempt to make reading it dear. */
const MAX_RECORDS = 8;
/** Post-quantum keys make some 1.7 KB of it; nobody needs more than this. */
const MAX_HELLO = 32 * 1024;

/**
 * Read the beginning of a TLS connection.
 * @returns undefined when more bytes are needed; 'none' for what is no client's hello
 */
export function readClientHello(bytes: Buffer): ClientHello | 'none' | undefined {
  const hello = unwrapped(bytes);
  if (hello === undefined || hello === 'none') return hello;
  try {
    return parse(new Reader(hello));
  } catch (error) {
    if (error instanceof RangeError) return 'none';
    throw error;
  }
}

/** The handshake message, out of the records that it comes in. */
function unwrapped(bytes: Buffer): Buffer | 'none' | undefined {
  // Joined once it is whole: it is looked at with every byte that comes.
  const parts: Buffer[] = [];
  let gathered = 0;
  let at = 0;
  for (let record = 0; record < MAX_RECORDS; record++) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE) return 'none';
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return 'none';
    if (bytes.length < at + RECORD_HEAD) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD) return 'none';
    const part = bytes.subarray(at + RECORD_HEAD, at + RECORD_HEAD + length);
    parts.push(part);
    gathered += part.length;
    if (gathered > 0 && parts[0]![0] !== CLIENT_HELLO) return 'none';
    if (gathered >= MESSAGE_HEAD) {
      const size = Buffer.concat(parts, MESSAGE_HEAD).readUIntBE(1, 3);
      if (size > MAX_HELLO) return 'none';
      if (gathered >= MESSAGE_HEAD + size)
        return (parts.length === 1 ? part : Buffer.concat(parts)).subarray(MESSAGE_HEAD, MESSAGE_HEAD + size);
    }
    if (part.length < length) return undefined;
    at += RECORD_HEAD + length;
  }
  return 'none';
}

function parse(reader: Reader): ClientHello {
  reader.skip(2 + 32);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  if (reader.rest > 0)
    for (const extensions = reader.vector(2); extensions.rest > 0;) {
      const type = extensions.number(2);
      const body = extensions.vector(2);
      if (type === SERVER_NAME) serverName = serverNameOf(body);
      else if (type === ALPN) alpn = protocolsOf(body);
    }
  return { serverName, alpn };
}

function serverNameOf(body: Reader): string | undefined {
  for (const names = body.vector(2); names.rest > 0;) {
    const type = names.number(1);
    const name = names.vector(2);
    if (type === HOST_NAME) return name.text();
  }
  return undefined;
}

function protocolsOf(body: Reader): string[] {
  const protocols: string[] = [];
  for (const list = body.vector(2); list.rest > 0;) protocols.push(list.vector(1).text());
  return protocols;
}

/** Reads on, never past the end: RangeError. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get rest(): number {
    return this.#bytes.length - this.#at;
  }
  skip(count: number): void {
    if (count > this.rest) throw new RangeError('the hello ends too early');
    this.#at += count;
  }
  number(size: number): number {
    this.skip(size);
    return this.#bytes.readUIntBE(this.#at - size, size);
  }
  /** A part with its length before it, in a number of bytes. */
  vector(size: number): Reader {
    const length = this.number(size);
    this.skip(length);
    return new Reader(this.#bytes.subarray(this.#at - length, this.#at));
  }
  text(): string {
    return this.#bytes.toString('latin1', this.#at);
  }
}
