/** For tests: a sender that knows the handshake of the forward protocol, written from the specification. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { eventually } from '#kit/testing/eventually.ts';
import { decode, Framer, type Value } from './msgpack.ts';
import { encode } from './test-encode.ts';

export const SALT = Buffer.from('0123456789abcdef');
const NAME = 'sender.test';

/** What a server says, as it comes. */
export function heard(socket: Socket): Value[] {
  const framer = new Framer(64 * 1024);
  const said: Value[] = [];
  socket.on('data', (bytes: Buffer) => said.push(...framer.push(bytes).map(decode)));
  return said;
}

/** The nonce of a HELO. */
export async function nonceOf(said: readonly Value[]): Promise<Buffer> {
  await eventually('HELO', () => said.length > 0);
  const [word, options] = said[0] as [Value, Map<Value, Value>];
  if (word !== 'HELO' || options.get('keepalive') !== true || options.get('auth') !== '')
    throw new Error(`no HELO: ${JSON.stringify(said[0])}`);
  return options.get('nonce') as Buffer;
}

export const digest = (name: string, nonce: Buffer, key: string, salt = SALT): string =>
  createHash('sha512').update(salt).update(name).update(nonce).update(key).digest('hex');

/** A PING for this nonce. */
export const ping = (nonce: Buffer, key: string, salt: Value = SALT): Buffer =>
  encode(['PING', NAME, salt, digest(NAME, nonce, key), '', '']);

/** Do the handshake; resolves with the PONG. */
export async function shake(socket: Socket, key: string): Promise<Value[]> {
  const said = heard(socket);
  socket.write(ping(await nonceOf(said), key));
  await eventually('PONG', () => said.length > 1);
  return said[1] as Value[];
}

/** Wait until the other side has closed a connection, however it ended. */
export const closed = async (socket: Socket): Promise<void> => {
  await eventually('the connection is closed', () => socket.closed);
};
