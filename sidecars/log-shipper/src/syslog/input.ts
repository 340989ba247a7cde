/** The syslog input: messages by TCP, TLS and UDP, into the spool. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { LogRecord } from '../lines/record.ts';
import { MARGIN } from '../lines/document.ts';
import { toRecord, type RecordOptions } from '../lines/to-record.ts';
import { received } from '../senders/received.ts';
import { polled, serveSenders, type Connection, type ListenerOptions, type SenderServer } from '../senders/server.ts';
import { Datagrams } from './datagrams.ts';
import { toEvent } from './event.ts';
import { SyslogFramer } from './framer.ts';

const { randomBytes } = process.getBuiltinModule('node:crypto');

/** Bytes of a header, and of its structured data, that a message may have beside its text. */
const HEADER = 8192;
/** Messages that are written to the spool at once. */
const BATCH = 500;
/** Bytes of datagrams that may wait for the spool. */
const WAITING = 4 * 1024 * 1024;
/** What the kernel may keep for us while we are busy; it gives as much as `net.core.rmem_max` allows. */
const KERNEL = 4 * 1024 * 1024;

export interface SyslogOptions extends RecordOptions, Omit<ListenerOptions, 'port'> {
  /** For TCP; undefined for none. */
  readonly port: number | undefined;
  /** For UDP; undefined for none. */
  readonly udpPort: number | undefined;
  readonly serviceName: string | undefined;
  readonly spool: { append(records: readonly LogRecord[]): Promise<void> };
  readonly onRead: (lines: number, bytes: number) => void;
  /** Datagrams were dropped. */
  readonly onDropped: (count: number) => void;
}

export interface Syslog {
  readonly port: number | undefined;
  readonly udpPort: number | undefined;
  readonly close: SenderServer['close'];
}

interface Message {
  readonly bytes: Buffer;
  readonly address: string;
  readonly cut: boolean;
}

/**
 * Listen.
 * @throws {ConfigurationError} when a port cannot be had, or the files for TLS cannot be used
 */
export async function startSyslog(options: SyslogOptions): Promise<Syslog> {
  const intake = new Intake(options);
  const { port, udpPort } = options;
  const datagrams = udpPort === undefined ? undefined : await receiveDatagrams(udpPort, intake, options);
  const server =
    port === undefined
      ? undefined
      : await serveSenders({
          ...options,
          port,
          parameter: 'SYSLOG_PORT',
          protocol: 'syslog protocol',
          serve: (connection) => read(connection, intake, options),
        });
  return {
    port: server?.port,
    udpPort: datagrams?.port,
    close: async (deadline) => {
      await Promise.all([server?.close(deadline), datagrams?.close()]);
    },
  };
}

/** Messages into the spool. */
class Intake {
  readonly #options: SyslogOptions;
  /** A message has no name of its own: ids are of this process and a count, and the spool keeps them. */
  readonly #instance = randomBytes(9).toString('base64url');
  #count = 0;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  /** @returns once a killed process would not lose them */
  async take(messages: readonly Message[]): Promise<void> {
    const { serviceName, onRead, spool } = this.#options;
    const now = new Date().toISOString();
    const records: LogRecord[] = [];
    let size = 0;
    for (const { bytes, address, cut } of messages) {
      size += bytes.length;
      const id = `${this.#instance}-${(this.#count++).toString(36)}`;
      const record = toRecord({ id, ...toEvent(bytes, { address, cut, now, serviceName }) }, this.#options);
      if (record !== undefined) records.push(record);
    }
    onRead(messages.length, size);
    if (records.length > 0) await spool.append(records);
  }
}

/** Take in what a sender sends; read on only when what was read is in the spool. */
async function read({ socket, begin, end }: Connection, intake: Intake, { limit }: SyslogOptions): Promise<void> {
  const address = socket.remoteAddress ?? '';
  const framer = new SyslogFramer(limit + MARGIN + HEADER);
  let messages: Message[] = [];
  const flush = async (): Promise<void> => {
    const whole = messages;
    messages = [];
    await intake.take(whole);
    // Small messages are many; others have their turn.
    await polled();
  };
  try {
    for await (const bytes of received(socket)) {
      begin();
      for (const frame of framer.push(bytes)) if (messages.push({ ...frame, address }) >= BATCH) await flush();
      if (messages.length > 0) await flush();
      end();
    }
  } finally {
    // Some senders end their last message by closing.
    const last = framer.end();
    begin();
    if (last !== undefined) await intake.take([{ ...last, address }]);
    end();
  }
}

interface Receiver {
  readonly port: number;
  /** Take in what the kernel has, and receive no more. */
  readonly close: () => Promise<void>;
}

/** A socket for datagrams, of which each is a message. */
async function receiveDatagrams(
  port: number,
  intake: Intake,
  { address: host, log, onDropped }: SyslogOptions,
): Promise<Receiver> {
  const socket = process
    .getBuiltinModule('node:dgram')
    .createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: KERNEL });
  const waiting = new Datagrams(WAITING);
  let work: Promise<void> | undefined;
  const takeAll = async (): Promise<void> => {
    // What comes in one turn of the event loop is taken in together.
    for (await polled(); waiting.size > 0; await polled())
      await intake.take(waiting.take(BATCH).map((datagram) => ({ ...datagram, cut: false })));
  };
  socket.on('message', (bytes, { address }) => {
    const dropped = waiting.add({ bytes, address });
    if (dropped > 0) onDropped(dropped);
    work ??= takeAll()
      .catch((error: unknown) => log.error({ err: error }, 'datagrams of syslog could not be kept'))
      .finally(() => (work = undefined));
  });
  await bound(socket, port, host);
  socket.on('error', (error) => log.error({ err: error }, 'the socket for datagrams of syslog failed'));
  return {
    port: socket.address().port,
    close: async () => {
      await polled();
      socket.close();
      await work;
    },
  };
}

async function bound(socket: import('node:dgram').Socket, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject).bind(port, host, () => {
    socket.off('error', reject);
    resolve();
  });
  await promise.catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([
      {
        parameter: 'SYSLOG_UDP_PORT',
        reason: 'conflict',
        message: `SYSLOG_UDP_PORT: ${host}:${port} cannot be bound (${error.code}); accepted is a free port, from 1024 on where this user may not bind lower ones`,
      },
    ]);
  });
}
