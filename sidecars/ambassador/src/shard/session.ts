/** What becomes of one client's commands. */
import type { Logger } from '#kit/telemetry/log.ts';
import { errorReply } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import type { Client, Session } from './client.ts';
import { blocks, isContainer, patternsOf, ruleOf, type Rule } from './commands/rules.ts';
import type { Routing } from './context.ts';
import { askEveryServer, isSlowEverywhere } from './every-server.ts';
import type { Pending } from './pending.ts';
import { answerItself, answersItself, pongOfSubscriber } from './local.ts';
import { answersOfClients } from './clients.ts';
import { OwnConnections } from './own-connections.ts';
import { scan } from './scan.ts';
import { splitByServer } from './split-by-server.ts';
import { CROSS, PATTERN, printable } from './refusal.ts';
import type { Server } from './server.ts';
import type { MisplacedKey, Shards } from './shards.ts';
import { Subscriptions } from './subscriptions.ts';
import { Transaction } from './transaction.ts';
import { WaitingCommand } from './waiting-command.ts';

export interface SessionStats {
  /** A command of a client. */
  onCommand(): void;
  /** Commands into which it was cut, when it was. */
  onFragments(count: number): void;
  /** A command that no server answered: the client was told an error. */
  onForwardError(): void;
}

export interface SessionContext {
  readonly shards: Shards;
  readonly log: Logger;
  readonly stats: SessionStats;
  readonly version: string;
  /** Commands that show or change the servers themselves are sent to every server. */
  readonly relayAdmin: boolean;
  /** Of all clients. */
  readonly sessions: ReadonlySet<ShardSession>;
  /** Moves keys to where they belong. @returns why that failed */
  readonly pull: (keys: readonly MisplacedKey[]) => Promise<string | undefined>;
}

export class ShardSession implements Session, Routing {
  readonly client: Client;
  readonly context: SessionContext;
  protocol: 2 | 3 = 2;
  name = '';
  lastCommand = '';
  readonly own: OwnConnections;
  readonly #subscriptions: Subscriptions;
  #transaction: Transaction | undefined;
  readonly #waiting: WaitingCommand;

  constructor(client: Client, context: SessionContext) {
    this.client = client;
    this.context = context;
    this.own = new OwnConnections(this);
    this.#subscriptions = new Subscriptions(this);
    this.#waiting = new WaitingCommand(client, this.own);
    client.session = this;
  }

  get shards(): Shards {
    return this.context.shards;
  }

  onCommand(command: Command): boolean {
    this.context.stats.onCommand();
    const name = command.text(0).toUpperCase();
    this.lastCommand = name.toLowerCase();
    if (name !== 'POST' && name !== 'HOST:') return this.#route(name, command);
    this.context.log.warn({ client: this.client.address }, 'HTTP reached the port: the connection is closed');
    this.client.close();
    return false;
  }

  #route(name: string, command: Command): boolean {
    const rule = ruleOf(name, command);
    if (this.shards.moving) {
      const misplaced = this.#misplaced(rule, command);
      if (misplaced.length > 0) {
        void this.#afterMoving(misplaced, name, rule, command);
        return false;
      }
    }
    return this.#carryOut(name, rule, command);
  }

  #carryOut(name: string, rule: Rule, command: Command): boolean {
    if (this.#transaction?.takes(name) === true) return this.#inTransaction(name, command);
    if (this.#subscriptions.active && this.protocol === 2) {
      if (name === 'PING') return this.#answer(pongOfSubscriber(command));
      if (!Subscriptions.allows(name))
        return this.#refuse(
          `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
        );
    }
    switch (rule.route) {
      case 'keys':
        return blocks(name, command) ? this.#alone(name, command) : this.#forward(name, command);
      case 'own':
        return this.#alone(name, command);
      case 'slow':
        return this.#slowly(name, command);
      case 'split':
        splitByServer(this, name, rule, command, (count) => this.context.stats.onFragments(count));
        return true;
      case 'all':
        return this.#all(name, command, isSlowEverywhere(name));
      case 'any':
        this.anyServer().send(command.raw(), this.client.reply(), this.protocol, this.client.id);
        return true;
      case 'local':
        return this.#local(name, command);
      case 'admin':
        if (!this.context.relayAdmin)
          return this.#refuse(`ERR ${printable(name)} is for the servers themselves: ADMIN_COMMANDS=relay allows it`);
        return rule.keys(command).length > 0 ? this.#slowly(name, command) : this.#all(name, command, true);
      case 'refused':
        return this.#refuse(
          isContainer(name)
            ? `ERR unknown subcommand '${printable(command.length > 1 ? command.text(1) : '')}'. Try ${printable(name)} HELP.`
            : `ERR unknown command '${printable(name)}', or one that has no meaning for several servers behind an ambassador`,
        );
    }
  }

  get version(): string {
    return this.context.version;
  }

  get relaysAdmin(): boolean {
    return this.context.relayAdmin;
  }

  get subscribed(): boolean {
    return this.#subscriptions.active;
  }

  onInputEnd(): void {
    this.#waiting.onInputEnd();
  }

  get blocked(): boolean {
    return this.#waiting.blocked;
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  /** End what its command waits for. @returns whether one does */
  unblock(how: 'ERROR' | 'TIMEOUT'): boolean {
    return this.#waiting.unblock(how);
  }

  /** Keys have other servers: what waits on an old one waits anew, where its keys are now; transactions are given up. */
  onServersChanged(): void {
    this.#transaction?.abort();
    this.#waiting.beginAnew();
  }

  /** Channels have other servers: a subscriber is closed, since it would miss messages, and subscribes anew. */
  onChannelsMoved(): void {
    if (this.#subscriptions.active) this.client.close();
  }

  onClose(): void {
    this.own.closeAll();
    this.#subscriptions.close();
  }

  onForwardError(): void {
    this.context.stats.onForwardError();
  }

  onInternalError(error: unknown): void {
    this.context.log.error({ err: error }, 'internal error');
  }

  /** The one server of a command's keys; a text says why there is none, undefined that it has no key. */
  serverOf(name: string, command: Command): Server | string | undefined {
    let server: Server | undefined;
    for (const place of ruleOf(name, command).keys(command)) {
      if (place >= command.length) break;
      const owner = this.#ownerOf(command, place);
      if (server !== undefined && owner !== server) return CROSS;
      server = owner;
    }
    if (this.shards.all.length === 1) return server;
    for (const place of patternsOf(name, command))
      if (this.shards.moving || this.shards.ofPattern(command.argument(place)) !== server) return PATTERN;
    return server;
  }

  /** A server for what any can answer. */
  anyServer(): Server {
    const { live } = this.shards;
    return live.find(({ down }) => down === undefined) ?? live[0]!;
  }

  #ownerOf(command: Command, place: number): Server {
    return this.shards.of(command.bytes, command.spans[2 * place]!, command.spans[2 * place + 1]!);
  }

  #refuse(text: string): boolean {
    return this.#answer(errorReply(text));
  }

  #answer(reply: Buffer): boolean {
    this.client.answer(reply);
    return true;
  }

  #forward(name: string, command: Command): boolean {
    const server = this.serverOf(name, command);
    if (typeof server === 'string') return this.#refuse(server);
    if (server === undefined) {
      // A script without keys may run anywhere; other commands lack an argument, which the server says.
      this.anyServer().send(command.raw(), this.client.reply(), this.protocol, this.client.id);
      return true;
    }
    server.send(command.raw(), this.client.reply(), this.protocol, this.client.id);
    return true;
  }

  /** Keys of a command that are on another server than their own. */
  #misplaced(rule: Rule, command: Command): MisplacedKey[] {
    const misplaced: MisplacedKey[] = [];
    for (const place of rule.keys(command)) {
      if (place >= command.length) continue;
      const key = command.argument(place);
      const from = this.shards.before(key, 0, key.length);
      if (from !== undefined) misplaced.push({ key: Buffer.from(key), from, to: this.#ownerOf(command, place) });
    }
    return misplaced;
  }

  /** No further command of this client is read meanwhile, so that this one stays as it is. */
  async #afterMoving(misplaced: readonly MisplacedKey[], name: string, rule: Rule, command: Command): Promise<void> {
    try {
      const wrong = await this.context.pull(misplaced);
      if (this.client.closed) return;
      if (wrong === undefined) {
        if (this.#carryOut(name, rule, command)) this.client.go();
        return;
      }
      this.onForwardError();
      this.client.answer(errorReply(`ERR ${wrong}`));
      this.client.go();
    } catch (error) {
      this.onInternalError(error);
      this.client.close();
    }
  }

  /** A command that may wait. */
  #alone(name: string, command: Command): boolean {
    const server = this.serverOf(name, command);
    if (typeof server === 'string') return this.#refuse(server);
    this.#waiting.begin(command, server ?? this.anyServer(), () => this.#route(name, command));
    return false;
  }

  /** A command that may take long: on another connection, and so nothing else of this client is under way meanwhile. */
  #slowly(name: string, command: Command): boolean {
    const server = this.serverOf(name, command);
    if (typeof server === 'string') return this.#refuse(server);
    this.own.whenIdle(() => {
      (server ?? this.anyServer()).sendSlow(command.raw(), this.#lastOfTurn(), this.protocol);
    });
    return false;
  }

  /** A reply after which the client's next command is read. */
  #lastOfTurn(): Pending {
    const { client } = this;
    const reply = client.reply();
    return {
      onReply: (part, last) => {
        reply.onReply(part, last);
        if (last) client.go();
      },
      onFailure: (reason) => {
        reply.onFailure(reason);
        client.go();
      },
      congested: (resume) => reply.congested(resume),
    };
  }

  #all(name: string, command: Command, slow: boolean): boolean {
    const { client, protocol } = this;
    if (!slow) {
      askEveryServer(this, name, command, client.reply(), (server, bytes, pending) =>
        server.send(bytes, pending, protocol, client.id),
      );
      return true;
    }
    this.own.whenIdle(() =>
      askEveryServer(this, name, command, this.#lastOfTurn(), (server, bytes, pending) =>
        server.sendSlow(bytes, pending, protocol),
      ),
    );
    return false;
  }

  #local(name: string, command: Command): boolean {
    switch (name) {
      case 'RESET':
        this.protocol = 2;
        this.name = '';
        this.#subscriptions.close();
        this.client.answer(Buffer.from('+RESET\r\n'));
        return true;
      case 'SCAN':
        return scan(this, command);
      case 'MULTI':
      case 'WATCH':
        this.#transaction = new Transaction(this, this.own, () => (this.#transaction = undefined));
        return this.#inTransaction(name, command);
      case 'EXEC':
      case 'DISCARD':
        return this.#refuse(`ERR ${name} without MULTI`);
      default:
        if (name === 'CLIENT' && this.context.relayAdmin && answersOfClients(this, this.context.sessions, command))
          return true;
        if (!answersItself(name)) return this.#subscriptions.onCommand(name, command);
        answerItself(this, name, command);
        return true;
    }
  }

  #inTransaction(name: string, command: Command): boolean {
    return this.#transaction!.onCommand(name, command);
  }
}
