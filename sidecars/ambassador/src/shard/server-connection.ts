/** One connection to one server: commands out in batches, replies in the order of the commands. */
import { connect, isIP, type Socket } from 'node:net';
import { readDirectly } from '#proxy/sockets/reads.ts';
import { BadReply, ReplyScanner } from '#kit/resp/reply-scanner.ts';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { Fifo } from '#proxy/memory/fifo.ts';
import { writeTogether, type Flushing } from './flushing.ts';
import { type Pending } from './pending.ts';

const ERROR = 0x2d;
const PUSH = 0x3e;
const NO_LOGIN = /^-NOAUTH/;

export interface ServerAddress {
  /** For people. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Looks at commands on their way; undefined in its place: nothing is traced. */
export interface CommandTracer {
  /** @returns what is told of the reply in place of `pending` */
  begin(server: ServerAddress, command: Buffer, pending: Pending): Pending;
}

/** How a server knows us, and how we know it. */
export interface Login {
  /** The user of its access list; undefined: `default`. */
  readonly user: string | undefined;
  /** Undefined: no login. */
  readonly password: string | undefined;
  /** PEM of the authority that its certificate must be of; undefined: no TLS. */
  readonly ca: string | undefined;
}

export interface ServerConnectionOptions extends ServerAddress {
  readonly protocol: 2 | 3;
  readonly login: Login;
  readonly connectTimeout: number;
  /** How long a reply may take, in milliseconds; 0 for one that may wait for ever. */
  readonly timeout: number;
  readonly flushing: Flushing;
  readonly spans?: CommandTracer | undefined;
}

/** Told what becomes of a connection. */
export interface ServerConnectionUser {
  /** It is connected, and logged in where that was asked for. */
  onReady(): void;
  /**
   * It is gone; every command under way has been told.
   * @param reason why, for people
   * @param failed the server did it; false when this side closed it, which says nothing about the server
   */
  onGone(reason: string, failed: boolean): void;
  /** A command was sent. */
  onSent(): void;
  /** A reply came. */
  onAnswer(): void;
  /** A reply said that the login is missing. @param reason its error */
  onRefused(reason: string): void;
  /** A message that nobody asked for: of a subscription, in RESP3. */
  onPush?(bytes: Buffer, done: boolean): void;
}

export class ServerConnection {
  ready = false;
  /** What was sent, and waits for its reply. */
  readonly #waiting = new Fifo<Pending>();
  readonly #sentAt = new Fifo<number>();
  readonly #options: ServerConnectionOptions;
  readonly #user: ServerConnectionUser;
  readonly #socket: Socket;
  readonly #scanner = new ReplyScanner();
  #out: Buffer[] = [];
  /** When bytes last came: a large reply takes its time. */
  #heardAt = 0;
  /** What is sent arrives: the server is who it should be. */
  #connected = false;
  /** Its client has to read first. */
  #paused = false;
  #gone = false;
  #connectTimer: NodeJS.Timeout | undefined;

  constructor(options: ServerConnectionOptions, user: ServerConnectionUser) {
    this.#options = options;
    this.#user = user;
    this.#socket = open(options);
    this.#connectTimer = setTimeout(
      () => this.#end('it did not accept a connection in time', true),
      options.connectTimeout,
    );
    this.#socket
      .on(options.login.ca === undefined ? 'connect' : 'secureConnect', () => this.#onConnect())
      .on('data', (bytes: Buffer) => this.#onData(bytes))
      .on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message, true))
      .on('close', () => this.#end('it closed the connection', this.#waiting.length > 0 || !this.ready));
  }

  /** Replies that are waited for. */
  get active(): number {
    return this.#waiting.length;
  }

  get closed(): boolean {
    return this.#gone;
  }

  /** Send a command, or several; one `pending` each. @param bytes must not change */
  send(bytes: Buffer, pending: Pending): void {
    if (this.#gone) return pending.onFailure(`server ${this.#options.name}: the connection is closed`);
    this.#user.onSent();
    const { spans } = this.#options;
    this.#waiting.push(spans === undefined ? pending : spans.begin(this.#options, bytes, pending));
    this.#sentAt.push(this.#options.flushing.now);
    this.#out.push(bytes);
    if (this.#out.length === 1) this.#options.flushing.add(this);
  }

  /** Send what is answered by messages, and not by a reply. */
  sendUnanswered(bytes: Buffer): void {
    if (this.#gone) return;
    this.#out.push(bytes);
    if (this.#out.length === 1) this.#options.flushing.add(this);
  }

  /** Write what was sent. */
  flush(): void {
    const out = this.#out;
    if (out.length === 0 || !this.#connected || this.#gone) return;
    this.#out = [];
    if (out.length === 1) this.#socket.write(out[0]!);
    else writeTogether(this.#socket, out);
  }

  /**
   * Look whether the oldest command waits for too long.
   * @param now in milliseconds, on the clock of `flushing`
   * @param since the time before this does not count
   */
  sweep(now: number, since: number): void {
    const { timeout } = this.#options;
    const oldest = this.#sentAt.first;
    if (timeout > 0 && !this.#paused && oldest !== undefined && now - Math.max(oldest, since, this.#heardAt) > timeout)
      this.#end('it did not answer in time', true);
  }

  /** End it from this side: every command that waits is told the reason, and the server has not failed. */
  close(reason: string): void {
    this.#end(reason, false);
  }

  #end(reason: string, failed: boolean): void {
    if (this.#gone) return;
    this.#gone = true;
    this.ready = false;
    clearTimeout(this.#connectTimer);
    this.#socket.destroy();
    this.#out = [];
    for (let pending = this.#waiting.shift(); pending !== undefined; pending = this.#waiting.shift())
      pending.onFailure(`server ${this.#options.name}: ${reason}`);
    this.#user.onGone(reason, failed);
  }

  #onConnect(): void {
    this.#connected = true;
    readDirectly(this.#socket, (bytes) => this.#onData(bytes));
    const { protocol, login } = this.#options;
    const { user, password } = login;
    const hello: (readonly string[])[] = [];
    if (protocol === 3)
      hello.push(['HELLO', '3', ...(password === undefined ? [] : ['AUTH', user ?? 'default', password])]);
    else if (password !== undefined) hello.push(['AUTH', ...(user === undefined ? [] : [user]), password]);
    const begin = (): void => {
      clearTimeout(this.#connectTimer);
      this.ready = true;
      this.#user.onReady();
      this.flush();
    };
    if (hello.length === 0) return begin();
    // Before everything that waits already.
    this.#greeting = begin;
    this.#socket.write(encodeCommand(hello[0]!));
  }

  /** What is done after the reply to the greeting, while that is awaited. */
  #greeting: (() => void) | undefined;

  #onData(bytes: Buffer): void {
    this.#heardAt = this.#options.flushing.now;
    try {
      let at = 0;
      while (at < bytes.length && !this.#gone) {
        const end = this.#scanner.scan(bytes, at);
        const done = end !== -1;
        const part =
          at === 0 && (!done || end === bytes.length) ? bytes : bytes.subarray(at, done ? end : bytes.length);
        at = done ? end : bytes.length;
        this.#give(part, done);
      }
    } catch (error) {
      if (!(error instanceof BadReply)) throw error;
      this.#end(`it does not speak the protocol: ${error.message}`, true);
    }
  }

  #give(part: Buffer, done: boolean): void {
    const { type } = this.#scanner;
    if (this.#greeting !== undefined) {
      if (!done) return;
      const begin = this.#greeting;
      this.#greeting = undefined;
      if (type === ERROR)
        this.#end(`it refused the login: ${part.toString('latin1', 1, Math.min(part.length, 200)).trim()}`, true);
      else begin();
      return;
    }
    if (type === PUSH) return this.#user.onPush?.(part, done);
    const pending = this.#waiting.first;
    if (pending === undefined) return this.#end('it said something that nobody asked for', true);
    if (done) {
      this.#waiting.shift();
      this.#sentAt.shift();
      if (type === ERROR && NO_LOGIN.test(part.toString('latin1', 0, 16)))
        this.#user.onRefused(part.toString('latin1', 1, Math.min(part.length, 200)).trim());
      else this.#user.onAnswer();
    }
    pending.onReply(part, done);
    if (pending.congested?.(this.#resume) === true) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  readonly #resume = (): void => {
    this.#paused = false;
    this.#heardAt = this.#options.flushing.now;
    this.#socket.resume();
  };
}

function open({ host, port, login: { ca } }: ServerConnectionOptions): Socket {
  if (ca === undefined) return connect({ host, port, noDelay: true });
  // Loaded where it is asked for: it costs memory. No name is sent for an address.
  const { connect: secure } = process.getBuiltinModule('node:tls');
  return secure({ host, port, ca, servername: isIP(host) === 0 ? host : '' }).setNoDelay(true);
}
