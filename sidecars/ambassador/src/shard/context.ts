/** What the parts of a client's session know of it: its subscriptions, transactions, own connections. */
import type { Command } from '../resp/request-reader.ts';
import type { Client } from './client.ts';
import type { Server } from './server.ts';
import type { Shards } from './shards.ts';

export interface ClientContext {
  readonly client: Client;
  readonly shards: Shards;
  /** What the client asked for by HELLO. */
  readonly protocol: 2 | 3;
  /** A server for what any can answer. */
  anyServer(): Server;
}

/** What a transaction does with its commands. */
export interface Routing extends ClientContext {
  /** Whether commands for the servers themselves are passed on. */
  readonly relaysAdmin: boolean;
  /** The one server of a command's keys; a text says why there is none, undefined that it has no key. */
  serverOf(name: string, command: Command): Server | string | undefined;
  /** @returns false: no more commands until the client is told to go on */
  onCommand(command: Command): boolean;
}
