/** The application's port, and the servers behind it. */
import { createServer, type Server as NetServer } from 'node:net';
import { listen } from '#kit/net/listen.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { RingOptions } from '../ring/ring.ts';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { errorReply } from '../resp/encode.ts';
import { Client, endSoon, type ClientLimits } from './client.ts';
import type { ShardMember } from '../ring/members.ts';
import { Mover } from './mover.ts';
import { Flushing } from './flushing.ts';
import { ReplyCollector } from './pending.ts';
import { Server, type ServerObserver } from './server.ts';
import type { CommandTracer, Login } from './server-connection.ts';
import { ShardSession, type SessionStats } from './session.ts';
import { Shards, type Weighted } from './shards.ts';

const DBSIZE = encodeCommand(['DBSIZE']);
/** A command that waits on an old server is ended before keys move, after this multiple of a reply's limit. */
const SETTLE = 10;

export interface ShardStats extends SessionStats {
  /** A client was one too many. */
  onRefused(): void;
  onClients(count: number): void;
  onServerRequest(server: string): void;
  onServerAnswer(server: string): void;
  onServerUp(server: string, up: boolean): void;
  onServerRemoved(server: string): void;
  onEject(server: string): void;
  onKeyMoved(): void;
}

export interface ShardPlaneOptions {
  readonly address: string;
  readonly port: number;
  readonly members: readonly ShardMember[];
  readonly ring: RingOptions;
  readonly login: Login;
  readonly timeout: number;
  readonly slowTimeout: number;
  readonly connections: number;
  readonly failureLimit: number;
  /** How long an ejected server stays out at least, in milliseconds; undefined: none is ejected. */
  readonly eject: number | undefined;
  /** Commands that show or change the servers themselves are sent to every server, and not refused. */
  readonly relayAdmin: boolean;
  readonly limits: ClientLimits;
  readonly maxClients: number;
  readonly stats: ShardStats;
  readonly log: Logger;
  readonly spans?: CommandTracer | undefined;
  readonly version: string;
}

export class ShardPlane implements ServerObserver {
  readonly #options: ShardPlaneOptions;
  readonly #flushing = new Flushing();
  readonly #shards: Shards;
  readonly #clients = new Set<Client>();
  readonly #sessions = new Set<ShardSession>();
  #mover: Mover | undefined;
  #closed = false;
  readonly #listener: NetServer;
  readonly #sweep: NodeJS.Timeout;
  readonly #returns = new Map<Server, number>();
  #ids = 0;

  constructor(options: ShardPlaneOptions) {
    this.#options = options;
    this.#shards = new Shards(
      options.members.map((member) => this.#weighted(member)),
      options.ring,
    );
    this.#listener = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.#clients.size >= options.maxClients) {
        socket.on('error', () => {});
        options.stats.onRefused();
        endSoon(socket, errorReply('ERR max number of clients reached'));
        return;
      }
      const client = new Client(++this.#ids, socket, options.limits, this.#flushing);
      const session = new ShardSession(client, {
        shards: this.#shards,
        log: options.log,
        stats: options.stats,
        version: options.version,
        relayAdmin: options.relayAdmin,
        sessions: this.#sessions,
        pull: async (keys) => this.#mover?.pull(keys),
      });
      this.#clients.add(client);
      this.#sessions.add(session);
      options.stats.onClients(this.#clients.size);
      socket.on('close', () => {
        this.#clients.delete(client);
        this.#sessions.delete(session);
        options.stats.onClients(this.#clients.size);
      });
    });
    this.#sweep = setInterval(() => this.#look(), Math.max(5, options.timeout / 8));
  }

  get port(): number {
    return (this.#listener.address() as { port: number }).port;
  }

  /** Why not all servers can be used; undefined when they can. */
  get wrong(): string | undefined {
    const wrong = this.#shards.all.flatMap(({ name, down, reached }) => {
      const why = down ?? (reached ? undefined : 'not reached yet');
      return why === undefined ? [] : [`${name}: ${why}`];
    });
    return wrong.length === 0 ? undefined : wrong.join('; ');
  }

  async open(): Promise<void> {
    for (const server of this.#shards.all) {
      this.#options.stats.onServerUp(server.name, false);
      server.probe();
    }
    await listen(this.#listener, { host: this.#options.address, port: this.#options.port }, 'AMBASSADOR_PORT');
  }

  /** No further clients; those that wait for a reply get it. @param patience in milliseconds */
  async drain(patience: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const client of this.#clients) client.end('the ambassador ends: this and later commands are not carried out');
    const timer = setTimeout(() => {
      for (const client of this.#clients) client.close();
    }, patience);
    await closed;
    clearTimeout(timer);
    clearInterval(this.#sweep);
    this.#closed = true;
    this.#mover?.close();
    for (const server of this.#shards.all) server.close();
  }

  /** Whether servers answer and hold nothing. @throws {Error} when one does not */
  async check(members: readonly ShardMember[]): Promise<void> {
    for (const member of members) {
      const { server } = this.#weighted(member);
      const { promise, resolve } = Promise.withResolvers<Buffer | Error>();
      server.send(DBSIZE, new ReplyCollector(1024, resolve), 2, 0);
      const answer = await promise;
      server.close();
      if (answer instanceof Error) throw answer;
      if (String(answer) !== ':0\r\n') throw new Error(`server ${member.name} is not empty: ${String(answer).trim()}`);
    }
  }

  /**
   * Use other servers, and move keys to where they belong then; the application goes on meanwhile.
   * @param members all of them: one that is known by its name stays, one that is missing is closed in the end
   * @returns when all keys have moved; false when it was ended before
   */
  async change(members: readonly ShardMember[]): Promise<boolean> {
    const { login, timeout } = this.#options;
    const before = this.#shards.all;
    const servers = members.map((member) => {
      const server = before.find(({ name }) => name === member.name);
      return server === undefined ? this.#weighted(member) : { server, weight: member.weight };
    });
    for (const { server } of servers) if (!before.includes(server)) server.probe();
    this.#shards.change(servers);
    for (const session of this.#sessions) session.onServersChanged();
    const settled = Promise.all(before.map((server) => server.settled(SETTLE * timeout))).then(() => {});
    const mover = new Mover(before, settled, {
      shards: this.#shards,
      login,
      timeout,
      onMoved: () => this.#options.stats.onKeyMoved(),
    });
    this.#mover = mover;
    await mover.run();
    if (this.#closed) return false;
    const left = this.#shards.moved();
    mover.finish();
    if (left.length > 0) for (const session of this.#sessions) session.onChannelsMoved();
    for (const server of left) {
      await server.settled(SETTLE * timeout);
      server.close();
      this.#options.stats.onServerRemoved(server.name);
    }
    return true;
  }

  #weighted(member: ShardMember): Weighted {
    const { login, connections, timeout, slowTimeout, failureLimit, spans } = this.#options;
    const options = {
      ...member,
      login,
      connections,
      timeout,
      slowTimeout,
      failureLimit,
      spans,
      flushing: this.#flushing,
    };
    return { weight: member.weight, server: new Server(options, this) };
  }

  onUp(server: Server): void {
    this.#options.stats.onServerUp(server.name, true);
    this.#options.log.info({ server: server.name }, 'server is up');
    if (this.#options.eject === undefined) return;
    const back = this.#returns.get(server);
    // `#look` puts it back when its time has come.
    if (back !== undefined && performance.now() < back) return;
    this.#returns.delete(server);
    this.#shards.restore(server);
  }

  onDown(server: Server, reason: string): void {
    this.#options.stats.onServerUp(server.name, false);
    this.#options.log.warn({ server: server.name, reason }, 'server is down');
    if (this.#options.eject === undefined || !this.#shards.eject(server)) return;
    this.#options.stats.onEject(server.name);
    this.#returns.set(server, performance.now() + this.#options.eject);
  }

  onSent(server: Server): void {
    this.#options.stats.onServerRequest(server.name);
  }

  onAnswer(server: Server): void {
    this.#options.stats.onServerAnswer(server.name);
  }

  #look(): void {
    const now = performance.now();
    this.#flushing.now = now;
    for (const server of this.#shards.all) server.sweep(now);
    for (const [server, back] of this.#returns)
      if (now >= back && server.down === undefined) {
        this.#returns.delete(server);
        this.#shards.restore(server);
      }
  }
}
