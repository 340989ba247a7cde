/**
 * The forward input: a server for Docker's `fluentd` logging driver. The driver does not wait, so what
 * arrives goes to the disk spool at once; only when that blocks is no more taken from the sockets.
 */
import type { Socket } from 'node:net';
import { listen } from '#kit/listen.ts';
import type { Logger } from '#kit/log.ts';
import type { Documents } from '../lines/document.ts';
import type { Splitter } from '../lines/splitter.ts';
import type { LogRecord } from '../record.ts';
import { Assembler, type Assembled } from './assembler.ts';
import { toContainerLine, type ContainerLine } from './container.ts';
import { Framer, MalformedError } from './msgpack.ts';
import { acknowledgement, readMessage, type Message } from './protocol.ts';

const { createServer } = process.getBuiltinModule('node:net');
const { hash, randomBytes } = process.getBuiltinModule('node:crypto');

/** How often waiting events are looked at, in milliseconds. */
const TICK = 500;

export interface ForwardOptions {
  readonly address: string;
  readonly port: number;
  readonly maxConnections: number;
  /** The most bytes of a message, and of what is compressed in one. */
  readonly maxMessage: number;
  readonly documents: Documents;
  readonly splitter: Splitter;
  /** The most bytes of an event's text. */
  readonly limit: number;
  /** How long a piece of an event waits for the next, in milliseconds. */
  readonly patience: number;
  /** Members of every document, as JSON text with a comma behind each. */
  readonly members: string;
  readonly serviceName: string | undefined;
  readonly spool: { append(records: readonly LogRecord[]): Promise<void> };
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly onRead: (lines: number, bytes: number) => void;
  readonly onConnections: (open: number) => void;
  readonly onRefused: (reason: 'malformed' | 'connections') => void;
  readonly skipped: (reason: 'empty' | 'rule', count: number) => void;
  readonly cut: () => void;
}

interface Origin {
  readonly id: string;
  readonly line: ContainerLine;
}

export class ForwardInput {
  readonly #options: ForwardOptions;
  readonly #assembler: Assembler<Origin>;
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  /** Ids are of this process and a count; what is in the spool keeps its id. */
  readonly #instance = randomBytes(9).toString('base64url');
  #count = 0;

  private constructor(options: ForwardOptions) {
    this.#options = options;
    this.#assembler = new Assembler(options.splitter, options.limit, options.patience);
    this.#timer = setInterval(() => {
      if (!this.#assembler.waiting) return;
      this.#append(this.#assembler.expire(performance.now())).catch((error: unknown) => {
        options.log.error({ err: error }, 'lines of containers could not be kept');
      });
    }, TICK);
    this.#timer.unref();
  }

  /**
   * Listen.
   * @returns what ends it: no more is taken in, and what waits for more is written down
   * @throws {ConfigurationError} when the port cannot be had
   */
  static async start(options: ForwardOptions): Promise<{ close: () => Promise<void>; readonly port: number }> {
    const input = new ForwardInput(options);
    const server = createServer((socket) => void input.#serve(socket));
    server.maxConnections = options.maxConnections;
    server.on('drop', () => options.onRefused('connections'));
    await listen(server, { host: options.address, port: options.port }, 'FORWARD_PORT');
    const { port } = server.address() as { port: number };
    return {
      port,
      close: () => {
        server.close();
        return input.#close();
      },
    };
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    await this.#append(this.#assembler.expire(Infinity));
  }

  async #serve(socket: Socket): Promise<void> {
    const { maxMessage, log, onConnections, onRefused } = this.#options;
    this.#sockets.add(socket);
    onConnections(this.#sockets.size);
    const framer = new Framer(maxMessage);
    try {
      // Read on only when what was read is in the spool.
      for await (const bytes of socket as AsyncIterable<Buffer>) {
        for (const frame of framer.push(bytes)) await this.#take(frame, socket);
      }
    } catch (error) {
      if (error instanceof MalformedError) {
        onRefused('malformed');
        log.warn({ reason: error.message }, 'a sender of the forward protocol is cut off');
      } else if ((error as NodeJS.ErrnoException).code === undefined) {
        log.error({ err: error }, 'a connection of the forward protocol failed');
      }
    } finally {
      socket.destroy();
      this.#sockets.delete(socket);
      onConnections(this.#sockets.size);
    }
  }

  async #take(frame: Buffer, socket: Socket): Promise<void> {
    const { maxMessage, serviceName, onRead } = this.#options;
    const message = readMessage(frame, maxMessage);
    if (message === undefined) return;
    const idOf = this.#ids(message);
    const now = performance.now();
    const events = message.entries.flatMap((entry, index) => {
      const line = toContainerLine(message.tag, entry, serviceName);
      return this.#assembler.add({ id: idOf(index), line }, line, now);
    });
    onRead(message.entries.length, frame.length);
    await this.#append(events);
    if (message.chunk !== undefined && !socket.destroyed) socket.write(acknowledgement(message.chunk));
  }

  /** A message with a chunk is sent again under the same name, so its ids are made of that. */
  #ids({ tag, chunk }: Message): (index: number) => string {
    if (chunk === undefined) return () => `${this.#instance}-${(this.#count++).toString(36)}`;
    const name = hash('sha256', `${tag}\0${chunk}`, 'base64url').slice(0, 16);
    return (index) => `${name}-${index.toString(36)}`;
  }

  async #append(events: readonly Assembled<Origin>[]): Promise<void> {
    const records = events.flatMap((event) => this.#record(event) ?? []);
    if (records.length > 0) await this.#options.spool.append(records);
  }

  #record({ first: { id, line }, text, foreign, cut }: Assembled<Origin>): LogRecord | undefined {
    const { documents, splitter, members, skipped, limit } = this.#options;
    if (text === '') {
      skipped('empty', 1);
      return undefined;
    }
    const tooLong = cut || text.length > limit;
    if (tooLong) this.#options.cut();
    const body = documents.create(text, {
      members: members + line.members,
      time: line.time ?? new Date().toISOString(),
      cut: tooLong,
      foreign,
      multiline: splitter.multiline,
    });
    if (body === undefined) {
      skipped('rule', 1);
      return undefined;
    }
    return { id, source: line.source, body, bytes: Buffer.byteLength(body) };
  }
}
