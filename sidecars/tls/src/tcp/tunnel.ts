/** Two connections whose bytes are each other's: tcp mode, and what follows 101 (Switching Protocols). */
import type { Duplex } from 'node:stream';
import { handle, type ClientHandler } from '../client.ts';
import type { Plane } from '../plane.ts';
import type { Arena } from '../upstream/arena.ts';
import type { UpstreamConnection, UpstreamUser } from '../upstream/connection.ts';
import { Outlet } from '../upstream/outlet.ts';

export class Tunnel implements ClientHandler, UpstreamUser {
  readonly #plane: Plane;
  readonly #client: Duplex;
  readonly #outlet: Outlet;
  readonly #upstream: UpstreamConnection;
  #deadline: number;

  /**
   * @param upstream a connection, or 'connect' to make one
   * @param greeting what the application gets first
   */
  constructor(plane: Plane, client: Duplex, upstream: UpstreamConnection | 'connect', greeting?: Buffer) {
    this.#plane = plane;
    this.#client = client;
    this.#outlet = new Outlet(client);
    if (upstream === 'connect') {
      client.pause();
      this.#upstream = plane.pool.acquire(this, false, true);
      if (greeting) this.#upstream.socket.write(greeting);
      this.#deadline = plane.sweeper.after(plane.parameters.TLS_CONNECT_TIMEOUT);
    } else {
      this.#upstream = upstream;
      upstream.user = this;
      this.#deadline = plane.sweeper.after(plane.parameters.TLS_IDLE_TIMEOUT);
    }
    plane.sweeper.add(this);
    handle(client, this);
    if (upstream === 'connect') client.pause();
  }

  #touch(): void {
    this.#deadline = this.#plane.sweeper.after(this.#plane.parameters.TLS_IDLE_TIMEOUT);
  }

  onClientData(chunk: Buffer): void {
    this.#touch();
    if (!this.#upstream.socket.write(chunk)) this.#client.pause();
  }
  onClientEnd(): void {
    this.#upstream.socket.end();
  }
  onClientDrain(): void {
    this.#upstream.resume();
  }
  onClientClose(): void {
    this.#plane.sweeper.remove(this);
    this.#upstream.destroy();
  }

  onUpstreamConnect(): void {
    this.#plane.health.up();
    this.#touch();
    this.#client.resume();
  }
  onUpstreamData(arena: Arena, start: number, end: number): boolean {
    this.#touch();
    this.#outlet.write(arena.bytes, start, end, this.#upstream.reading);
    return this.#outlet.ready;
  }
  onUpstreamEnd(): void {
    this.#client.end();
  }
  onUpstreamDrain(): void {
    if (this.#client.isPaused()) this.#client.resume();
  }
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    if (!this.#upstream.connected) this.#unreachable(error?.code ?? 'closed');
    // An end that is already on its way is let through; anything else is an abort on both sides.
    else if (error !== undefined) this.#client.destroy();
    else if (!this.#client.writableEnded) this.#client.end();
  }

  #unreachable(reason: string): void {
    this.#plane.health.down(reason);
    this.#plane.tally.upstreamError(reason === 'timeout' ? 'connect_timeout' : 'connect');
    this.#client.destroy();
  }

  sweep(now: number): void {
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
}
