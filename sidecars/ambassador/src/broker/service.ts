/** One service: a port for the application, and the servers behind it at the moment. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { Http1Downstream } from '#proxy/downstream/http1.ts';
import { PlainListener } from '#proxy/downstream/plain-listener.ts';
import { Filters, type Filter } from '#proxy/filters/filter.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import { httpSettings } from '../http.ts';
import type { Drain, Service } from './document.ts';
import { brokered, Endpoints, type HttpService } from './http.ts';
import { Servers } from './servers.ts';
import { PendingConnection, type Relayed, type TcpService } from './tcp.ts';

/** Times are looked at four times within this, in milliseconds: often enough for quiet moments. */
const SHORTEST = 400;

/** A day, in milliseconds: a timer's end. */
const LONGEST = 86_400_000;

export interface ServiceEnvironment {
  /** An IP address to listen on. */
  readonly address: string;
  readonly maxClients: number;
  /** How long a client waits while no server can be connected to, in milliseconds. */
  readonly wait: number;
  readonly log: Logger;
  readonly stats: ProxyStats;
  /** The first filters of HTTP, and the last ones. */
  readonly tracing: readonly Filter[];
  readonly accessLog: readonly Filter[];
  readonly onTry: (server: string) => void;
  readonly onAnswer: (server: string) => void;
  readonly onUnanswered: (service: string) => void;
  readonly onDrained: (service: string, moment: 'quiet' | 'limit') => void;
}

export class BrokeredService {
  readonly #environment: ServiceEnvironment;
  readonly #listener: PlainListener;
  readonly #endpoints: Endpoints;
  readonly #relayed = new Set<Relayed>();
  readonly #contexts: readonly ProxyContext[];
  #service: Service;
  #servers: Servers;

  constructor(service: Service, environment: ServiceEnvironment) {
    const { log, stats, address, maxClients, wait } = environment;
    this.#environment = environment;
    this.#service = service;
    this.#servers = new Servers(service.servers);
    const settings = httpSettings();
    const sweeper = new Sweeper(SHORTEST);
    this.#endpoints = new Endpoints({ sweeper, maxHeaderSize: settings.maxHeaderSize });
    const filter = brokered(this.#httpService(wait));
    const http: ProxyContext = {
      settings,
      log,
      stats,
      sweeper,
      filters: new Filters([...environment.tracing, filter, ...environment.accessLog]),
      cluster: { pick: () => undefined },
      draining: false,
    };
    // What is said on a connection of TCP is not known, so neither is when it has been silent for too long.
    const tcp: ProxyContext = { ...http, settings: { ...settings, idleTimeout: Infinity } };
    this.#contexts = [http, tcp];
    const tcpService = this.#tcpService(tcp, wait);
    this.#listener = new PlainListener({
      context: http,
      host: address,
      port: service.port,
      portParameter: `${service.name}.port`,
      maxConnections: maxClients,
      serve: (context, info) => {
        const { protocol } = this.#service;
        context.stats.downstreamProtocol(protocol === 'tcp' ? 'tcp' : 'http/1.1');
        return protocol === 'tcp' ? new PendingConnection(info.socket, tcpService) : new Http1Downstream(http, info);
      },
    });
  }

  #httpService(wait: number): HttpService {
    const { onTry, onAnswer, onUnanswered } = this.#environment;
    const servers = (): Servers => this.#servers;
    return {
      get servers() {
        return servers();
      },
      endpoints: this.#endpoints,
      wait,
      onTry,
      onAnswer,
      onUnanswered: () => onUnanswered(this.name),
    };
  }

  #tcpService(context: ProxyContext, wait: number): TcpService {
    const { onTry, onUnanswered, onDrained } = this.#environment;
    const now = (): { readonly servers: Servers; readonly drain: Drain } => ({
      servers: this.#servers,
      drain: this.#service.drain,
    });
    return {
      get servers() {
        return now().servers;
      },
      get drain() {
        return now().drain;
      },
      context,
      wait,
      connectTimeout: context.settings.connectTimeout,
      onTry,
      onConnected: (relayed) => this.#onConnected(relayed),
      onUnanswered: () => onUnanswered(this.name),
      onClosed: (relayed) => this.#relayed.delete(relayed),
      onDrained: (moment) => onDrained(this.name, moment),
    };
  }

  get name(): string {
    return this.#service.name;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** How long what is open may go on once the file no longer has it, in milliseconds. */
  get limit(): number {
    return Math.min(this.#service.drain.limit, LONGEST);
  }

  /** Why it can reach none of its servers; undefined while it can, or nobody has asked. */
  get wrong(): string | undefined {
    const { wrong } = this.#servers;
    return wrong === undefined ? undefined : `${this.name}: ${wrong}`;
  }

  /** Listen. @throws {ConfigurationError} when the port cannot be had */
  async open(): Promise<void> {
    await this.#listener.open();
  }

  /** What is under way at each server: connections of TCP, requests of HTTP. Those of the moment are always among them. */
  underWay(): { readonly connections: ReadonlyMap<string, number>; readonly requests: ReadonlyMap<string, number> } {
    this.#endpoints.release((name) => this.#servers.has(name));
    const connections = new Map<string, number>();
    const requests = new Map<string, number>();
    for (const name of this.#servers.names) (this.#service.protocol === 'tcp' ? connections : requests).set(name, 0);
    for (const { server } of this.#relayed) connections.set(server, (connections.get(server) ?? 0) + 1);
    for (const [name, active] of this.#endpoints) requests.set(name, active);
    return { connections, requests };
  }

  /**
   * Take what the file says now; its port is the same.
   * @returns whether it has other servers than before
   */
  update(service: Service): boolean {
    const before = this.#servers.names;
    const moved = before.join() !== new Servers(service.servers).names.join();
    this.#service = service;
    if (moved) {
      this.#servers = new Servers(service.servers);
      this.#endpoints.release((name) => this.#servers.has(name));
      this.#environment.log.info({ service: service.name, from: before, to: this.#servers.names }, 'moved');
    }
    // Also those that left earlier: how they are drained may be said anew.
    for (const relayed of this.#relayed) if (!this.#servers.has(relayed.server)) relayed.leave(service.drain);
    return moved;
  }

  /**
   * Come to an end: no further connections, what was begun finished.
   * @param patience milliseconds after which the rest is cut
   */
  async drain(patience: number): Promise<void> {
    for (const context of this.#contexts) context.draining = true;
    await this.#listener.drain(patience);
    this.#endpoints.close();
  }

  #onConnected(relayed: Relayed): void {
    this.#relayed.add(relayed);
    // It was moved while it connected.
    if (!this.#servers.has(relayed.server)) relayed.leave(this.#service.drain);
    if (this.#contexts[0]!.draining) relayed.drain();
  }
}
