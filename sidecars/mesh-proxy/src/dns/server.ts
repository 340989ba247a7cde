/** The application's DNS questions: names of the mesh are answered here, all others by the pod's own resolver. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIPv6, type AddressInfo, type Server, type Socket as TcpSocket } from 'node:net';
import { listen } from '#kit/net/listen.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { answerTo, failureOf, HEAD, questionOf, SERVFAIL } from './message.ts';

export interface DnsOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Addresses of a name in small letters; undefined for one that the mesh does not know. */
  readonly lookup: (name: string) => readonly string[] | undefined;
  readonly resolver: { readonly address: string; readonly port: number };
}

/** How long the resolver may take, in milliseconds: as long as a client waits. */
const TIMEOUT = 5000;
/** Questions that wait for the resolver; further ones are answered by a failure. */
const MAX_WAITING = 256;
/** Most of a TCP connection that is kept, in bytes: one message of the largest size. */
const MAX_TCP = 65_537;
const MAX_TCP_CONNECTIONS = 64;

export class DnsServer {
  readonly #options: DnsOptions;
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #open = new Set<TcpSocket>();
  #waiting = 0;
  #closed = false;

  constructor(options: DnsOptions) {
    this.#options = options;
    this.#udp = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4');
    this.#udp.on('message', (query, from) => void this.#answerUdp(query, from));
    this.#udp.on('error', () => {});
    this.#tcp = createServer((socket) => this.#serveTcp(socket));
    this.#tcp.maxConnections = MAX_TCP_CONNECTIONS;
  }

  /** @throws {ConfigurationError} when the port cannot be had */
  async open(): Promise<void> {
    const { host, port } = this.#options;
    await listen(this.#tcp, { host, port }, 'MESH_DNS_PORT');
    this.#udp.bind(this.port, host);
    try {
      await once(this.#udp, 'listening');
    } catch (error) {
      const message = `MESH_DNS_PORT: UDP ${host}:${port} cannot be had (${(error as NodeJS.ErrnoException).code}); accepted is a free port`;
      throw new ConfigurationError([{ parameter: 'MESH_DNS_PORT', reason: 'conflict', message }]);
    }
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  async #answerUdp(query: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const answer = await this.#answer(query, (message) => this.#askUdp(message));
    // It may have been closed meanwhile: a closed socket would throw.
    if (answer !== undefined && !this.#closed) this.#udp.send(answer, port, address, () => {});
  }

  /** @returns undefined for what is no question: nobody is answered */
  async #answer(query: Buffer, forward: (query: Buffer) => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    const question = questionOf(query);
    const addresses = question === undefined ? undefined : this.#options.lookup(question.name);
    if (question !== undefined && addresses !== undefined) return answerTo(query, question, addresses);
    // Nothing can answer what has no head.
    if (query.length < HEAD) return undefined;
    const failure = question && failureOf(query, question, SERVFAIL);
    if (this.#waiting >= MAX_WAITING) return failure;
    this.#waiting++;
    try {
      return (await forward(query)) ?? failure;
    } finally {
      this.#waiting--;
    }
  }

  /** A socket for each question: what is not from the resolver, on this port, is no answer. */
  async #askUdp(query: Buffer): Promise<Buffer | undefined> {
    const { resolver } = this.#options;
    const socket = createSocket(isIPv6(resolver.address) ? 'udp6' : 'udp4');
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const timer = setTimeout(() => resolve(undefined), TIMEOUT);
    socket.on('error', () => resolve(undefined));
    socket.on('message', (answer) => {
      if (answer.length >= 2 && answer.readUInt16BE(0) === query.readUInt16BE(0)) resolve(answer);
    });
    socket.connect(resolver.port, resolver.address, () => socket.send(query, () => {}));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      socket.close();
    }
  }

  async #askTcp(query: Buffer): Promise<Buffer | undefined> {
    const { resolver } = this.#options;
    const socket = connect({ host: resolver.address, port: resolver.port, timeout: TIMEOUT });
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', () => resolve(undefined));
    socket.on('timeout', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const whole = messageIn(received);
      if (whole !== undefined) resolve(whole);
      else if (received.length > MAX_TCP) resolve(undefined);
    });
    socket.write(framed(query));
    try {
      return await promise;
    } finally {
      socket.destroy();
    }
  }

  /** RFC 7766: messages with their length before them, one after another. */
  #serveTcp(socket: TcpSocket): void {
    this.#open.add(socket);
    let received: Buffer = Buffer.alloc(0);
    let answering = false;
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => {});
    socket.setTimeout(TIMEOUT * 2, () => socket.destroy());
    const next = async (): Promise<void> => {
      if (answering) return;
      answering = true;
      for (let query = messageIn(received); query !== undefined && !socket.destroyed; query = messageIn(received)) {
        received = received.subarray(2 + query.length);
        const answer = await this.#answer(query, (message) => this.#askTcp(message));
        // A client that sends queries and reads no answers must not fill the memory.
        if (answer === undefined || socket.writableLength > MAX_TCP) socket.destroy();
        else socket.write(framed(answer));
      }
      answering = false;
    };
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > MAX_TCP) socket.destroy();
      else next().catch(() => socket.destroy());
    });
  }

  close(): void {
    this.#closed = true;
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#open) socket.destroy();
  }
}

function messageIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 2) return undefined;
  const length = bytes.readUInt16BE(0);
  return bytes.length < 2 + length ? undefined : bytes.subarray(2, 2 + length);
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
