/** A small server of keys in this process, with the faults that a real one has: for tests. */
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:tls';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { arrayHead, bulkReply, errorReply, integerReply, nullReply, OK, PONG, QUEUED } from '../resp/encode.ts';
import { RequestReader } from '../resp/request-reader.ts';

const BUCKETS = 16;
const bucketOf = (key: string): number => Buffer.from(key, 'latin1').reduce((sum, byte) => sum + byte, 0) % BUCKETS;

type Value = string | string[];

interface Session {
  readonly id: number;
  readonly socket: Socket;
  protocol: 2 | 3;
  queue: string[][] | undefined;
  readonly channels: Set<string>;
  /** Answers come in the order of the commands. */
  last: Promise<void>;
  /** What BLPOP waits for. */
  waits: string[] | undefined;
  served: () => void;
}

export class FakeValkey {
  readonly keys = new Map<string, Value>();
  /** Every command that was taken, in order. */
  readonly seen: string[][] = [];
  /** While set, commands are taken and not answered. */
  stalled = false;
  /** A command that stalls the server from its arrival on, until `go`. */
  slow: string | undefined;
  /** User and password that AUTH takes. */
  login = '';
  /** With which it speaks TLS, and nothing else. */
  certificate: { readonly cert: string; readonly key: string } | undefined;
  /** Said in place of every answer. */
  nonsense: string | undefined;
  /** Of INFO: it rewrites its file of commands. */
  rewriting = false;
  /** Of PUBSUB NUMPAT. */
  patterns = 0;
  /** Of DEBUG DIGEST. */
  digest = '0'.repeat(40);
  port = 0;
  readonly #sessions = new Map<Socket, Session>();
  #held: (() => void)[] = [];
  #server: Server | undefined;
  #ids = 0;

  /** Listen, at the port of before if there was one. */
  async start(): Promise<this> {
    const serve = (socket: Socket): void => this.#onConnection(socket);
    this.#server = this.certificate === undefined ? createServer(serve) : createSecureServer(this.certificate, serve);
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Gone as after a crash; its keys are still there when it is started again. */
  async kill(): Promise<void> {
    const closed = once(this.#server!, 'close');
    this.#server!.close();
    for (const socket of this.#sessions.keys()) socket.destroy();
    await closed;
  }

  /** Answer what was held back. */
  go(): void {
    this.stalled = false;
    for (const each of this.#held.splice(0)) each();
  }

  #onConnection(socket: Socket): void {
    const reader = new RequestReader({ maxSize: 64 * 1024 * 1024, maxArguments: 100_000 });
    const session: Session = {
      id: ++this.#ids,
      socket,
      protocol: 2,
      queue: undefined,
      channels: new Set(),
      waits: undefined,
      served: () => {},
      last: Promise.resolve(),
    };
    this.#sessions.set(socket, session);
    const more = (): boolean => {
      try {
        return reader.next();
      } catch (error) {
        socket.end(errorReply(`ERR Protocol error: ${(error as Error).message}`));
        return false;
      }
    };
    socket
      .on('error', () => {})
      .on('close', () => this.#sessions.delete(socket))
      .on('data', (bytes: Buffer) => {
        reader.push(bytes);
        while (more()) {
          const words = Array.from({ length: reader.command.length }, (_, index) => reader.command.text(index));
          const answer = (): void => void (session.last = session.last.then(() => this.#answer(session, words)));
          if (this.slow !== undefined && words[0]!.toUpperCase() === this.slow) this.stalled = true;
          if (this.stalled) this.#held.push(answer);
          else answer();
        }
      });
  }

  async #answer(session: Session, words: string[]): Promise<void> {
    this.seen.push(words);
    const name = words[0]!.toUpperCase();
    let reply: Buffer | undefined;
    if (this.nonsense !== undefined) reply = Buffer.from(this.nonsense);
    else if (session.queue !== undefined && !['EXEC', 'DISCARD'].includes(name)) {
      session.queue.push(words);
      reply = QUEUED;
    } else reply = name === 'MIGRATE' ? await this.#migrate(words) : this.#execute(session, name, words);
    if (reply !== undefined && !session.socket.destroyed) session.socket.write(reply);
    // What it sent behind a command that waits, waits, too.
    if (session.waits !== undefined) await new Promise<void>((resolve) => (session.served = resolve));
  }

  #execute(session: Session, name: string, words: string[]): Buffer | undefined {
    const { keys } = this;
    const [, key = '', value = ''] = words;
    const stored = keys.get(key);
    const text = (each: Value | undefined): Buffer =>
      typeof each === 'string' ? bulkReply(each) : nullReply(session.protocol);
    const array = (each: readonly Buffer[]): Buffer => Buffer.concat([arrayHead(each.length), ...each]);
    switch (name) {
      case 'PING':
        return PONG;
      case 'AUTH':
        return words.slice(1).join(' ') === this.login ? OK : errorReply('WRONGPASS invalid username-password pair');
      case 'HELLO':
        session.protocol = key === '3' ? 3 : 2;
        return Buffer.from(session.protocol === 3 ? '%1\r\n+proto\r\n:3\r\n' : '*2\r\n+proto\r\n:2\r\n');
      case 'CLIENT':
        if (key.toUpperCase() === 'ID') return integerReply(session.id);
        return this.#unblock(Number(value));
      case 'CONFIG':
        return key === 'GET' ? array(['maxmemory', '0', 'port', String(this.port)].map(bulkReply)) : OK;
      case 'DEBUG':
        return Buffer.from(`+${this.digest}\r\n`);
      case 'INFO':
        return bulkReply(
          `# Server\r\nredis_version:7.2.4\r\nused_memory:${this.port}\r\nblocked_clients:${this.#waiting}\r\naof_rewrite_in_progress:${Number(this.rewriting)}\r\n\r\n# Keyspace\r\n${keys.size === 0 ? '' : `db0:keys=${keys.size},expires=0,avg_ttl=0\r\n`}`,
        );
      case 'RANDOMKEY':
        return text([...keys.keys()][0]);
      case 'SORT':
      case 'EVAL':
        return arrayHead(0);
      case 'GET':
        return text(stored);
      case 'SET':
        keys.set(key, value);
        return OK;
      case 'INCR':
        keys.set(key, String(Number(stored ?? 0) + 1));
        return integerReply(Number(keys.get(key)));
      case 'MGET':
        return array(words.slice(1).map((each) => text(keys.get(each))));
      case 'MSET':
        for (let at = 1; at < words.length; at += 2) keys.set(words[at]!, words[at + 1]!);
        return OK;
      case 'DEL':
      case 'UNLINK':
        return integerReply(words.slice(1).filter((each) => keys.delete(each)).length);
      case 'EXISTS':
        return integerReply(words.slice(1).filter((each) => keys.has(each)).length);
      case 'DBSIZE':
        return integerReply(keys.size);
      case 'KEYS':
        return array([...keys.keys()].map(bulkReply));
      case 'SCAN': {
        // A bucket a step, so that what is deleted meanwhile hides nothing.
        const bucket = Number(key);
        const found = [...keys.keys()].filter((each) => bucketOf(each) === bucket);
        return array([bulkReply(bucket + 1 === BUCKETS ? '0' : String(bucket + 1)), array(found.map(bulkReply))]);
      }
      case 'RPUSH': {
        const list = Array.isArray(stored) ? stored : [];
        keys.set(key, [...list, ...words.slice(2)]);
        setImmediate(() => this.#serveWaiting(key));
        return integerReply(list.length + words.length - 2);
      }
      case 'BLPOP': {
        session.waits = words.slice(1, -1);
        setImmediate(() => session.waits?.forEach((each) => this.#serveWaiting(each)));
        return undefined;
      }
      case 'WATCH':
      case 'UNWATCH':
        return OK;
      case 'MULTI':
        session.queue = [];
        return OK;
      case 'DISCARD':
        session.queue = undefined;
        return OK;
      case 'EXEC': {
        const queue = session.queue ?? [];
        session.queue = undefined;
        return array(queue.map((each) => this.#execute(session, each[0]!.toUpperCase(), each) ?? OK));
      }
      case 'SUBSCRIBE':
        session.channels.add(key);
        return Buffer.concat([Buffer.from('>3\r\n'), bulkReply('subscribe'), bulkReply(key), integerReply(1)]);
      case 'UNSUBSCRIBE':
        session.channels.delete(key);
        return Buffer.concat([Buffer.from('>3\r\n'), bulkReply('unsubscribe'), bulkReply(key), integerReply(0)]);
      case 'PUBSUB':
        if (key === 'NUMPAT') return integerReply(this.patterns);
        return array(
          words
            .slice(2)
            .flatMap((channel) => [
              bulkReply(channel),
              integerReply([...this.#sessions.values()].filter(({ channels }) => channels.has(channel)).length),
            ]),
        );
      case 'PUBLISH': {
        const to = [...this.#sessions.values()].filter(({ channels }) => channels.has(key));
        for (const { socket } of to)
          socket.write(Buffer.concat([Buffer.from('>3\r\n'), bulkReply('message'), bulkReply(key), bulkReply(value)]));
        return integerReply(to.length);
      }
      default:
        return errorReply(`ERR unknown command '${name}'`);
    }
  }

  #serveWaiting(key: string): void {
    for (const session of this.#sessions.values()) {
      const list = this.keys.get(key);
      if (!Array.isArray(list) || list.length === 0) return;
      if (session.waits?.includes(key) !== true) continue;
      session.waits = undefined;
      const [first, ...others] = list;
      if (others.length === 0) this.keys.delete(key);
      else this.keys.set(key, others);
      session.socket.write(Buffer.concat([arrayHead(2), bulkReply(key), bulkReply(first!)]));
      session.served();
    }
  }

  get #waiting(): number {
    return [...this.#sessions.values()].filter(({ waits }) => waits !== undefined).length;
  }

  #unblock(id: number): Buffer {
    const session = [...this.#sessions.values()].find((each) => each.id === id && each.waits !== undefined);
    if (session === undefined) return integerReply(0);
    session.waits = undefined;
    session.socket.write(errorReply('UNBLOCKED client unblocked via CLIENT UNBLOCK'));
    session.served();
    return integerReply(1);
  }

  /** MIGRATE host port key db timeout: by SET or RPUSH at the other one, and a deletion here. */
  async #migrate([, host, port, key]: string[]): Promise<Buffer> {
    const value = this.keys.get(key!);
    if (value === undefined) return Buffer.from('+NOKEY\r\n');
    const socket = connect({ host: host!, port: Number(port) });
    const ask = async (...words: string[]): Promise<string> => {
      socket.write(encodeCommand(words));
      return String((await once(socket, 'data'))[0]);
    };
    try {
      await once(socket, 'connect');
      if ((await ask('EXISTS', key!)) === ':1\r\n')
        return errorReply('ERR Target instance replied with error: BUSYKEY Target key name already exists.');
      await ask(...(Array.isArray(value) ? ['RPUSH', key!, ...value] : ['SET', key!, value]));
      this.keys.delete(key!);
      return OK;
    } catch {
      return errorReply('IOERR error or timeout connecting to the client');
    } finally {
      socket.destroy();
    }
  }
}
