/** Connections that one client has for itself, a server at most one: for commands that wait, and for transactions. */
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { ReplyCollector, ignored, type Pending } from './pending.ts';
import type { ServerConnection } from './server-connection.ts';
import type { Server } from './server.ts';
import type { ClientContext } from './context.ts';

const CLIENT_ID = encodeCommand(['CLIENT', 'ID']);

export class OwnConnections {
  readonly #session: ClientContext;
  readonly #connections = new Map<Server, ServerConnection>();
  /** What the servers call the connections. */
  readonly #ids = new Map<Server, Promise<string>>();

  constructor(session: ClientContext) {
    this.#session = session;
  }

  /**
   * Send a command where no other client's are.
   * @param done its reply has come, or never will
   */
  send(server: Server, bytes: Buffer, pending: Pending, done: () => void = () => {}): void {
    let connection = this.#connections.get(server);
    if (connection === undefined || connection.closed) {
      const opened = server.open(this.#session.protocol, {
        onGone: () => {
          if (this.#connections.get(server) === opened) this.#connections.delete(server);
        },
      });
      connection = opened;
      this.#connections.set(server, connection);
      const { promise, resolve } = Promise.withResolvers<string>();
      opened.send(
        CLIENT_ID,
        new ReplyCollector(1024, (answer) => resolve(/^:(\d+)\r/.exec(String(answer))?.[1] ?? '')),
      );
      this.#ids.set(server, promise);
    }
    connection.send(bytes, {
      onReply(part, last) {
        pending.onReply(part, last);
        if (last) done();
      },
      onFailure(reason) {
        pending.onFailure(reason);
        done();
      },
      congested: (resume) => pending.congested?.(resume) === true,
    });
  }

  /** Whether there is one to a server. */
  alive(server: Server): boolean {
    return this.#connections.get(server)?.closed === false;
  }

  /**
   * End what a command waits for, unless it got its reply before.
   * @param how its reply is -UNBLOCKED, or that of its timeout
   */
  unblock(server: Server, how: 'ERROR' | 'TIMEOUT' = 'ERROR'): void {
    void this.#ids.get(server)?.then((id) => {
      if (id !== '') server.send(encodeCommand(['CLIENT', 'UNBLOCK', id, how]), ignored, 2, this.#session.client.id);
    });
  }

  /** Once all replies that this client waits for have come: its commands keep their order over different connections. */
  whenIdle(then: () => void): void {
    const { client } = this.#session;
    if (client.closed) return;
    if (client.waiting === 0) then();
    else client.whenAnswered(then);
  }

  /** End the one to a server: its commands fail for this reason. */
  close(server: Server, reason: string): void {
    this.#connections.get(server)?.close(reason);
  }

  closeAll(): void {
    for (const connection of this.#connections.values()) connection.close('the client is gone');
  }
}
