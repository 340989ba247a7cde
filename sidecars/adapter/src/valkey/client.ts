/** A connection to a server that speaks RESP, for a round of questions. */
import { connect, type Socket } from 'node:net';
import type { Server } from '../server.ts';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { ReplyError, ReplyReader, type Reply } from '#kit/resp/reply-reader.ts';

export type Command = readonly string[];

/** Of the answers to one round. */
const LIMITS = { bytes: 8 * 1024 * 1024, values: 200_000, depth: 8 };

/**
 * Ask commands at once.
 * @returns an answer for each, a ReplyError where the server refused that one
 * @throws when the connection ends before the last, or what comes is no answer
 */
export type Ask = (commands: readonly Command[]) => Promise<Reply[]>;

/**
 * Have a conversation on a connection of its own, which ends with it.
 * @param signal ends it with its reason
 * @throws when there is no connection, or the password is refused
 */
export async function conversation<T>(server: Server, signal: AbortSignal, talk: (ask: Ask) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const socket = open(server);
  const abort = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  // Errors are those of the question under way.
  socket.on('error', () => {});
  try {
    const ask: Ask = (commands) => exchange(socket, commands);
    const { user, password } = server;
    if (password !== undefined) {
      const [welcome] = await ask([user === undefined ? ['AUTH', password] : ['AUTH', user, password]]);
      if (welcome instanceof ReplyError) throw welcome;
    }
    return await talk(ask);
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function exchange(socket: Socket, commands: readonly Command[]): Promise<Reply[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply[]>();
  const reader = new ReplyReader(LIMITS, 'utf8');
  const replies: Reply[] = [];
  const read = (chunk: Buffer): void => {
    try {
      replies.push(...reader.push(chunk));
      if (replies.length > commands.length) throw new Error('the server answered what nobody asked');
      if (replies.length === commands.length) resolve(replies);
    } catch (error) {
      socket.destroy(error as Error);
      reject(error as Error);
    }
  };
  const gone = (): void => reject(new Error('the server closed the connection'));
  socket.on('data', read).on('error', reject).on('close', gone);
  if (socket.destroyed) gone();
  socket.write(Buffer.concat(commands.map((words) => encodeCommand(words, 'utf8'))));
  try {
    return await promise;
  } finally {
    socket.off('data', read).off('error', reject).off('close', gone);
  }
}

function open({ host, port, ca }: Server): Socket {
  if (ca === undefined) return connect({ host, port, noDelay: true });
  // Loaded where it is asked for: it costs memory.
  return process.getBuiltinModule('node:tls').connect({ host, port, ca, servername: /[^\d.:]/.test(host) ? host : '' });
}
