/** The forward input: a server for Docker's `fluentd` logging driver, and for what else speaks its protocol. */
import type { Socket } from 'node:net';
import { pause } from '#kit/time/backoff.ts';
import { listen } from '#kit/net/listen.ts';
import { Admission, type Eviction } from './admission.ts';
import { createEncryptedServer, type EncryptionOptions } from './encryption.ts';
import { admitted, RefusedError, type HandshakeOptions } from './handshake.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { Framer, MalformedError } from './msgpack.ts';
import { acknowledgement, readMessage } from './protocol.ts';
import { received } from './received.ts';

const { createServer } = process.getBuiltinModule('node:net');

/** Answers that a sender has not read, in bytes: it is cut off when there are more. */
const UNREAD = 64 * 1024;
/** Reads without a byte, milliseconds apart, after which connections are done at the end. */
const LOOKS = 10;
const LOOK = 10;

export interface ForwardOptions extends IntakeOptions {
  readonly address: string;
  readonly port: number;
  readonly maxConnections: number;
  /** The most bytes of a message, and of what is compressed in one. */
  readonly maxMessage: number;
  /** Plain connections are taken where it is undefined. */
  readonly encryption: EncryptionOptions | undefined;
  /** Who is there may send where it is undefined. */
  readonly handshake: HandshakeOptions | undefined;
  /** A clock in milliseconds; the monotonic one where there is none. */
  readonly now?: () => number;
  readonly onConnections: (open: number) => void;
  readonly onRefused: (reason: 'malformed' | Eviction['reason'] | RefusedError['reason']) => void;
}

export interface Forward {
  readonly port: number;
  /**
   * Accept no more connections, take in what the kernel has received for those that are open, and write
   * down what waits for more.
   * @param deadline ends the reading of a sender that goes on
   */
  readonly close: (deadline: AbortSignal) => Promise<void>;
}

interface Connection {
  readonly socket: Socket;
  /** So often something came. */
  reads: number;
  /** What came is not in the spool yet. */
  busy: boolean;
}

/**
 * Listen.
 * @throws {ConfigurationError} when the port cannot be had, or the files for TLS cannot be used
 */
export async function startForward(options: ForwardOptions): Promise<Forward> {
  const { encryption, log } = options;
  const server =
    encryption === undefined
      ? createServer((socket) => void serve(socket))
      : createEncryptedServer(
          encryption,
          log,
          (socket) => void serve(socket),
          (error, { remoteAddress }) => refuse(error, remoteAddress, options),
        );
  const intake = new Intake(options);
  const admission = new Admission(options.maxConnections, options.now ?? (() => performance.now()));
  const connections = new Set<Connection>();
  const serve = async (socket: Socket): Promise<void> => {
    const connection: Connection = { socket, reads: 0, busy: false };
    connections.add(connection);
    options.onConnections(connections.size);
    try {
      await read(connection, intake, admission, options);
    } finally {
      socket.destroy();
      connections.delete(connection);
      options.onConnections(connections.size);
    }
  };
  server.on('connection', (socket) => {
    const ended = admission.admit(socket);
    if (ended === undefined) return;
    options.onRefused(ended.reason);
    ended.socket.destroy();
  });
  await listen(server, { host: options.address, port: options.port }, 'FORWARD_PORT');
  return {
    port: (server.address() as { port: number }).port,
    close: async (deadline) => {
      // Who has connected as far as the kernel knows is accepted first: closing would throw away what they have sent.
      await polled();
      server.close();
      // Counted in looks, between which the kernel was asked, and not in time: of a process that was held up
      // for long, nothing was read meanwhile.
      let before = '';
      for (let calm = 0; calm < LOOKS && !deadline.aborted;) {
        await pause(LOOK);
        await polled();
        const all = [...connections];
        const now = all.map(({ reads }) => reads).join();
        calm = now === before && !all.some(({ busy }) => busy) ? calm + 1 : 0;
        before = now;
      }
      for (const socket of [...[...connections].map((connection) => connection.socket), ...admission.sockets])
        socket.destroy();
      await intake.close();
    },
  };
}

/** Two whole turns of the event loop: what the kernel had at the beginning has been read. */
async function polled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Take in what a sender sends, until it ends or is cut off. */
async function read(
  connection: Connection,
  intake: Intake,
  admission: Admission,
  options: ForwardOptions,
): Promise<void> {
  const { maxMessage, handshake } = options;
  const { socket } = connection;
  const { remoteAddress } = socket;
  const framer = new Framer(maxMessage);
  try {
    // Read on only when what was read is in the spool.
    for await (const bytes of handshake ? admitted(socket, handshake) : received(socket)) {
      connection.reads += 1;
      connection.busy = true;
      admission.heard(socket, true);
      for (const frame of framer.push(bytes)) {
        const message = readMessage(frame, maxMessage);
        if (message === undefined) continue;
        await intake.take(message, frame.length);
        if (message.chunk === undefined || socket.destroyed) continue;
        socket.write(acknowledgement(message.chunk));
        if (socket.writableLength > UNREAD) throw new MalformedError('its acknowledgements are not read');
      }
      connection.busy = false;
      admission.heard(socket, false);
    }
  } catch (error) {
    refuse(error, remoteAddress, options);
  }
}

/** Count and log why a sender was cut off; nothing, where it went away by itself. */
function refuse(error: unknown, remote: string | undefined, { log, onRefused }: ForwardOptions): void {
  if (error instanceof MalformedError || error instanceof RefusedError) {
    onRefused(error instanceof RefusedError ? error.reason : 'malformed');
    log.warn({ reason: error.message, remote }, 'a sender of the forward protocol is cut off');
  } else if ((error as NodeJS.ErrnoException).code === undefined) {
    log.error({ err: error }, 'a connection of the forward protocol failed');
  }
}
