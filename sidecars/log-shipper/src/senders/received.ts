/**
 * What came of a sender, to the last byte that the kernel had. A sender that closes a connection and has not read all
 * that it was sent makes its kernel reset it: TLS 1.3 has tickets for those who write only, and they are never read.
 * Node then destroys the socket, and an iteration over it ends with what is in its buffer not handed out.
 */
import type { Socket } from 'node:net';

/**
 * All bytes of a connection, in their order.
 * @throws the connection's error, behind all that came before it; who destroyed the socket with an error of their own
 * wants nothing more of it, and gets that error at once
 */
export async function* received(socket: Socket): AsyncGenerator<Buffer> {
  try {
    yield* socket as AsyncIterable<Buffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const rest = socket.read() as Buffer | null;
    if (rest !== null) yield rest;
    throw error;
  }
}
