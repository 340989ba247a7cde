/**
 * MULTI … EXEC, and WATCH before it: on one server, that of its first key. What comes before the
 * first key is kept; a key of another server fails the transaction, as an unknown command would.
 */
import { EMPTY, errorReply, OK, QUEUED } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import { ruleOf } from './commands/rules.ts';
import { ignored } from './pending.ts';
import type { Server } from './server.ts';
import type { Routing } from './context.ts';
import type { OwnConnections } from './own-connections.ts';
import { CROSS, printable } from './refusal.ts';

/** Commands that are kept before the first key. */
const MAX_KEPT = 1000;
const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const OWN = new Set(['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH', 'QUIT', 'RESET']);
/** Of those that are no server's otherwise: with one server also messages are sent by it. */
const PASSED = new Set(['PING', 'ECHO', 'UNWATCH']);
const PASSED_TO_ONE = new Set(['PUBLISH', 'SPUBLISH']);
const DISCARD = Buffer.from('*1\r\n$7\r\nDISCARD\r\n');
const UNWATCH = Buffer.from('*1\r\n$7\r\nUNWATCH\r\n');
const LOST = 'ERR the connection to the server was lost, or the servers changed: nothing of the transaction was done';
const ABORTED = 'EXECABORT Transaction discarded because of previous errors.';

export class Transaction {
  readonly #session: Routing;
  readonly #own: OwnConnections;
  readonly #over: () => void;
  #server: Server | undefined;
  /** After MULTI, and not before it, after a WATCH. */
  #multi = false;
  #broken = false;
  #aborted = false;
  #kept: Buffer[] = [];

  /** @param over it has come to its end */
  constructor(session: Routing, own: OwnConnections, over: () => void) {
    this.#session = session;
    this.#own = own;
    this.#over = over;
  }

  /** Whether a command is its affair: between WATCH and MULTI a client reads as usual. */
  takes(name: string): boolean {
    return this.#multi || OWN.has(name);
  }

  /** @returns false: no more commands until the client is told to go on */
  onCommand(name: string, command: Command): boolean {
    const { client } = this.#session;
    switch (name) {
      case 'MULTI':
        return this.#multi ? this.#break('ERR MULTI calls can not be nested') : this.#begin();
      case 'WATCH':
        return this.#multi ? this.#break('ERR WATCH inside MULTI is not allowed') : this.#watch(command);
      case 'EXEC':
        if (!this.#multi) return this.#refuse('ERR EXEC without MULTI');
        return this.#exec(command);
      case 'DISCARD':
        if (!this.#multi) return this.#refuse('ERR DISCARD without MULTI');
        if (this.#lost) this.#server = undefined;
        return this.#finish(command, OK);
      case 'UNWATCH':
        if (this.#multi) break;
        if (this.#lost) this.#server = undefined;
        return this.#finish(command, OK);
      case 'QUIT':
      case 'RESET':
        this.#giveUp();
        this.#leave();
        return this.#session.onCommand(command);
    }
    if (!this.#allows(name, command))
      return this.#break(`ERR '${printable(name.toLowerCase())}' is not allowed in a transaction behind an ambassador`);
    const server = this.#session.serverOf(name, command);
    if (typeof server === 'string') return this.#break(server);
    if (server !== undefined && this.#server !== undefined && server !== this.#server) return this.#break(CROSS);
    if (server === undefined && this.#server === undefined) {
      if (this.#kept.length >= MAX_KEPT)
        return this.#break('ERR too many commands before the first key of a transaction');
      this.#kept.push(command.copy());
      client.answer(QUEUED);
      return true;
    }
    if (this.#server === undefined) this.#choose(server!);
    return this.#onServer(command);
  }

  #allows(name: string, command: Command): boolean {
    const single = this.#session.shards.all.length === 1;
    switch (ruleOf(name, command).route) {
      case 'refused':
        return false;
      case 'local':
        return PASSED.has(name) || (single && PASSED_TO_ONE.has(name));
      case 'admin':
        // A pause holds up the transaction's own server.
        return this.#session.relaysAdmin && (single || (name === 'DEBUG' && command.text(1).toUpperCase() === 'SLEEP'));
      case 'all':
        return single;
      default:
        return true;
    }
  }

  /** The servers change: what was begun is given up, since its keys may move. */
  abort(): void {
    if (this.#server === undefined) return;
    this.#giveUp();
    this.#aborted = true;
  }

  /** What was begun went away with its connection. */
  get #lost(): boolean {
    return this.#aborted || (this.#begun && !this.#own.alive(this.#server!));
  }

  /** What is read from now on must be what the server watches: the next command waits for its answer. */
  #watch(command: Command): boolean {
    const { client } = this.#session;
    const server = this.#session.serverOf('WATCH', command);
    if (typeof server === 'string') return this.#refuse(server);
    if (server === undefined) return this.#refuse("ERR wrong number of arguments for 'watch' command");
    if (this.#server !== undefined && server !== this.#server) return this.#refuse(CROSS);
    if (this.#lost) return this.#refuse(LOST);
    this.#server = server;
    this.#own.whenIdle(() => {
      this.#begun = true;
      this.#own.send(server, command.raw(), client.reply(), () => client.go());
    });
    return false;
  }

  #begin(): boolean {
    this.#multi = true;
    const { client } = this.#session;
    const server = this.#server;
    if (server === undefined) {
      client.answer(OK);
      return true;
    }
    // Between WATCH and here it has used other connections.
    this.#own.whenIdle(() => {
      this.#broken = this.#lost;
      if (this.#broken) client.answer(OK);
      else this.#own.send(server, MULTI, client.reply());
      client.go();
    });
    return false;
  }

  #choose(server: Server): void {
    this.#server = server;
    this.#own.send(server, MULTI, ignored);
    for (const bytes of this.#kept.splice(0)) this.#own.send(server, bytes, ignored);
  }

  /** Send on the own connection, once what came before on others is answered. */
  #onServer(command: Command): boolean {
    const own = this.#own;
    const { client } = this.#session;
    const bytes = command.raw();
    const server = this.#server!;
    if (this.#lost) return this.#break(LOST);
    if (this.#begun) {
      own.send(server, bytes, client.reply());
      return true;
    }
    this.#begun = true;
    own.whenIdle(() => {
      // MULTI was sent before: without it, a command would be done at once.
      if (this.#lost) this.#break(LOST);
      else own.send(server, bytes, client.reply());
      client.go();
    });
    return false;
  }

  /** Something was sent on the own connection by now. */
  #begun = false;

  #exec(command: Command): boolean {
    const { client } = this.#session;
    if (this.#broken || this.#lost) {
      this.#giveUp();
      this.#leave();
      client.answer(errorReply(ABORTED));
      return true;
    }
    // Without a key nothing is at stake: any server may do it.
    if (this.#server === undefined && this.#kept.length > 0) this.#choose(this.#session.anyServer());
    return this.#finish(command, EMPTY);
  }

  /** @param otherwise the answer where no server is concerned */
  #finish(command: Command, otherwise: Buffer): boolean {
    const own = this.#own;
    const { client } = this.#session;
    const server = this.#server;
    this.#leave();
    if (server === undefined) {
      client.answer(otherwise);
      return true;
    }
    // Later commands go elsewhere: they wait for this one.
    own.send(server, command.raw(), client.reply(), () => client.go());
    return false;
  }

  /** Undo what was begun on the own connection: it is used again. */
  #giveUp(): void {
    if (this.#aborted || this.#server === undefined || !this.#own.alive(this.#server)) return;
    this.#own.send(this.#server, this.#multi ? DISCARD : UNWATCH, ignored);
  }

  #leave(): void {
    this.#over();
  }

  #refuse(text: string): boolean {
    this.#session.client.answer(errorReply(text));
    return true;
  }

  #break(text: string): boolean {
    this.#broken = true;
    return this.#refuse(text);
  }
}
