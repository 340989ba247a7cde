/**
 * Publish and subscribe: a channel belongs to the server that a key of its name would belong to,
 * patterns to every server. Each subscriber has connections of its own.
 */
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { bulkReply, errorReply, nullReply } from '../resp/encode.ts';
import { flatElements } from '../resp/flat.ts';
import type { Command } from '../resp/request-reader.ts';
import { fanOut } from './fan-out.ts';
import { joined, largestOf, sumsByName } from './merge.ts';
import type { Reply } from './reply.ts';
import type { ServerConnection } from './server-connection.ts';
import type { Server } from './server.ts';
import type { ClientContext } from './context.ts';
import { printable } from './refusal.ts';

const ALLOWED = new Set(
  'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE PING QUIT RESET'.split(' '),
);
/** Channels and patterns of one client. */
const MAX_SUBSCRIPTIONS = 10_000;
/** Longest message that is taken apart, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024;

type Kind = '' | 'p' | 's';

export class Subscriptions {
  readonly #session: ClientContext;
  readonly #names: Record<Kind, Set<string>> = { '': new Set(), p: new Set(), s: new Set() };
  readonly #connections = new Map<Server, ServerConnection>();
  /** Subscriptions that not all servers have confirmed. */
  readonly #awaited = new Map<string, { left: number; reply: Reply; text: Buffer }>();
  #parts: Buffer[] = [];
  #size = 0;

  constructor(session: ClientContext) {
    this.#session = session;
  }

  /** Whether a RESP2 client may send a command while it is subscribed. */
  static allows(name: string): boolean {
    return ALLOWED.has(name);
  }

  get active(): boolean {
    return this.#names[''].size + this.#names.p.size + this.#names.s.size > 0;
  }

  onCommand(name: string, command: Command): boolean {
    const { client } = this.#session;
    const words = Array.from({ length: command.length - 1 }, (_, index) => command.text(index + 1));
    switch (name) {
      case 'SUBSCRIBE':
      case 'PSUBSCRIBE':
      case 'SSUBSCRIBE': {
        if (words.length === 0) return this.#refuse(name);
        const kind = kindOf(name);
        for (const word of words) this.#subscribe(kind, word);
        return true;
      }
      case 'UNSUBSCRIBE':
      case 'PUNSUBSCRIBE':
      case 'SUNSUBSCRIBE': {
        const kind = kindOf(name);
        const names = words.length > 0 ? words : [...this.#names[kind]];
        for (const word of names.length > 0 ? names : [undefined]) this.#unsubscribe(kind, word);
        return true;
      }
      case 'PUBLISH':
      case 'SPUBLISH': {
        if (words.length !== 2) return this.#refuse(name);
        const server = this.#serverOf(words[0]!);
        server.send(command.raw(), client.reply(), this.#session.protocol, client.id);
        return true;
      }
      default:
        return this.#about(command);
    }
  }

  /** PUBSUB: what all servers know together. */
  #about(command: Command): boolean {
    const { client, shards, protocol } = this.#session;
    const word = command.length > 1 ? command.text(1).toUpperCase() : '';
    const merge = Object.hasOwn(MERGES, word) ? MERGES[word] : undefined;
    if (merge === undefined) {
      client.answer(errorReply(`ERR PUBSUB ${printable(word)} is not answered by an ambassador`));
      return true;
    }
    const raw = command.raw();
    fanOut(shards.all, client.reply(), (server, pending) => server.send(raw, pending, protocol, client.id), merge);
    return true;
  }

  close(): void {
    // First: a connection that is lost while there are subscriptions closes the client.
    for (const names of Object.values(this.#names)) names.clear();
    for (const connection of this.#connections.values()) connection.close('the client is gone');
  }

  #refuse(name: string): boolean {
    this.#session.client.answer(errorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`));
    return true;
  }

  #serverOf(channel: string): Server {
    const bytes = Buffer.from(channel, 'latin1');
    return this.#session.shards.ofChannel(bytes);
  }

  #servers(kind: Kind, name: string): readonly Server[] {
    return kind === 'p' ? this.#session.shards.broadcasting : [this.#serverOf(name)];
  }

  #subscribe(kind: Kind, name: string): void {
    const { client } = this.#session;
    const names = this.#names[kind];
    if (names.size >= MAX_SUBSCRIPTIONS) return client.answer(errorReply('ERR too many subscriptions'));
    const known = names.has(name);
    names.add(name);
    const word = `${kind}subscribe`;
    const text = this.#confirmation(word, kind, name);
    if (known) return client.reply(true).onReply(text, true);
    const servers = this.#servers(kind, name);
    // Only once all of them know is nothing missed that is published after it.
    this.#awaited.set(`${word} ${name}`, { left: servers.length, reply: client.reply(true), text });
    for (const server of servers) this.#connection(server).sendUnanswered(encodeCommand([word, name]));
  }

  #unsubscribe(kind: Kind, name: string | undefined): void {
    if (name !== undefined && this.#names[kind].delete(name))
      for (const server of this.#servers(kind, name))
        this.#connections.get(server)?.sendUnanswered(encodeCommand([`${kind}unsubscribe`, name]));
    this.#session.client.reply(true).onReply(this.#confirmation(`${kind}unsubscribe`, kind, name), true);
    if (!this.active) this.close();
  }

  /** Servers count what they know; the client counts everything. */
  #confirmation(word: string, kind: Kind, name: string | undefined): Buffer {
    const { protocol } = this.#session;
    const count = kind === 's' ? this.#names.s.size : this.#names[''].size + this.#names.p.size;
    return Buffer.concat([
      Buffer.from(protocol === 3 ? '>3\r\n' : '*3\r\n'),
      bulkReply(word),
      name === undefined ? nullReply(protocol) : bulkReply(name),
      Buffer.from(`:${count}\r\n`),
    ]);
  }

  #connection(server: Server): ServerConnection {
    const known = this.#connections.get(server);
    if (known !== undefined && !known.closed) return known;
    // RESP3 everywhere: there messages cannot be taken for answers.
    const connection = server.open(3, {
      onPush: (bytes, done) => this.#onPush(bytes, done),
      onGone: () => {
        this.#connections.delete(server);
        // Messages are lost from now on: the client has to know, and subscribes anew.
        if (this.active) this.#session.client.close();
      },
    });
    this.#connections.set(server, connection);
    return connection;
  }

  #onConfirmed(what: string): void {
    const awaited = this.#awaited.get(what);
    if (awaited === undefined || --awaited.left > 0) return;
    this.#awaited.delete(what);
    awaited.reply.onReply(awaited.text, true);
  }

  #onPush(bytes: Buffer, done: boolean): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size > MAX_MESSAGE) return this.#session.client.close();
    if (!done) return;
    const message = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    const [word, name] = flatElements(message) ?? [];
    if (!(word instanceof Buffer)) return;
    const kind = word.toString('latin1');
    if (kind.endsWith('subscribe'))
      return this.#onConfirmed(`${kind} ${String(name && Buffer.from(name as Buffer).toString('latin1'))}`);
    if (!kind.endsWith('message')) return;
    // As an array for RESP2; everything else is the same.
    this.#session.client.push(
      this.#session.protocol === 3 ? message : Buffer.concat([Buffer.from('*'), message.subarray(1)]),
    );
  }
}

/** How the answers of all servers to PUBSUB are put together: a channel has its subscribers at one of them. */
const MERGES: Readonly<Record<string, (replies: readonly Buffer[]) => Buffer>> = {
  CHANNELS: joined,
  SHARDCHANNELS: joined,
  // Patterns are at every server.
  NUMPAT: largestOf,
  NUMSUB: sumsByName,
  SHARDNUMSUB: sumsByName,
};

const kindOf = (name: string): Kind =>
  name.startsWith('P') ? 'p' : name === 'SSUBSCRIBE' || name === 'SUNSUBSCRIBE' ? 's' : '';
