/** A TCP server for senders of log lines: as many connections as there may be, their places shared by address. */
import type { Socket } from 'node:net';
import type { Logger } from '#kit/telemetry/log.ts';
import { pause } from '#kit/time/backoff.ts';
import { listen } from '#kit/net/listen.ts';
import { Admission, type Eviction } from './admission.ts';
import { createEncryptedServer, type EncryptionOptions } from './encryption.ts';
import { MalformedError } from './malformed.ts';
import { RefusedError } from './refused.ts';

const { createServer } = process.getBuiltinModule('node:net');

/** Reads without a byte, milliseconds apart, after which connections are done at the end. */
const LOOKS = 10;
const LOOK = 10;

/** What every input that listens is told. */
export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly maxConnections: number;
  /** Plain connections are taken where it is undefined. */
  readonly encryption: EncryptionOptions | undefined;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** A clock in milliseconds; the monotonic one where there is none. */
  readonly now?: () => number;
  readonly onConnections: (open: number) => void;
  readonly onRefused: (reason: 'malformed' | Eviction['reason'] | RefusedError['reason']) => void;
}

export interface SenderServerOptions extends ListenerOptions {
  /** The parameter that holds the port, for the error. */
  readonly parameter: string;
  /** What it speaks, for the log: `forward protocol`. */
  readonly protocol: string;
  /** Take in what a connection sends, until it ends; a thrown error ends it. */
  readonly serve: (connection: Connection) => Promise<void>;
}

export interface SenderServer {
  readonly port: number;
  /**
   * Accept no more connections, and take in what the kernel has received for those that are open.
   * @param deadline ends the reading of a sender that goes on
   */
  readonly close: (deadline: AbortSignal) => Promise<void>;
}

/** A sender's connection. */
export interface Connection {
  readonly socket: Socket;
  /** Something came, and is being taken in. */
  readonly begin: () => void;
  /** What came is taken in. */
  readonly end: () => void;
}

/**
 * Listen.
 * @throws {ConfigurationError} when the port cannot be had, or the files for TLS cannot be used
 */
export async function serveSenders(options: SenderServerOptions): Promise<SenderServer> {
  const { encryption, log } = options;
  const admission = new Admission(options.maxConnections, options.now ?? (() => performance.now()));
  const states = new Set<{ readonly socket: Socket; reads: number; busy: boolean }>();
  const served = new Set<Promise<void>>();
  const serve = (socket: Socket): void => {
    const done = read(socket).finally(() => served.delete(done));
    served.add(done);
  };
  const read = async (socket: Socket): Promise<void> => {
    const { remoteAddress } = socket;
    const state = { socket, reads: 0, busy: false };
    const mark = (busy: boolean): void => {
      state.busy = busy;
      admission.heard(socket, busy);
    };
    states.add(state);
    options.onConnections(states.size);
    try {
      const begin = (): void => {
        state.reads += 1;
        mark(true);
      };
      await options.serve({ socket, begin, end: () => mark(false) });
    } catch (error) {
      refuse(error, remoteAddress, options);
    } finally {
      socket.destroy();
      states.delete(state);
      options.onConnections(states.size);
    }
  };
  const server =
    encryption === undefined
      ? createServer(serve)
      : createEncryptedServer(encryption, log, serve, (error, { remoteAddress }) =>
          refuse(error, remoteAddress, options),
        );
  server.on('connection', (socket) => {
    const ended = admission.admit(socket);
    if (ended === undefined) return;
    options.onRefused(ended.reason);
    ended.socket.destroy();
  });
  await listen(server, { host: options.address, port: options.port }, options.parameter);
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
        const all = [...states];
        const now = all.map(({ reads }) => reads).join();
        calm = now === before && !all.some(({ busy }) => busy) ? calm + 1 : 0;
        before = now;
      }
      for (const socket of [...[...states].map((state) => state.socket), ...admission.sockets]) socket.destroy();
      await Promise.all(served);
    },
  };
}

/** Two whole turns of the event loop: what the kernel had at the beginning has been read. */
export async function polled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Count and log why a sender was cut off; nothing, where it went away by itself. */
function refuse(error: unknown, remote: string | undefined, { log, onRefused, protocol }: SenderServerOptions): void {
  if (error instanceof MalformedError || error instanceof RefusedError) {
    onRefused(error instanceof RefusedError ? error.reason : 'malformed');
    log.warn({ reason: error.message, remote }, `a sender of the ${protocol} is cut off`);
  } else if ((error as NodeJS.ErrnoException).code === undefined) {
    log.error({ err: error }, `a connection of the ${protocol} failed`);
  }
}
