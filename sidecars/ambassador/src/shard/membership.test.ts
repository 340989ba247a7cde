/** The list of servers and the state beside it: what is begun once, what survives a restart, what damage does. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '#kit/telemetry/log.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import type { ShardMember } from '../ring/members.ts';
import { Membership, type MembershipOptions } from './membership.ts';

const namesOf = (members: readonly ShardMember[]): string => members.map(({ name }) => name).join();

/** Both files in a new folder, and what is done with the servers; `whole` is whether all keys move. */
function setting(list: string): MembershipOptions & { readonly calls: string[]; whole: boolean } {
  const folder = temporaryDirectory('membership');
  const calls: string[] = [];
  const options = {
    file: join(folder, 'servers'),
    state: join(folder, 'state.json'),
    log: createLog('test', 'silent'),
    calls,
    whole: true,
    check: async (members: readonly ShardMember[]) => void calls.push(`check ${namesOf(members)}`),
    change: async (members: readonly ShardMember[]) => {
      calls.push(`change ${namesOf(members)}`);
      return options.whole;
    },
  };
  writeFileSync(options.file, list);
  return options;
}

/** Look until the list is in effect, or an error says why not. */
async function settle(membership: Membership): Promise<void> {
  for (let round = 0; round < 3; round++) await membership.look();
}

test('a list that grows and shrinks is carried out once, and a new start goes on', async () => {
  const options = setting('# three\na:1:1 a\nb:1:1 b\n\nc:1:1 c\n');
  const { file, state, calls } = options;
  const first = await Membership.open(options);
  await settle(first);
  assert.equal(calls, []);
  await writeFile(file, 'a:1:1 a\nb:1:1 b\nc:1:1 c\nd:1:1 d\n');
  // It ends before all keys have moved.
  options.whole = false;
  await first.look();
  assert.equal(calls.splice(0), ['check d', 'change a,b,c,d']);
  const second = await Membership.open(options);
  assert.is(namesOf(second.servers), 'a,b,c');
  options.whole = true;
  await settle(second);
  assert.equal(calls.splice(0), ['change a,b,c,d']);
  assert.equal((JSON.parse(await readFile(state, 'utf8')) as { servers: unknown[] }).servers.length, 4);
  await writeFile(file, 'd:1:1 d\nc:1:1 c\na:1:1 a\n');
  await settle(second);
  assert.equal(calls.splice(0), ['change a,c,d']);
  await writeFile(file, 'a:1:1 a\ne:1:1 e\n');
  await settle(second);
  assert.equal(calls.splice(0), ['check e', 'change a,e']);
  assert.is(namesOf((await Membership.open(options)).servers), 'a,e');
});

test('a removal that was begun is finished, whatever the list says by then', async () => {
  const options = setting('a:1:1 a\nb:1:1 b\n');
  const first = await Membership.open(options);
  writeFileSync(options.file, 'a:1:1 a\n');
  options.whole = false;
  await settle(first);
  options.calls.length = 0;
  options.whole = true;
  writeFileSync(options.file, 'a:1:1 a\nb:1:1 b\n');
  await settle(await Membership.open(options));
  assert.equal(options.calls, ['change a', 'check b', 'change a,b']);
});

test('a list that cannot be carried out is refused with its reason', async () => {
  const options = setting('a:1:1 a\nb:1:1 b\n');
  const membership = await Membership.open(options);
  for (const [text, reason] of [
    ['a:1:2 a\nb:1:1 b\n', /a has changed/],
    ['nonsense\n', /is no server/],
    ['a:1:1 a\na:1:1 a\n', /two servers/],
    ['', /0 servers/],
  ] as const) {
    writeFileSync(options.file, text);
    await membership.look();
    assert.match(membership.wrong!, reason);
  }
  assert.equal(options.calls, []);
});

test('the state of a version that only added servers is gone on with', async () => {
  const options = setting('a:1:1 a\nb:1:1 b\n');
  const [a, b] = ['a', 'b'].map((name) => ({ host: name, port: 1, weight: 1, name }));
  writeFileSync(options.state, JSON.stringify({ servers: [a], adding: [b] }));
  await settle(await Membership.open(options));
  assert.equal(options.calls, ['change a,b']);
  writeFileSync(options.state, JSON.stringify({ servers: [a, b], adding: [] }));
  assert.is(namesOf((await Membership.open(options)).servers), 'a,b');
});

for (const [damage, text] of [
  ['empty', ''],
  ['cut', '{"servers":[{"host":"a","po'],
  ['without servers', '{"servers":[]}'],
  ['of another form', '{"servers":[{"host":1}],"target":7}'],
  ['null', 'null'],
] as const)
  test(`a state that is ${damage} is set aside, and the list says where keys are`, async () => {
    const options = setting('a:1:1 a\nb:1:1 b\n');
    writeFileSync(options.state, text);
    const membership = await Membership.open(options);
    assert.is(namesOf(membership.servers), 'a,b');
    const folder = join(options.state, '..');
    const aside = readdirSync(folder).find((name) => name.startsWith('state.json.damaged-'))!;
    assert.is(readFileSync(join(folder, aside), 'utf8'), text);
    await membership.look();
    assert.is(membership.wrong, undefined);
    assert.is(namesOf((await Membership.open(options)).servers), 'a,b');
  });

test('a list that cannot be used at the start is waited for where the state knows the servers', async () => {
  const options = setting('a:1:1 a\n');
  await (await Membership.open(options)).look();
  writeFileSync(options.file, 'nonsense\n');
  const membership = await Membership.open(options);
  assert.is(namesOf(membership.servers), 'a');
  await membership.look();
  assert.match(membership.wrong!, /is no server/);
});

test('a state that cannot be written does not prevent the start; nothing is added until it can', async () => {
  const options = setting('a:1:1 a\n');
  const membership = await Membership.open({ ...options, state: join(options.file, 'state.json') });
  assert.is(namesOf(membership.servers), 'a');
  writeFileSync(options.file, 'a:1:1 a\nb:1:1 b\n');
  await membership.look();
  assert.match(membership.wrong!, /ENOTDIR/);
  assert.equal(options.calls, []);
});

test.run();
