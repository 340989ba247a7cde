/** Where the keys of commands are, and which commands may share a connection. */
import { readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { RequestReader, type Command } from '../../resp/request-reader.ts';
import { blocks, patternsOf, ruleOf } from './rules.ts';
import { commandTable } from './table.ts';

function read(text: string): { name: string; command: Command } {
  const reader = new RequestReader({ maxSize: 10_000, maxArguments: 100 });
  reader.push(encodeCommand(text.split(' ')));
  reader.next();
  return { name: reader.command.text(0).toUpperCase(), command: reader.command };
}

const keysOf = (text: string): string[] => {
  const { name, command } = read(text);
  return ruleOf(name, command)
    .keys(command)
    .map((place) => command.text(place));
};

for (const [text, keys] of [
  ['GET a', 'a'],
  ['MSET a 1 b 2', 'a b'],
  ['BITOP AND to a b', 'to a b'],
  ['BLPOP a b 0', 'a b'],
  ['LMPOP 2 a b LEFT', 'a b'],
  ['LMPOP 3 a b', ''],
  ['EVAL script 2 a b c', 'a b'],
  ['ZUNIONSTORE to 2 a b WEIGHTS 1 2', 'to a b'],
  ['OBJECT encoding a', 'a'],
  ['XGROUP CREATE a group $', 'a'],
  ['GEORADIUS a 0 0 1 m STORE b STOREDIST c', 'a b c'],
  ['SORT a BY store GET store STORE b', 'a b'],
  ['XREAD COUNT 2 STREAMS a b 0 0', 'a b'],
  ['XREADGROUP GROUP streams c STREAMS a >', 'a'],
  ['XREADGROUP GROUP g streams COUNT 1 STREAMS a b > >', 'a b'],
  ['XREADGROUP BLOCK 0 GROUP g c STREAMS a >', 'a'],
] as const)
  test(`the keys of ${text} are ${keys === '' ? 'none' : keys}`, () => assert.is(keysOf(text).join(' '), keys));

for (const [text, waits] of [
  ['XREADGROUP GROUP streams c BLOCK 0 STREAMS a >', true],
  ['XREADGROUP BLOCK 0 GROUP g c STREAMS a >', true],
  ['XREADGROUP GROUP BLOCK block STREAMS a >', false],
  ['XREAD STREAMS block 0', false],
  ['XREAD BLOCK 0 STREAMS a 0', true],
] as const)
  test(`${text} ${waits ? 'waits' : 'does not wait'}`, () => {
    const { name, command } = read(text);
    assert.is(blocks(name, command), waits);
  });

for (const text of [
  'SCRIPT DEBUG SYNC',
  'SCRIPT',
  'CLUSTER INFO',
  'ACL WHOAMI',
  'MODULE LIST',
  'MONITOR',
  'SHUTDOWN',
  'DEBUG',
  'DEBUG RESTART',
  'DEBUG POPULATE 9',
  'WAIT 1 0',
  'MIGRATE a 1 b 0 1',
  'MOVE a 1',
  'SWAPDB 0 1',
  'REPLICAOF a 1',
  'NEVER-HEARD',
])
  test(`${text} reaches no server`, () => {
    const { name, command } = read(text);
    assert.is(ruleOf(name, command).route, 'refused');
  });

for (const name of ['ACL', 'CLIENT', 'COMMANDLOG', 'CONFIG', 'MODULE', 'PUBSUB', 'XINFO'])
  test(`${name} HELP is passed to any server`, () => {
    const { command } = read(`${name} help`);
    assert.is(ruleOf(name, command).route, 'any');
  });

for (const [text, keys] of [
  ['CONFIG SET a b', ''],
  ['DEBUG SLEEP 9', ''],
  ['DEBUG OBJECT a', 'a'],
  ['DEBUG DIGEST-VALUE a b', 'a b'],
  ['FUNCTION STATS', ''],
  ['MEMORY PURGE', ''],
] as const)
  test(`${text} is an admin command with ${keys === '' ? 'no key' : `the keys ${keys}`}`, () => {
    const { name, command } = read(text);
    assert.is(ruleOf(name, command).route, 'admin');
    assert.is(keysOf(text).join(' '), keys);
  });

test('patterns of SORT are those of BY and GET with an asterisk', () => {
  const { name, command } = read('SORT a LIMIT 0 GET BY w_* GET # GET v_* STORE by');
  assert.equal(
    patternsOf(name, command).map((place) => command.text(place)),
    ['w_*', 'v_*'],
  );
});

test('COMMANDS.md says what becomes of every command; generate-commands.ts writes it', async () => {
  assert.is(await readFile(new URL('../../../COMMANDS.md', import.meta.url), 'utf8'), commandTable());
});

test.run();
