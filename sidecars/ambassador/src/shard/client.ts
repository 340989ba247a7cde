/** One connection of the application: its commands in, the replies out in the same order. */
import type { Socket } from 'node:net';
import { readDirectly } from '#proxy/sockets/reads.ts';
import { errorReply } from '../resp/encode.ts';
import { ProtocolError, RequestReader, type Command, type RequestLimits } from '../resp/request-reader.ts';
import { Fifo } from '#proxy/memory/fifo.ts';
import { writeTogether, type Flushing } from './flushing.ts';
import { Reply } from './reply.ts';

/** Commands of one client that wait for replies: more are not read. */
const MAX_PIPELINE = 10_000;
/** How long a client may take to close its side after the last answer, in milliseconds. */
const LINGER = 2000;
/** Bytes that are read of a client whose next command has to wait. */
const READ_AHEAD = 64 * 1024;
/** Bytes for a client that does not read them: more are not asked for, in bytes. */
const HIGH_WATER = 1024 * 1024;

/**
 * Say the last thing, and close: also on a side that does not.
 * @param socket made with `allowHalfOpen`
 */
export function endSoon(socket: Socket, bytes: Buffer | string = ''): void {
  if (socket.writableEnded) return;
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket
    .on('close', () => clearTimeout(timer))
    .resume()
    .end(bytes);
}

/** How long a client may take nothing, and take for all that is kept, while its reply is larger: in milliseconds. */
const STANDSTILL = 1000;
const MOST_CONGESTED = 10_000;

/** What the ambassador does with commands. */
export interface Session {
  /** @returns false to be given no more commands until `client.go()` */
  onCommand(command: Command): boolean;
  onClose(): void;
  /** The client has ended its side: a command that may wait for ever is answered with an error. */
  onInputEnd(): void;
  /** A command was not answered by a server. */
  onForwardError(): void;
  /** Something threw: the client is closed. */
  onInternalError(error: unknown): void;
}

export interface ClientLimits extends RequestLimits {
  /** Most bytes that are kept for a client that does not read. */
  readonly maxOutput: number;
}

export class Client {
  /** What lets commands of one client keep their order on shared connections. */
  readonly id: number;
  session!: Session;
  /** Whether replies are sent: by CLIENT REPLY. After `skip` comes `skipping`, for one command. */
  replies: 'on' | 'off' | 'skip' | 'skipping' = 'on';
  readonly #socket: Socket;
  readonly #reader: RequestReader;
  readonly #limits: ClientLimits;
  readonly #flushing: Flushing;
  readonly #replies = new Fifo<Reply>();
  /** Bytes of replies that wait for those before them. */
  #kept = 0;
  #begun: Reply | undefined;
  #dirty = false;
  /** Sources of its reply that wait until it has read. */
  #resumes: (() => void)[] = [];
  #congestion: NodeJS.Timeout | undefined;
  #answered: (() => void) | undefined;
  #held = false;
  #reading = false;
  /** The client sends no more. */
  #inputEnded = false;
  /** No further command is read; this is said behind the last answer. */
  #ending = false;
  #lastWord: Buffer | undefined;
  #closed = false;

  constructor(id: number, socket: Socket, limits: ClientLimits, flushing: Flushing) {
    this.id = id;
    this.#socket = socket;
    this.#limits = limits;
    this.#reader = new RequestReader(limits);
    this.#flushing = flushing;
    const onData = (bytes: Buffer): void => this.#onData(bytes);
    socket.setNoDelay(true);
    socket
      .on('data', onData)
      .on('drain', () => this.#onDrain())
      .on('error', () => {})
      .on('end', () => this.#onEnd())
      .on('close', () => this.#gone());
    readDirectly(socket, onData);
  }

  /** Replies that are waited for. */
  get waiting(): number {
    return this.#replies.length;
  }

  /** Where it comes from. */
  get address(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A place for the reply of a command, behind those of the commands before. @param wanted false: it is thrown away */
  reply(wanted = this.replies === 'on'): Reply {
    const reply = new Reply(this, !wanted);
    this.#replies.push(reply);
    return reply;
  }

  onForwardError(): void {
    // What was under way for a client that has left is no failure of a server.
    if (!this.#closed) this.session.onForwardError();
  }

  /** Answer a command at once. */
  answer(bytes: Buffer): void {
    this.reply().onReply(bytes, true);
  }

  /** Something that answers no command: a message of a subscription. */
  push(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#socket.writableLength > this.#limits.maxOutput) return this.close();
    this.flush();
    this.#socket.write(bytes);
  }

  /** Whether a part of a reply has left already. */
  sentPartOf(reply: Reply): boolean {
    return this.#begun === reply;
  }

  onPart(reply: Reply, size: number): void {
    if (this.#closed) {
      reply.parts = [];
      return;
    }
    this.#kept += size;
    if (this.#kept > this.#limits.maxOutput && reply !== this.#replies.first) return this.close();
    if (reply !== this.#replies.first || this.#dirty) return;
    this.#dirty = true;
    this.#flushing.add(this);
  }

  /** Write what can be written: the replies up to the first that is not complete, and its beginning. */
  flush(): void {
    this.#dirty = false;
    if (this.#closed) return;
    const out: Buffer[] = [];
    let size = 0;
    let large = false;
    for (let reply = this.#replies.first; reply !== undefined; reply = this.#replies.first) {
      large ||= reply.size > this.#limits.maxOutput;
      for (const part of reply.parts) {
        out.push(part);
        size += part.length;
      }
      if (!reply.done) {
        if (reply.parts.length > 0) this.#begun = reply;
        reply.parts = [];
        break;
      }
      this.#replies.shift();
    }
    this.#kept -= size;
    if (out.length === 1) this.#socket.write(out[0]!);
    else if (size > 0) writeTogether(this.#socket, out);
    if (this.#socket.writableLength > this.#limits.maxOutput) {
      // One large reply is waited for, since no other way leads to it; many small ones were asked for and not read.
      if (!large) return this.close();
      this.#watch();
    }
    if (this.#replies.length === 0 && this.#answered !== undefined) {
      const then = this.#answered;
      this.#answered = undefined;
      then();
    }
    if (this.#ending) this.#finish();
    else this.#read();
  }

  /**
   * Whether no more of a reply is wanted now: too much waits for a client to read it.
   * @param resume called when it has
   */
  congested(reply: Reply, resume: () => void): boolean {
    if (this.#closed || reply.size <= this.#limits.maxOutput || reply !== this.#replies.first) return false;
    if (this.#kept + this.#socket.writableLength <= this.#limits.maxOutput) return false;
    this.flush();
    // Written at once, perhaps: then nothing drains later.
    if (this.#closed || this.#socket.writableLength <= this.#limits.maxOutput) return false;
    this.#resumes.push(resume);
    return true;
  }

  /** It has to read: nothing for a while, or too slowly, and it is closed. */
  #watch(): void {
    if (this.#congestion !== undefined) return;
    this.#congestion = setTimeout(() => this.close(), MOST_CONGESTED);
    // The time starts anew whenever a part of what is written leaves.
    this.#socket.setTimeout(STANDSTILL, () => this.close());
  }

  #onDrain(): void {
    this.#relieve();
    this.#read();
  }

  #relieve(): void {
    clearTimeout(this.#congestion);
    this.#congestion = undefined;
    this.#socket.setTimeout(0).removeAllListeners('timeout');
    for (const resume of this.#resumes.splice(0)) resume();
  }

  /** Do something once all replies have come; no more commands are read meanwhile. */
  whenAnswered(then: () => void): void {
    this.#answered = then;
  }

  /** Go on with commands. */
  go(): void {
    this.#held = false;
    if (!this.#reading) this.#read();
  }

  /**
   * Answer what is under way, then end.
   * @param reason said in place of the answer to a command that came and is not carried out; absent: nothing
   */
  end(reason?: string): void {
    this.#ending = true;
    if (reason !== undefined && this.#reader.size > 0) this.#lastWord = errorReply(`ERR ${reason}`);
    this.#finish();
  }

  #finish(): void {
    if (this.#replies.length === 0) endSoon(this.#socket, this.#lastWord);
  }

  close(): void {
    this.#socket.destroy();
    this.#gone();
  }

  #onData(bytes: Buffer): void {
    // Whatever follows the end is nothing that was asked for.
    if (this.#ending) return;
    this.#flushing.now = performance.now();
    this.#reader.push(bytes);
    this.#read();
    this.#regulate();
  }

  #read(): void {
    if (this.#held || this.#ending || this.#closed || this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#ending && this.#replies.length < MAX_PIPELINE && this.#socket.writableLength < HIGH_WATER) {
        if (!this.#reader.next()) {
          if (this.#inputEnded) this.end();
          break;
        }
        if (this.replies === 'skipping') this.replies = 'on';
        else if (this.replies === 'skip') this.replies = 'skipping';
        // It may be told to go on before it says that it waits.
        this.#held = true;
        if (this.session.onCommand(this.#reader.command)) this.#held = false;
        if (this.#held) break;
      }
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.answer(errorReply(`ERR Protocol error: ${error.message}`));
        this.end();
      } else {
        this.session.onInternalError(error);
        this.close();
      }
    } finally {
      this.#reading = false;
    }
    this.#regulate();
  }

  /** Read on, or let the client wait. While it is held a little is read all the same: its end would go unnoticed. */
  #regulate(): void {
    this.#reader.detach(this.#held);
    if (this.#closed || this.#ending) return;
    const full =
      this.#replies.length >= MAX_PIPELINE ||
      this.#socket.writableLength >= HIGH_WATER ||
      (this.#held && this.#reader.size > READ_AHEAD);
    if (full === this.#socket.isPaused()) return;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** It sends no more, and every command that it sent is answered. */
  #onEnd(): void {
    this.#inputEnded = true;
    this.session.onInputEnd();
    this.#read();
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#relieve();
    this.session.onClose();
  }
}
