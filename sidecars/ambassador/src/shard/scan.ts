/** SCAN over all servers: the cursor says which server's turn it is, and that server's own cursor. */
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { arrayHead, bulkReply, errorReply } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import { ReplyCollector } from './pending.ts';
import type { ClientContext } from './context.ts';

/** Most servers; a part of the cursor, so that it means the same when servers are added. */
const PLACES = 1024n;
/** Cursors of before a removal are known by this part of them: a key may have moved to where they have been. */
const GENERATIONS = 16n;
const PARTS = PLACES * GENERATIONS;
const MAX_REPLY = 64 * 1024 * 1024;

/** @returns true: further commands are taken meanwhile */
export function scan(session: ClientContext, command: Command): boolean {
  const { client, shards } = session;
  const servers = shards.all;
  const text = command.length > 1 ? command.text(1) : '';
  if (!/^\d{1,20}$/.test(text)) {
    client.answer(errorReply('ERR invalid cursor'));
    return true;
  }
  const cursor = BigInt(text);
  const place = Number(cursor % PLACES);
  const generation = BigInt(shards.generation) % GENERATIONS;
  if (cursor > 0n && (cursor / PLACES) % GENERATIONS !== generation) {
    client.answer(errorReply('ERR invalid cursor: servers were removed, begin the scan anew'));
    return true;
  }
  if (place >= servers.length || cursor >= 2n ** 64n) {
    client.answer(errorReply('ERR invalid cursor'));
    return true;
  }
  const words: (string | Buffer)[] = ['SCAN', String(cursor / PARTS)];
  for (let index = 2; index < command.length; index++) words.push(command.argument(index));
  const reply = client.reply();
  servers[place]!.send(
    encodeCommand(words),
    new ReplyCollector(MAX_REPLY, (answer) => {
      if (answer instanceof Error) return reply.onFailure(answer.message);
      const head = /^\*2\r\n\$\d{1,2}\r\n(\d{1,20})\r\n/.exec(answer.toString('latin1', 0, 64));
      if (!head) return reply.onReply(answer, true);
      const inner = BigInt(head[1]!);
      // At a server's end comes the next one's beginning; at the last one's the whole ends.
      const over = inner === 0n && place + 1 >= servers.length;
      const next = inner * PARTS + generation * PLACES + BigInt(inner > 0n ? place : place + 1);
      reply.onReply(
        Buffer.concat([arrayHead(2), bulkReply(String(over ? 0n : next)), answer.subarray(head[0].length)]),
        true,
      );
    }),
    session.protocol,
    client.id,
  );
  return true;
}
