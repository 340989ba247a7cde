/**
 * Connecting for a connection that is passed on as it is: to one endpoint after the other until an application takes
 * it. What the client sends first is on its way to the first of them, and kept for the next ones.
 */
import type { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import { reset } from '#proxy/sockets/reset.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { handle, type DownstreamHandler } from '#proxy/sockets/connection.ts';
import { Tunnel } from '#proxy/downstream/tunnel.ts';
import type { PooledBuffer } from '#proxy/upstream/buffers.ts';
import type { Endpoint } from '#proxy/upstream/cluster.ts';
import type { UpstreamConnection, UpstreamUser } from '#proxy/upstream/connection.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import { behind } from '../cluster/unreached.ts';
import { ELSEWHERE } from '../filters/retry.ts';
import { MAX_RETRIED_BODY } from '../policy/retry-rules.ts';
import { MESH_TCP_ACK } from '../security/contexts.ts';
import { ACCEPTED, DENIED, refusalIn, refusalOf } from './acceptance.ts';
import type { Connection } from '../stream-info/connection.ts';
import { FinalReply } from './final-reply.ts';

/** Reasons of this side; others are the system's, or what the proxy behind said. */
export const UNCONFIRMED = 'unconfirmed';
export const TIMEOUT = 'timeout';

/** What failures are called in a metric; `connect` where they have no name of their own. */
const LABELS: Readonly<{ [reason: string]: string }> = {
  [TIMEOUT]: 'connect_timeout',
  [UNCONFIRMED]: 'closed',
  [DENIED]: 'denied',
};

export class Dial implements DownstreamHandler, UpstreamUser {
  /** Endpoints that were tried, the last one last. */
  readonly tried: Endpoint[] = [];
  /** Why the last one did not take the connection; undefined where it did, or has not answered yet. */
  failure: string | undefined;
  /** There were further endpoints, and enough had been tried. */
  exhausted = false;
  /** Bytes that were said to the caller's proxy, and are not the application's. */
  said = 0;
  readonly #context: ProxyContext;
  readonly #connection: Connection;
  readonly #client: Socket;
  readonly #cluster: MeshCluster;
  #upstream: UpstreamConnection | undefined;
  #deadline = Infinity;
  /** What the client sent. */
  #held: Buffer[] = [];
  #size = 0;
  #ended = false;
  /** The endpoint's proxy is to say whether its application takes the connection. */
  #waits = false;
  /** What it has said of that so far. */
  #word = '';

  /** @param endpoint the first one to try */
  constructor(context: ProxyContext, connection: Connection, cluster: MeshCluster, endpoint: Endpoint) {
    this.#context = context;
    this.#connection = connection;
    this.#client = connection.socket;
    this.#cluster = cluster;
    handle(this.#client, this);
    context.sweeper.add(this);
    this.#try(endpoint);
  }

  /** The endpoint that was tried last, or has taken the connection. */
  get endpoint(): Endpoint {
    return this.tried.at(-1)!;
  }

  #try(endpoint: Endpoint): void {
    const { sweeper, settings } = this.#context;
    this.failure = undefined;
    this.#waits = false;
    this.#word = '';
    this.#client.pause();
    this.tried.push(endpoint);
    this.#deadline = sweeper.after(this.#cluster.connectTimeout ?? settings.connectTimeout);
    endpoint.active++;
    this.#upstream = endpoint.connect(this);
  }

  // The client.

  onClientData(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#size += chunk.length;
    if (this.#waits) this.#upstream!.socket.write(chunk);
    if (!this.#waits || this.#size >= MAX_RETRIED_BODY) this.#client.pause();
  }
  onClientEnd(): void {
    this.#ended = true;
    if (this.#waits) this.#upstream!.socket.end();
  }
  onClientDrain(): void {}
  onClientClose(): void {
    this.leave();
  }

  // The endpoint.

  onUpstreamConnect(): void {
    const { socket } = this.#upstream!;
    for (const chunk of this.#held) socket.write(chunk);
    if (this.#ended) socket.end();
    if ((socket as Partial<TLSSocket>).alpnProtocol !== MESH_TCP_ACK) {
      this.#accept();
      return;
    }
    this.#waits = true;
    // The other proxy gives its application as long as this one gives an endpoint, and says so when that is over.
    this.#deadline = this.#context.sweeper.after(2 * this.#context.settings.connectTimeout);
    if (this.#size < MAX_RETRIED_BODY) this.#client.resume();
  }

  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    if (this.#word === '' && buffer.bytes[start] === ACCEPTED[0]) {
      const tunnel = this.#accept();
      return start + 1 === end || tunnel.onUpstreamBytes(buffer, start + 1, end);
    }
    this.#word += buffer.bytes.toString('latin1', start, end);
    const reason = refusalIn(this.#word);
    if (reason === undefined) return true;
    // A peer that sends neither is no proxy of this mesh: the bytes may or may not have arrived.
    this.#fail(reason === false ? UNCONFIRMED : reason === DENIED ? DENIED : behind(reason));
    return false;
  }

  onUpstreamFinish(): void {
    this.#fail(UNCONFIRMED);
  }
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    this.#fail(this.#waits ? UNCONFIRMED : (error?.code ?? 'closed'));
  }
  onUpstreamDrain(): void {}

  /** From here on the bytes of both are each other's. */
  #accept(): Tunnel {
    const upstream = this.#upstream!;
    this.#context.sweeper.remove(this);
    this.#held = [];
    this.#cluster.onConnect(this.endpoint);
    if (this.#connection.answers) {
      this.#client.write(ACCEPTED);
      this.said = ACCEPTED.length;
    }
    const tunnel = new Tunnel(this.#context, this.#client, upstream);
    if (!upstream.socket.writableNeedDrain) this.#client.resume();
    return tunnel;
  }

  #fail(reason: string): void {
    const { stats } = this.#context;
    // What was sent and not refused may have reached the application: it is not sent again.
    const untouched = reason !== UNCONFIRMED || this.#size === 0;
    this.failure = reason;
    this.endpoint.active--;
    this.#upstream!.destroy();
    this.#upstream = undefined;
    stats.upstreamFailed(LABELS[reason] ?? 'connect');
    if (reason !== DENIED) {
      this.#cluster.onConnectFailure(this.endpoint);
      if (untouched && this.#tryElsewhere()) return;
    }
    this.#giveUp(reason);
  }

  #tryElsewhere(): boolean {
    if (this.tried.length >= this.#cluster.serving) return false;
    if (this.tried.length > ELSEWHERE) {
      this.exhausted = true;
      return false;
    }
    const next = this.#cluster.pick({ downstream: this.#connection, tried: this.tried });
    if (next === undefined || this.tried.includes(next)) return false;
    this.#try(next);
    return true;
  }

  #giveUp(reason: string): void {
    this.leave();
    if (!this.#connection.answers) {
      // As near to a refused connection as one that was accepted can come.
      reset(this.#client);
      return;
    }
    const word = refusalOf(reason);
    this.said = word.length;
    new FinalReply(this.#context, this.#client, word);
  }

  /** The client is gone, or nobody waits any more. */
  leave(): void {
    this.#context.sweeper.remove(this);
    this.#held = [];
    if (this.#upstream === undefined) return;
    this.endpoint.active--;
    this.#upstream.destroy();
    this.#upstream = undefined;
  }

  sweep(now: number): void {
    if (now < this.#deadline) return;
    this.#fail(this.#waits ? UNCONFIRMED : TIMEOUT);
  }
  drain(): void {
    // As with what has been taken: its protocol is not known, and so no good moment to end it.
  }
  destroy(): void {
    this.#client.destroy();
  }
  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#client.destroy();
  }
}
