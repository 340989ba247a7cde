/** Two connections whose bytes are each other's: opaque TCP, and what follows 101 (Switching Protocols). */
import type { Duplex } from 'node:stream';
import { reset } from '#proxy/sockets/reset.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import { memoryBudget, MemoryClaim, type MemoryOwner } from '#proxy/memory/budget.ts';
import { StreamWriter } from '#proxy/memory/stream-writer.ts';
import type { PooledBuffer } from '#proxy/upstream/buffers.ts';
import type { Cluster, Endpoint } from '#proxy/upstream/cluster.ts';
import type { UpstreamConnection, UpstreamUser } from '#proxy/upstream/connection.ts';
import { handle, type DownstreamHandler } from '../sockets/connection.ts';
import { DownstreamWriter } from './writer.ts';

/** Where a tunnel connects to. */
export interface TunnelTarget {
  readonly cluster: Cluster;
  readonly endpoint: Endpoint;
  /** What the endpoint gets first: a PROXY protocol header. */
  readonly preface?: Buffer;
}

export class Tunnel implements DownstreamHandler, UpstreamUser, MemoryOwner {
  readonly #context: ProxyContext;
  readonly #client: Duplex;
  readonly #writer: DownstreamWriter;
  readonly #upstream: UpstreamConnection;
  readonly #target: TunnelTarget | undefined;
  #deadline: number;
  /** Bytes that went through, either way. */
  #moved = 0;
  /** Towards the endpoint. */
  readonly #toUpstream: StreamWriter;
  readonly #claim = new MemoryClaim(memoryBudget, this);

  /** @param upstream a connection, or where to connect to */
  constructor(context: ProxyContext, client: Duplex, upstream: UpstreamConnection | TunnelTarget) {
    const { sweeper, settings } = context;
    this.#context = context;
    this.#client = client;
    this.#writer = new DownstreamWriter(client);
    if ('endpoint' in upstream) {
      this.#target = upstream;
      client.pause();
      upstream.endpoint.active++;
      this.#upstream = upstream.endpoint.connect(this);
      this.#deadline = sweeper.after(upstream.cluster.connectTimeout ?? settings.connectTimeout);
    } else {
      this.#upstream = upstream;
      upstream.user = this;
      this.#deadline = sweeper.after(settings.idleTimeout);
    }
    this.#toUpstream = new StreamWriter(this.#upstream.socket);
    if (this.#target?.preface) this.#toUpstream.write(this.#target.preface);
    sweeper.add(this);
    handle(client, this);
    if (this.#target) client.pause();
  }

  #touch(size = 0): void {
    this.#moved += size;
    this.#deadline = this.#context.sweeper.after(this.#context.settings.idleTimeout);
  }

  onClientData(chunk: Buffer): void {
    this.#touch(chunk.length);
    this.#toUpstream.write(chunk);
    if (!this.#toUpstream.blocked) return;
    this.#client.pause();
    this.#account();
  }
  onClientEnd(): void {
    this.#toUpstream.flush();
    this.#upstream.socket.end();
  }
  onClientDrain(): void {
    this.#account();
    this.#upstream.resume();
  }
  onClientClose(): void {
    this.#context.sweeper.remove(this);
    this.#claim.set(0);
    if (this.#target) this.#target.endpoint.active--;
    if (isReset(this.#client.errored)) reset(this.#upstream.socket);
    this.#upstream.destroy();
  }

  onUpstreamConnect(): void {
    this.#target?.cluster.onConnect?.(this.#target.endpoint);
    this.#touch();
    this.#client.resume();
  }
  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    this.#touch(end - start);
    this.#writer.write(buffer.bytes, start, end, this.#upstream.reading);
    if (this.#writer.ready) return true;
    this.#account();
    return false;
  }
  onUpstreamFinish(): void {
    this.#writer.flush();
    this.#client.end();
  }
  onUpstreamDrain(): void {
    this.#account();
    if (this.#client.isPaused()) this.#client.resume();
  }
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    if (!this.#upstream.connected) this.#unreachable(error?.code ?? 'closed');
    // An end that is already on its way is let through; anything else is an abort on both sides.
    else if (isReset(error)) reset(this.#client);
    else if (error !== undefined) this.#client.destroy();
    else if (!this.#client.writableEnded) {
      this.#writer.flush();
      this.#client.end();
    }
  }

  #unreachable(reason: string): void {
    this.#target?.cluster.onConnectFailure?.(this.#target.endpoint, reason);
    this.#context.stats.upstreamFailed(reason === 'timeout' ? 'connect_timeout' : 'connect');
    this.#client.destroy();
  }

  /** Count what is kept for either side. */
  #account(): void {
    this.#claim.set(this.#writer.kept + this.#toUpstream.length);
  }
  get taken(): number {
    return this.#moved;
  }
  shed(): void {
    this.#context.stats.downstreamRefused('memory');
    this.#client.destroy();
  }

  sweep(now: number): void {
    this.#account();
    if (now < this.#deadline) return;
    if (!this.#upstream.connected) this.#unreachable('timeout');
    else this.#client.destroy();
  }

  drain(): void {
    // Its protocol is not known, so neither is a good moment to end it: that is the deadline's.
  }

  destroy(): void {
    this.#client.destroy();
  }

  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#upstream.destroy();
    this.#client.destroy();
  }
}

/** The other side said that it knows nothing of the connection any more, or wants to hear nothing. */
const isReset = (error: Error | null | undefined): boolean =>
  (error as NodeJS.ErrnoException | null | undefined)?.code === 'ECONNRESET';
