/**
 * The handshake of Fluentd's forward protocol, by which a sender shows that it knows a key without saying it:
 * https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1#handshake-messages
 * HELO from here, with a nonce; PING from the sender, with a digest over salt, its name, nonce and key; PONG
 * from here, with a digest by which the sender knows that we have the key too. Where there are users, HELO asks for one
 * by a salt of its own, and PING has the name and a digest over that salt, name and password.
 */
import type { Socket } from 'node:net';
import { MalformedError } from '../senders/malformed.ts';
import { received } from '../senders/received.ts';
import { RefusedError } from '../senders/refused.ts';
import { decode, Framer, type Value } from './msgpack.ts';

const { hash, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');
const { hostname } = process.getBuiltinModule('node:os');

/** Who says hello need not be believed, so PING may not be long, in bytes. */
const PING = 4096;
const NONCE = 16;
/** PING, host name, salt, digest, user, digest of the password. */
const PARTS = 6;

export interface HandshakeOptions {
  readonly key: string;
  /** Passwords by user; a sender must be one of them. Absent, nobody is asked. */
  readonly users?: ReadonlyMap<string, string> | undefined;
  /** Milliseconds from the beginning of a connection to a good PING. */
  readonly timeout: number;
}

/**
 * What a sender sends once it has shown that it knows the key.
 * @throws {RefusedError} when it has not, or not in time; it has been told so where it spoke the protocol
 */
export async function* admitted(socket: Socket, { key, users, timeout }: HandshakeOptions): AsyncGenerator<Buffer> {
  const asked = { nonce: randomBytes(NONCE), key, users, salt: users === undefined ? NOTHING : randomBytes(NONCE) };
  const late = new RefusedError('handshake', `no PING within ${timeout / 1000} s`);
  const timer = setTimeout(() => socket.destroy(late), timeout);
  try {
    const framer = new Framer(PING);
    let length = 0;
    let admission = false;
    socket.write(helo(asked));
    for await (const bytes of received(socket)) {
      if (admission) {
        yield bytes;
        continue;
      }
      length += bytes.length;
      const frame = firstOf(framer, bytes);
      if (frame === undefined) continue;
      const { pong, refusal } = answer(frame, asked);
      if (refusal !== undefined) {
        if (pong !== undefined) await told(socket, pong);
        throw new RefusedError('handshake', refusal);
      }
      // Nobody may send on before it was answered; so nothing has to be kept here.
      if (length > frame.length) throw new RefusedError('handshake', 'sent more before PING was answered');
      clearTimeout(timer);
      socket.write(pong!);
      admission = true;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The first value, once all of it is there. */
function firstOf(framer: Framer, bytes: Buffer): Buffer | undefined {
  try {
    return framer.push(bytes)[0];
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new RefusedError('handshake', `${NO_PING}: ${error.message}`);
  }
}

const NO_PING = 'no PING was sent, but something else; does the sender have the shared key set?';
const MISMATCH = 'shared key mismatch';
/** For an unknown user, too. */
const WRONG_USER = 'username/password mismatch';
const NOTHING = Buffer.alloc(0);

/** What a PING must answer to. */
export interface Asked extends Pick<HandshakeOptions, 'key' | 'users'> {
  /** Of this connection. */
  readonly nonce: Buffer;
  /** For the password; empty where no user is asked for. */
  readonly salt: Buffer;
}

interface Answer {
  /** Absent for who does not speak the handshake. */
  readonly pong?: Buffer;
  readonly refusal?: string;
}

/**
 * The answer to a PING.
 * @param frame one MessagePack value
 */
export function answer(frame: Buffer, asked: Asked): Answer {
  const { nonce, key } = asked;
  const ping = readPing(frame);
  if (ping === undefined) return { refusal: NO_PING };
  const { name, salt, digest } = ping;
  if (!timingSafeEqual(digestOf(salt, name, nonce, key), digest))
    // Without a digest of ours: by a salt of its choice the sender could try keys out on it.
    return { pong: listOf('PONG', false, MISMATCH, '', ''), refusal: MISMATCH };
  if (!isUser(ping, asked)) return { pong: listOf('PONG', false, WRONG_USER, '', ''), refusal: WRONG_USER };
  const own = Buffer.from(ownName());
  return { pong: listOf('PONG', true, '', String(own), digestOf(salt, own, nonce, key).toString('hex')) };
}

/** Not the host's name alone: Fluentd refuses a server of its own name, and the containers of a pod share theirs. */
const ownName = (): string => `log-shipper.${hostname()}`.slice(0, 255);

interface Ping {
  readonly name: Buffer;
  readonly salt: Buffer;
  readonly digest: Buffer;
  readonly user: string;
  /** Of the password; empty where none was sent. */
  readonly proof: Buffer;
}

/** Whether a PING has the name of a user and knows the password. An unknown name takes as long as a known one. */
function isUser({ user, proof }: Ping, { users, salt }: Asked): boolean {
  if (users === undefined) return true;
  const password = users.get(user);
  const expected = hash('sha512', Buffer.concat([salt, Buffer.from(user + (password ?? ''))]), 'buffer');
  return proof.length === expected.length && timingSafeEqual(expected, proof) && password !== undefined;
}

function readPing(frame: Buffer): Ping | undefined {
  let parts: Value;
  try {
    parts = decode(frame);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
  if (!Array.isArray(parts) || parts.length !== PARTS || parts[0] !== 'PING') return undefined;
  const [name, salt, digest] = parts.slice(1, 4).map(bytesOf);
  if (name === undefined || salt === undefined || !/^[0-9a-f]{128}$/i.test(digest?.toString('latin1') ?? ''))
    return undefined;
  const [user = NOTHING, proof = NOTHING] = parts.slice(4).map(bytesOf);
  return {
    name,
    salt,
    digest: Buffer.from(digest!.toString('latin1'), 'hex'),
    user: user.toString(),
    proof: Buffer.from(proof.toString('latin1'), 'hex'),
  };
}

/** A salt is bytes, which older libraries send as a string. */
const bytesOf = (value: Value): Buffer | undefined =>
  typeof value === 'string' ? Buffer.from(value) : Buffer.isBuffer(value) ? value : undefined;

/** SHA-512 of salt, name of the host, nonce and key. */
const digestOf = (salt: Buffer, name: Buffer, nonce: Buffer, key: string): Buffer =>
  hash('sha512', Buffer.concat([salt, name, nonce, Buffer.from(key)]), 'buffer');

/** `["HELO", {"nonce": …, "auth": …, "keepalive": true}]`: an empty text as `auth` asks for no user. */
function helo({ nonce, salt }: Asked): Buffer {
  return Buffer.concat([
    Buffer.of(0x92),
    text('HELO'),
    Buffer.of(0x83),
    text('nonce'),
    binary(nonce),
    text('auth'),
    salt.length === 0 ? text('') : binary(salt),
    text('keepalive'),
    Buffer.of(0xc3),
  ]);
}

/** Few texts and truth values as a MessagePack array. */
const listOf = (...values: (string | boolean)[]): Buffer =>
  Buffer.concat([
    Buffer.of(0x90 | values.length),
    ...values.map((value) => (typeof value === 'string' ? text(value) : Buffer.of(value ? 0xc3 : 0xc2))),
  ]);

/** At most 255 bytes. */
const binary = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(0xc4, bytes.length), bytes]);

/** A text of at most 255 bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([bytes.length < 32 ? Buffer.of(0xa0 | bytes.length) : Buffer.of(0xd9, bytes.length), bytes]);
}

/** Send the last words; resolves when they are on their way, or nobody is there any more. */
async function told(socket: Socket, last: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  socket.end(last, resolve);
  await promise;
}
