/** Commands that every server has to answer, and the one answer that the client gets. */
import type { Command } from '../resp/request-reader.ts';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { arrayHead, integerReply, nullReply } from '../resp/encode.ts';
import { flatElements } from '../resp/flat.ts';
import type { ClientContext } from './context.ts';
import { fanOut } from './fan-out.ts';
import { mergedInfo } from './info.ts';
import { alike, allOk, commonPairs, digestOfAll, joined, sumOf } from './merge.ts';
import type { Pending } from './pending.ts';
import type { Server } from './server.ts';

const DBSIZE = encodeCommand(['DBSIZE']);

/** Those that take long where there are many keys. */
export const isSlowEverywhere = (name: string): boolean => name === 'KEYS' || name === 'FLUSHALL' || name === 'FLUSHDB';

/**
 * Ask all servers.
 * @param reply gets the one answer
 * @param send to one of them
 */
export function askEveryServer(
  session: ClientContext,
  name: string,
  command: Command,
  reply: Pending,
  send: (server: Server, bytes: Buffer, pending: Pending) => void,
): void {
  const servers = session.shards.all;
  const raw = command.raw();
  const subcommand = command.length > 1 ? command.text(1).toUpperCase() : '';
  if (name === 'RANDOMKEY') {
    // Each server's key as often as its share of all keys.
    const asked = servers.flatMap((server) => [DBSIZE, raw].map((bytes) => ({ server, bytes })));
    fanOut(
      asked,
      reply,
      ({ server, bytes }, pending) => send(server, bytes, pending),
      (replies) => randomKey(replies, session.protocol),
    );
    return;
  }
  fanOut(
    servers,
    reply,
    (server, pending) => send(server, raw, pending),
    mergeOf(name, subcommand),
    subcommand === 'KILL',
  );
}

function mergeOf(name: string, subcommand: string): (replies: readonly Buffer[]) => Buffer {
  switch (name) {
    case 'DBSIZE':
      return sumOf;
    case 'KEYS':
      return joined;
    case 'INFO':
      return mergedInfo;
    case 'SCRIPT':
      return subcommand === 'EXISTS' ? existing : first;
    case 'FLUSHALL':
    case 'FLUSHDB':
      return allOk;
    case 'CONFIG':
      return subcommand === 'GET' ? commonPairs : alike;
    case 'DEBUG':
      return subcommand === 'DIGEST' ? digestOfAll : alike;
    case 'FUNCTION':
      return subcommand === 'STATS' ? busyOne : first;
    default:
      return alike;
  }
}

const first = (replies: readonly Buffer[]): Buffer => replies[0]!;

const IDLE = /running_script\r\n(?:\$-1|_)\r\n/;

/** FUNCTION STATS: of the server that runs one, where only one does. @throws {Error} when several do */
function busyOne(replies: readonly Buffer[]): Buffer {
  const busy = replies.filter((reply) => !IDLE.test(reply.toString('latin1')));
  return alike(busy.length > 0 ? busy : replies);
}

/** 1 for each script that all servers have. @throws {Error} when a reply is no array of numbers */
function existing(replies: readonly Buffer[]): Buffer {
  const all = replies.map((reply) => flatElements(reply));
  const [one] = all;
  if (one === undefined || all.some((each) => each?.length !== one.length))
    throw new Error('a server answered another number of values');
  return Buffer.concat([
    arrayHead(one.length),
    ...one.map((_, index) => integerReply(all.every((each) => each![index] === 1) ? 1 : 0)),
  ]);
}

/** @param replies of DBSIZE and RANDOMKEY, in turn */
function randomKey(replies: readonly Buffer[], protocol: 2 | 3): Buffer {
  const keys = replies.flatMap((reply, index) => {
    // An empty server says null in either protocol.
    const weight = index % 2 === 1 && reply[0] === 0x24 && reply[1] !== 0x2d ? replies[index - 1]! : undefined;
    return weight === undefined ? [] : [{ reply, weight: Number(weight.toString('latin1', 1, weight.length - 2)) }];
  });
  let left = Math.random() * keys.reduce((sum, { weight }) => sum + weight, 0);
  for (const { reply, weight } of keys) if ((left -= weight) < 0) return reply;
  return keys.at(-1)?.reply ?? nullReply(protocol);
}
