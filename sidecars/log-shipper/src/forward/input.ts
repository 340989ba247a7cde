/** The forward input: a server for Docker's `fluentd` logging driver, and for what else speaks its protocol. */
import { MalformedError } from '../senders/malformed.ts';
import { received } from '../senders/received.ts';
import { serveSenders, type Connection, type ListenerOptions, type SenderServer } from '../senders/server.ts';
import { admitted, type HandshakeOptions } from './handshake.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { Framer } from './msgpack.ts';
import { acknowledgement, readMessage } from './protocol.ts';

/** Answers that a sender has not read, in bytes: it is cut off when there are more. */
const UNREAD = 64 * 1024;

export interface ForwardOptions extends IntakeOptions, ListenerOptions {
  readonly log: ListenerOptions['log'];
  /** The most bytes of a message, and of what is compressed in one. */
  readonly maxMessage: number;
  /** Who is there may send where it is undefined. */
  readonly handshake: HandshakeOptions | undefined;
}

/**
 * Listen. Closing it writes down what waits for more.
 * @throws {ConfigurationError} when the port cannot be had, or the files for TLS cannot be used
 */
export async function startForward(options: ForwardOptions): Promise<SenderServer> {
  const intake = new Intake(options);
  const { port, close } = await serveSenders({
    ...options,
    parameter: 'FORWARD_PORT',
    protocol: 'forward protocol',
    serve: (connection) => read(connection, intake, options),
  });
  return {
    port,
    close: async (deadline) => {
      await close(deadline);
      await intake.close();
    },
  };
}

/** Take in what a sender sends, until it ends or is cut off. */
async function read(
  { socket, begin, end }: Connection,
  intake: Intake,
  { maxMessage, handshake }: ForwardOptions,
): Promise<void> {
  const framer = new Framer(maxMessage);
  // Read on only when what was read is in the spool.
  for await (const bytes of handshake ? admitted(socket, handshake) : received(socket)) {
    begin();
    for (const frame of framer.push(bytes)) {
      const message = readMessage(frame, maxMessage);
      if (message === undefined) continue;
      await intake.take(message, frame.length);
      if (message.chunk === undefined || socket.destroyed) continue;
      socket.write(acknowledgement(message.chunk));
      if (socket.writableLength > UNREAD) throw new MalformedError('its acknowledgements are not read');
    }
    end();
  }
}
