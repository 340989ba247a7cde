/** The application's port, and the servers behind it. */
import { createServer, type Server as NetServer } from 'node:net';
import { listen } from '#kit/listen.ts';
import type { Logger } from '#kit/log.ts';
import type { RingOptions } from '../ring/ring.ts';
import { errorReply } from '../resp/encode.ts';
import { Client, endSoon, type ClientLimits } from './client.ts';
import { Flushing } from './flushing.ts';
import { Server, type ServerObserver } from './server.ts';
import { ShardSession, type SessionStats } from './session.ts';
import { Shards } from './shards.ts';

export interface ShardMember {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly name: string;
}

export interface ShardStats extends SessionStats {
  onClients(count: number): void;
  onServerRequest(server: string): void;
  onServerAnswer(server: string): void;
  onServerUp(server: string, up: boolean): void;
  onEject(server: string): void;
}

export interface ShardPlaneOptions {
  readonly address: string;
  readonly port: number;
  readonly members: readonly ShardMember[];
  readonly ring: RingOptions;
  readonly password: string | undefined;
  readonly timeout: number;
  readonly connections: number;
  readonly failureLimit: number;
  /** How long an ejected server stays out at least, in milliseconds; undefined: none is ejected. */
  readonly eject: number | undefined;
  readonly limits: ClientLimits;
  readonly maxClients: number;
  readonly stats: ShardStats;
  readonly log: Logger;
  readonly version: string;
}

export class ShardPlane implements ServerObserver {
  readonly #options: ShardPlaneOptions;
  readonly #flushing = new Flushing();
  readonly #shards: Shards;
  readonly #clients = new Set<Client>();
  readonly #listener: NetServer;
  readonly #sweep: NodeJS.Timeout;
  readonly #returns = new Map<Server, number>();
  #ids = 0;

  constructor(options: ShardPlaneOptions) {
    this.#options = options;
    this.#shards = new Shards(
      options.members.map((member) => ({
        weight: member.weight,
        server: new Server(
          {
            ...member,
            password: options.password,
            connections: options.connections,
            timeout: options.timeout,
            failureLimit: options.failureLimit,
            flushing: this.#flushing,
          },
          this,
        ),
      })),
      options.ring,
    );
    this.#listener = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.#clients.size >= options.maxClients) {
        socket.on('error', () => {});
        endSoon(socket, errorReply('ERR max number of clients reached'));
        return;
      }
      const client = new Client(++this.#ids, socket, options.limits, this.#flushing);
      const session = new ShardSession(client, {
        shards: this.#shards,
        log: options.log,
        stats: options.stats,
        version: options.version,
      });
      this.#clients.add(client);
      options.stats.onClients(this.#clients.size);
      socket.on('close', () => {
        this.#clients.delete(client);
        options.stats.onClients(this.#clients.size);
      });
      void session;
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
    for (const client of this.#clients) client.end();
    const timer = setTimeout(() => {
      for (const client of this.#clients) client.close();
    }, patience);
    await closed;
    clearTimeout(timer);
    clearInterval(this.#sweep);
    for (const server of this.#shards.all) server.close();
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
