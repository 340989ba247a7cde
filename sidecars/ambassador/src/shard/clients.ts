/** CLIENT LIST, KILL and UNBLOCK: of the ambassador's own clients, for one that may administer them. */
import { bulkReply, errorReply, integerReply, OK } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import type { Client } from './client.ts';
import { printable } from './refusal.ts';

/** A client, as others may see it. */
export interface ListedClient {
  readonly client: Client;
  readonly name: string;
  readonly protocol: 2 | 3;
  readonly lastCommand: string;
  /** Its command waits. */
  readonly blocked: boolean;
  readonly inTransaction: boolean;
  readonly subscribed: boolean;
  /** End what its command waits for. @returns whether one does */
  unblock(how: 'ERROR' | 'TIMEOUT'): boolean;
}

/**
 * Answer CLIENT LIST, KILL or UNBLOCK.
 * @param self the client that asks
 * @returns false: it is another subcommand
 */
export function answersOfClients(self: ListedClient, all: ReadonlySet<ListedClient>, command: Command): boolean {
  const words = Array.from({ length: command.length - 1 }, (_, index) => command.text(index + 1));
  const [subcommand = '', ...values] = words;
  const answer = answerOf(subcommand.toUpperCase(), values, self, all);
  if (answer === undefined) return false;
  self.client.answer(answer);
  return true;
}

function answerOf(
  subcommand: string,
  values: readonly string[],
  self: ListedClient,
  all: ReadonlySet<ListedClient>,
): Buffer | undefined {
  switch (subcommand) {
    case 'LIST':
      return list(values, all);
    case 'KILL':
      return kill(values, self, all);
    case 'UNBLOCK':
      return unblock(values, all);
    default:
      return undefined;
  }
}

function list(values: readonly string[], all: ReadonlySet<ListedClient>): Buffer {
  const [option, ...ids] = values;
  if (option !== undefined && (option.toUpperCase() !== 'ID' || ids.length === 0))
    return errorReply(`ERR CLIENT LIST ${printable(option)} is not answered by an ambassador`);
  const lines = [...all]
    .filter(({ client }) => option === undefined || ids.includes(String(client.id)))
    .map(lineOf)
    .join('');
  return bulkReply(lines);
}

function lineOf(each: ListedClient): string {
  const { client, name, protocol, lastCommand } = each;
  const flags = `${each.blocked ? 'b' : ''}${each.inTransaction ? 'x' : ''}${each.subscribed ? 'P' : ''}` || 'N';
  return `id=${client.id} addr=${client.address} name=${name} flags=${flags} db=0 resp=${protocol} cmd=${lastCommand}\n`;
}

/** CLIENT KILL address, or ID number, ADDR address and SKIPME in any order. */
function kill(values: readonly string[], self: ListedClient, all: ReadonlySet<ListedClient>): Buffer {
  const single = values.length === 1;
  const filters = single ? ['ADDR', values[0]!] : values;
  let skipSelf = !single;
  let chosen = [...all];
  for (let at = 0; at < filters.length; at += 2) {
    const value = filters[at + 1];
    switch (value === undefined ? '' : filters[at]!.toUpperCase()) {
      case 'ID':
        chosen = chosen.filter(({ client }) => String(client.id) === value);
        break;
      case 'ADDR':
        chosen = chosen.filter(({ client }) => client.address === value);
        break;
      case 'SKIPME':
        skipSelf = value!.toUpperCase() !== 'NO';
        break;
      default:
        return errorReply(`ERR CLIENT KILL ${printable(filters[at]!)} is not answered by an ambassador`);
    }
  }
  if (filters.length === 0) return errorReply("ERR wrong number of arguments for 'client|kill' command");
  const killed = chosen.filter((each) => !skipSelf || each !== self);
  if (single && killed.length === 0) return errorReply('ERR No such client');
  for (const each of killed)
    if (each === self) each.client.end();
    else each.client.close();
  return single ? OK : integerReply(killed.length);
}

function unblock([id = '', how = 'TIMEOUT']: readonly string[], all: ReadonlySet<ListedClient>): Buffer {
  const word = how.toUpperCase();
  if (word !== 'TIMEOUT' && word !== 'ERROR') return errorReply('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  if (!/^\d{1,15}$/.test(id)) return errorReply('ERR value is not an integer or out of range');
  const found = [...all].find(({ client }) => String(client.id) === id);
  return integerReply(found?.unblock(word) === true ? 1 : 0);
}
