/**
 * Writes `shard/commands/valkey-8.ts`, and the table of commands for people, by what a server says of its commands:
 * `node sidecars/ambassador/src/testing/generate-commands.ts PORT`, with a server of that version on this machine.
 */
import { writeFile } from 'node:fs/promises';
import type { Reply } from '#kit/resp/reply-reader.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import { commandTable } from '../shard/commands/table.ts';

const at = (value: Reply | undefined, index: number): Reply | undefined =>
  Array.isArray(value) ? value[index] : undefined;

const text = (value: Reply | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? `${value}` : '';

/** The value of a name in a flat map. */
const of = (value: Reply | undefined, name: string): Reply | undefined =>
  Array.isArray(value) ? value[value.indexOf(name) + 1] : undefined;

/** One key specification of https://valkey.io/topics/key-specs/ in our notation; undefined where it has no places. */
function notationOf(spec: Reply): string | undefined {
  const begin = of(spec, 'begin_search');
  const find = of(spec, 'find_keys');
  const flags = of(spec, 'flags');
  if (of(begin, 'type') === 'unknown' || (Array.isArray(flags) && flags.includes('not_key'))) return undefined;
  const [from, keys] = [of(begin, 'spec'), of(find, 'spec')];
  if (of(begin, 'type') === 'keyword') {
    const half = of(keys, 'limit') === 2;
    return `${text(of(from, 'keyword'))}@${text(of(from, 'startfrom'))}${half ? '/2' : ''}`;
  }
  const index = Number(of(from, 'index'));
  if (of(find, 'type') === 'keynum') return `#${index}`;
  const [last, step] = [Number(of(keys, 'lastkey')), Number(of(keys, 'keystep'))];
  if (last === 0) return String(index);
  return `${index}..${last < 0 ? last : index + last}${step === 1 ? '' : `/${step}`}`;
}

/** The names of all commands of a server and of their subcommands, by the notation of their keys. */
export function keyPlacesOf(commands: Reply): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const add = (command: Reply): void => {
    const specs = at(command, 8);
    const notations = (Array.isArray(specs) ? specs : []).map(notationOf).filter((each) => each !== undefined);
    const notation = notations.length === 0 ? '-' : notations.join(',');
    names.set(notation, [...(names.get(notation) ?? []), text(at(command, 0)).toUpperCase()]);
    const subcommands = at(command, 9);
    for (const each of Array.isArray(subcommands) ? subcommands : []) add(each);
  };
  for (const each of Array.isArray(commands) ? commands : []) add(each);
  return new Map(
    [...names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([notation, each]) => [notation, each.toSorted()] as const),
  );
}

/** Words in lines of at most 110 characters. */
function lines(words: readonly string[]): string {
  const all = [''];
  for (const word of words) {
    if (all.at(-1)!.length + word.length > 108) all.push('');
    all[all.length - 1] += `${all.at(-1) === '' ? '    ' : ' '}${word}`;
  }
  return all.join('\n');
}

if (import.meta.main) {
  const client = await RespClient.to(Number(process.argv[2]));
  const places = keyPlacesOf(await client.ask('COMMAND'));
  client.close();
  const body = [...places].map(([notation, names]) => `  '${notation}': \`\n${lines(names)}\`,\n`).join('');
  await writeFile(
    new URL('../shard/commands/valkey-8.ts', import.meta.url),
    `/** Commands of Valkey 8.1 by the places of their keys (key-places.ts); written by testing/generate-commands.ts. */\nexport const VALKEY_8: Readonly<Record<string, string>> = {\n${body}};\n`,
  );
  await writeFile(new URL('../../COMMANDS.md', import.meta.url), commandTable());
}
