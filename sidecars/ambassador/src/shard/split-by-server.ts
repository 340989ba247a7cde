/** Commands that are cut into a part for each server of their keys: MGET, MSET, DEL and their like. */
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { errorReply } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import type { Rule } from './commands/rules.ts';
import type { ClientContext } from './context.ts';
import { fanOut } from './fan-out.ts';
import { allOk, interleaved, sumOf } from './merge.ts';
import type { Server } from './server.ts';

/**
 * Send each part, and answer once.
 * @param onFragments told the number of parts where there are several
 */
export function splitByServer(
  { client, shards, protocol }: ClientContext,
  name: string,
  rule: Rule,
  command: Command,
  onFragments: (count: number) => void,
): void {
  const step = name === 'MSET' ? 2 : 1;
  const places = rule.keys(command);
  if (places.length === 0 || (step === 2 && command.length % 2 === 0))
    return client.answer(errorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`));
  /** Which of the keys each server has. */
  const groups = new Map<Server, number[]>();
  for (const [index, place] of places.entries()) {
    const owner = shards.of(command.bytes, command.spans[2 * place]!, command.spans[2 * place + 1]!);
    const group = groups.get(owner);
    if (group === undefined) groups.set(owner, [index]);
    else group.push(index);
  }
  const targets = [...groups.keys()];
  if (targets.length === 1) return targets[0]!.send(command.raw(), client.reply(), protocol, client.id);
  onFragments(targets.length);
  fanOut(
    targets,
    client.reply(),
    (server, pending) => {
      const words: (string | Buffer)[] = [name];
      for (const index of groups.get(server)!)
        for (let extra = 0; extra < step; extra++) words.push(command.argument(places[index]! + extra));
      server.send(encodeCommand(words), pending, protocol, client.id);
    },
    (replies) => {
      if (name === 'MSET') return allOk(replies);
      if (name !== 'MGET') return sumOf(replies);
      return interleaved(
        replies,
        targets.map((server) => groups.get(server)!),
        places.length,
      );
    },
  );
}
