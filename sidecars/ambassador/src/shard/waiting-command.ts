/** The command of a client that may wait for ever: nothing else of this client is under way meanwhile. */
import type { Command } from '../resp/request-reader.ts';
import type { Client } from './client.ts';
import type { OwnConnections } from './own-connections.ts';
import type { Server } from './server.ts';

const INPUT_ENDED = 'the client has ended its side: a command that may wait is given up';
const UNBLOCKED = /^-UNBLOCKED/;

export class WaitingCommand {
  readonly #client: Client;
  readonly #own: OwnConnections;
  /** Where it waits; undefined while there is none. */
  #server: Server | undefined;
  /** Its place has changed: it has to begin anew. */
  #again = false;
  #inputEnded = false;

  constructor(client: Client, own: OwnConnections) {
    this.#client = client;
    this.#own = own;
  }

  /** Whether there is one. */
  get blocked(): boolean {
    return this.#server !== undefined;
  }

  /**
   * Send it on a connection of the client's own, once what was sent before is answered.
   * @param route begins it anew, at another server perhaps. @returns true to go on with the client's commands
   */
  begin(command: Command, server: Server, route: () => boolean): void {
    this.#own.whenIdle(() => this.#send(command, server, route));
  }

  onInputEnd(): void {
    this.#inputEnded = true;
    if (this.#server !== undefined) this.#own.close(this.#server, INPUT_ENDED);
  }

  /** End it. @param how its reply is an error, or that of its timeout. @returns whether there is one */
  unblock(how: 'ERROR' | 'TIMEOUT'): boolean {
    if (this.#server === undefined) return false;
    this.#own.unblock(this.#server, how);
    return true;
  }

  /** Keys have other servers: it waits anew, where its keys are now. */
  beginAnew(): void {
    if (this.#server === undefined) return;
    this.#again = true;
    this.#own.unblock(this.#server);
  }

  #send(command: Command, server: Server, route: () => boolean): void {
    const client = this.#client;
    this.#server = server;
    this.#again = false;
    const reply = client.reply();
    if (this.#inputEnded) {
      reply.giveUp(INPUT_ENDED);
      return this.#ended();
    }
    this.#own.send(server, command.raw(), {
      onReply: (part, last) => {
        // Not what the client asked for: it waits on.
        if (this.#again && last && reply.parts.length === 0 && UNBLOCKED.test(part.toString('latin1', 0, 16))) {
          reply.cancel();
          this.#server = undefined;
          if (route()) client.go();
          return;
        }
        reply.onReply(part, last);
        if (last) this.#ended();
      },
      onFailure: (reason) => {
        if (this.#inputEnded) reply.giveUp(reason);
        else reply.onFailure(reason);
        this.#ended();
      },
    });
  }

  #ended(): void {
    this.#server = undefined;
    this.#client.go();
  }
}
