/** What becomes of one client's commands. */
import type { Logger } from '#kit/log.ts';
import {
  arrayHead,
  bulkReply,
  EMPTY,
  encodeCommand,
  errorReply,
  mapReply,
  nullReply,
  OK,
  PONG,
} from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import type { Client, Session } from './client.ts';
import { blocks, ruleOf } from './commands.ts';
import type { Routing } from './context.ts';
import { fanOut } from './fan-out.ts';
import { allOk, interleaved, joined, sumOf } from './merge.ts';
import { OwnConnections } from './own-connections.ts';
import { scan } from './scan.ts';
import { CROSS, printable } from './refusal.ts';
import type { Server } from './server.ts';
import type { Shards } from './shards.ts';
import { Subscriptions } from './subscriptions.ts';
import { Transaction } from './transaction.ts';

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
}

export class ShardSession implements Session, Routing {
  readonly client: Client;
  readonly context: SessionContext;
  protocol: 2 | 3 = 2;
  name = '';
  readonly own: OwnConnections;
  readonly #subscriptions: Subscriptions;
  #transaction: Transaction | undefined;
  #blocked = false;

  constructor(client: Client, context: SessionContext) {
    this.client = client;
    this.context = context;
    this.own = new OwnConnections(this);
    this.#subscriptions = new Subscriptions(this);
    client.session = this;
  }

  get shards(): Shards {
    return this.context.shards;
  }

  onCommand(command: Command): boolean {
    this.context.stats.onCommand();
    const name = command.text(0).toUpperCase();
    if (this.#transaction?.takes(name) === true) return this.#inTransaction(name, command);
    const rule = ruleOf(name);
    if (this.#subscriptions.active && this.protocol === 2 && !Subscriptions.allows(name))
      return this.#refuse(
        `ERR Can't execute '${name.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    switch (rule.route) {
      case 'keys':
        return blocks(name, command) ? this.#alone(name, command) : this.#forward(name, command);
      case 'own':
        return this.#alone(name, command);
      case 'split':
        return this.#split(name, command);
      case 'all':
        return this.#all(name, command);
      case 'any':
        this.anyServer().send(command.raw(), this.client.reply(), this.protocol, this.client.id);
        return true;
      case 'local':
        return this.#local(name, command);
      case 'refused':
        return this.#refuse(
          `ERR unknown command '${printable(name)}', or one that has no meaning for several servers behind an ambassador`,
        );
    }
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  onClose(): void {
    this.own.close();
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
    const places = ruleOf(name).keys(command);
    if (places === undefined) return 'ERR syntax error';
    let server: Server | undefined;
    for (const place of places) {
      const owner = this.#ownerOf(command, place);
      if (server !== undefined && owner !== server) return CROSS;
      server = owner;
    }
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
    this.client.answer(errorReply(text));
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

  /** A command that may wait: nothing else of this client is under way meanwhile, as with one server. */
  #alone(name: string, command: Command): boolean {
    const server = this.serverOf(name, command);
    if (typeof server === 'string') return this.#refuse(server);
    const raw = Buffer.from(command.raw());
    this.#blocked = true;
    this.own.whenIdle(() => {
      this.own.send(server ?? this.anyServer(), raw, this.client.reply(), () => {
        this.#blocked = false;
        this.client.go();
      });
    });
    return false;
  }

  #split(name: string, command: Command): boolean {
    const { client, context } = this;
    const step = name === 'MSET' ? 2 : 1;
    const places = ruleOf(name).keys(command)!;
    if (places.length === 0 || (step === 2 && command.length % 2 === 0))
      return this.#refuse(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
    const groups = new Map<Server, number[]>();
    for (const [index, place] of places.entries()) {
      const owner = this.#ownerOf(command, place);
      const group = groups.get(owner);
      if (group === undefined) groups.set(owner, [index]);
      else group.push(index);
    }
    if (groups.size === 1) {
      [...groups.keys()][0]!.send(command.raw(), client.reply(), this.protocol, client.id);
      return true;
    }
    context.stats.onFragments(groups.size);
    const targets = [...groups.keys()];
    fanOut(
      targets,
      client.reply(),
      (server, pending) => {
        const words: (string | Buffer)[] = [name];
        for (const index of groups.get(server)!)
          for (let extra = 0; extra < step; extra++) words.push(command.argument(places[index]! + extra));
        server.send(encodeCommand(words), pending, this.protocol, client.id);
      },
      (replies) =>
        name === 'MGET'
          ? interleaved(
              replies,
              targets.map((server) => groups.get(server)!),
              places.length,
            )
          : name === 'MSET'
            ? allOk(replies)
            : sumOf(replies),
    );
    return true;
  }

  #all(name: string, command: Command): boolean {
    const raw = command.raw();
    const merge = name === 'DBSIZE' ? sumOf : name === 'KEYS' ? joined : first;
    fanOut(
      this.shards.all,
      this.client.reply(),
      (server, pending) => server.send(raw, pending, this.protocol, this.client.id),
      merge,
    );
    return true;
  }

  #local(name: string, command: Command): boolean {
    const { client } = this;
    const argument = (index: number): string => (command.length > index ? command.text(index) : '');
    switch (name) {
      case 'PING':
        if (this.#subscriptions.active && this.protocol === 2) {
          client.answer(Buffer.concat([arrayHead(2), bulkReply('pong'), bulkReply(argument(1))]));
          return true;
        }
        client.answer(command.length > 1 ? bulkReply(argument(1)) : PONG);
        return true;
      case 'ECHO':
        client.answer(command.length === 2 ? bulkReply(argument(1)) : wrongNumber(name));
        return true;
      case 'SELECT':
        client.answer(
          argument(1) === '0' ? OK : errorReply('ERR SELECT is not allowed: an ambassador has database 0 alone'),
        );
        return true;
      case 'QUIT':
        client.answer(OK);
        client.end();
        return true;
      case 'AUTH':
        client.answer(errorReply('ERR the ambassador asks for no password: it gives the servers theirs itself'));
        return true;
      case 'HELLO':
        return this.#hello(command);
      case 'CLIENT':
        return this.#clientCommand(command);
      case 'RESET':
        this.protocol = 2;
        this.name = '';
        this.#subscriptions.close();
        client.answer(Buffer.from('+RESET\r\n'));
        return true;
      case 'SCAN':
        return scan(this, command);
      case 'MULTI':
      case 'WATCH':
        this.#transaction = new Transaction(this, this.own, () => (this.#transaction = undefined));
        return this.#inTransaction(name, command);
      case 'UNWATCH':
        client.answer(OK);
        return true;
      case 'EXEC':
      case 'DISCARD':
        return this.#refuse(`ERR ${name} without MULTI`);
      default:
        return this.#subscriptions.onCommand(name, command);
    }
  }

  #inTransaction(name: string, command: Command): boolean {
    return this.#transaction!.onCommand(name, command);
  }

  #hello(command: Command): boolean {
    let at = 1;
    const version = command.length > 1 ? command.text(at++) : String(this.protocol);
    if (version !== '2' && version !== '3') return this.#refuse('NOPROTO unsupported protocol version');
    for (; at < command.length; at++) {
      const word = command.text(at).toUpperCase();
      if (word === 'SETNAME' && at + 1 < command.length) this.name = command.text(++at);
      else if (word === 'AUTH' && at + 2 < command.length)
        return this.#refuse('ERR the ambassador asks for no password: it gives the servers theirs itself');
      else return this.#refuse(`ERR Syntax error in HELLO option '${printable(word)}'`);
    }
    if (this.protocol !== Number(version)) this.own.close();
    this.protocol = version === '3' ? 3 : 2;
    this.client.answer(
      mapReply(
        [
          ['server', 'sidecar-stacks-ambassador'],
          ['version', this.context.version],
          ['proto', this.protocol],
          ['id', this.client.id],
          ['mode', 'standalone'],
          ['role', 'master'],
          ['modules', []],
        ],
        this.protocol,
      ),
    );
    return true;
  }

  #clientCommand(command: Command): boolean {
    const { client } = this;
    const word = command.length > 1 ? command.text(1).toUpperCase() : '';
    switch (word) {
      case 'SETNAME':
        if (command.length !== 3) return this.#refuse("ERR wrong number of arguments for 'client|setname' command");
        if (/[^!-~]/.test(command.text(2)))
          return this.#refuse('ERR Client names cannot contain spaces, newlines or special characters.');
        this.name = command.text(2);
        client.answer(OK);
        return true;
      case 'GETNAME':
        client.answer(this.name === '' ? nullReply(this.protocol) : bulkReply(this.name));
        return true;
      case 'ID':
        client.answer(Buffer.from(`:${client.id}\r\n`));
        return true;
      case 'SETINFO':
      case 'NO-EVICT':
      case 'NO-TOUCH':
        client.answer(OK);
        return true;
      case 'INFO':
        client.answer(bulkReply(`id=${client.id} name=${this.name} db=0 resp=${this.protocol}\n`));
        return true;
      default:
        return this.#refuse(`ERR CLIENT ${printable(word)} is not answered by an ambassador`);
    }
  }
}

const first = (replies: readonly Buffer[]): Buffer => replies[0] ?? EMPTY;
const wrongNumber = (name: string): Buffer =>
  errorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
