/** A registry as version 1.4.0 wrote it, under rotation, and killed before it heard what the store had: nothing comes twice. */
import { appendFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { Rig, scene } from './test-rig.ts';

/** What lay in its files then. */
const FILES = {
  'copied.log': 'copied 0\ncopied 1\n',
  'copied.log.1': 'copied 0\ncopied 1\n',
  'cut.log': 'cut 0\ncut 1\n',
  'joined.log': '  goes on\njoined 2\n',
  'joined.log.1': 'joined 0\nbegins\n',
  'renamed.log': 'renamed 2\n',
  'renamed.log.1': 'renamed 0\nrenamed 1\n',
};

/** What the store had of it, by id. */
const STORED = {
  'BbuZvxDoCKLCshsV-0': 'copied 0',
  'lfdQOxLj7fucYWai-0': 'cut 0',
  'D--x6qGSgq0cq6sf-0': 'renamed 0',
  'KtXOuUzuFNOjVpUV-0': 'joined 0',
  'BbuZvxDoCKLCshsV-9': 'copied 1',
  'lfdQOxLj7fucYWai-6': 'cut 1',
  'D--x6qGSgq0cq6sf-a': 'renamed 1',
  'KtXOuUzuFNOjVpUV-9': 'begins\n  goes on',
  '0Si0hpIKODHeL5C5-0': 'renamed 2',
  'CJr6XqQqfxuY2VL7-a': 'joined 2',
};

/** Line by line, without checksums; a file's device and inode are `KEY NAME`. */
const REGISTRY = String.raw`
{"format":"log-shipper registry","version":1,"instance":"BTzT4EpEi1aK","sequence":7,"scannedAt":1795444366055}
{"generation":{"id":"BbuZvxDoCKLCshsV","home":"/LOGS/copied.log","key":"KEY copied.log","path":"/LOGS/copied.log","head":[0,"Y29waWVkIDAKY29waWVkIDEK"],"acked":9,"tail":[9,9,"CeuPNNNj5uUMjbbF"],"seen":18}}
{"generation":{"id":"lfdQOxLj7fucYWai","home":"/LOGS/cut.log","key":"KEY cut.log","path":"/LOGS/cut.log","head":[0,"Y3V0IDAKY3V0IDEK"],"acked":6,"tail":[6,6,"kpkk3jgoh1t0g-91"],"seen":12}}
{"generation":{"id":"D--x6qGSgq0cq6sf","home":"/LOGS/renamed.log","key":"KEY renamed.log.1","path":"/LOGS/renamed.log.1","head":[0,"cmVuYW1lZCAwCnJlbmFtZWQgMQo="],"acked":10,"tail":[10,10,"He_edX7AG4A0YajK"],"seen":20}}
{"generation":{"id":"joE4CefG8mOKsPMv","home":"/LOGS/copied.log","key":"KEY copied.log.1","path":"/LOGS/copied.log.1","head":[0,"Y29waWVkIDAKY29waWVkIDEK"],"acked":18,"tail":[18,18,"6coR4ShpUsYVmGYz"],"copyOf":"BbuZvxDoCKLCshsV"}}
{"generation":{"id":"0Si0hpIKODHeL5C5","home":"/LOGS/renamed.log","key":"KEY renamed.log","path":"/LOGS/renamed.log","head":[0,"cmVuYW1lZCAyCg=="],"acked":0,"tail":[0,0,"2jmj7l5rSw0yVb_v"],"seen":10}}
{"generation":{"id":"KtXOuUzuFNOjVpUV","home":"/LOGS/joined.log","key":"KEY joined.log.1","path":"/LOGS/joined.log.1","head":[0,"am9pbmVkIDAKYmVnaW5zCg=="],"acked":0,"tail":[0,0,"2jmj7l5rSw0yVb_v"],"seen":16}}
{"generation":{"id":"CJr6XqQqfxuY2VL7","home":"/LOGS/joined.log","key":"KEY joined.log","path":"/LOGS/joined.log","head":[0,"ICBnb2VzIG9uCmpvaW5lZCAyCg=="],"acked":0,"tail":[0,0,"2jmj7l5rSw0yVb_v"],"seen":19}}
{"generations":7}
{"acked":["BbuZvxDoCKLCshsV",9,[9,9,"CeuPNNNj5uUMjbbF"],[18]]}
{"acked":["lfdQOxLj7fucYWai",6,[6,6,"kpkk3jgoh1t0g-91"],[12]]}
{"acked":["D--x6qGSgq0cq6sf",10,[10,10,"He_edX7AG4A0YajK"],[20]]}
{"acked":["KtXOuUzuFNOjVpUV",0,[0,0,"2jmj7l5rSw0yVb_v"],[16]]}
{"acked":["CJr6XqQqfxuY2VL7",0,[0,0,"2jmj7l5rSw0yVb_v"],[],null,["KtXOuUzuFNOjVpUV-9",10]]}
{"acked":["0Si0hpIKODHeL5C5",0,[0,0,"2jmj7l5rSw0yVb_v"],[10]]}
{"acked":["CJr6XqQqfxuY2VL7",0,[0,0,"2jmj7l5rSw0yVb_v"],[19],null,["KtXOuUzuFNOjVpUV-9",10]]}
{"acked":["KtXOuUzuFNOjVpUV",9,[9,9,"RfBpMZ27YoGBPmR8"],[16]]}
{"acked":["BbuZvxDoCKLCshsV",18,[18,18,"6coR4ShpUsYVmGYz"]]}
`;

/** @param isMoved files have other inodes, as after a move to another disk */
function upgrade(rig: Rig, path: (name: string) => string, isMoved = false): void {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path(name), text);
  const keyOf = (name: string): string => {
    const { dev, ino } = statSync(path(name), { bigint: true });
    return isMoved ? `1:${10n ** 15n + ino}` : `${dev}:${ino}`;
  };
  const lines = REGISTRY.trim()
    .split('\n')
    .map((line) => line.replace(/KEY ([\w.]+)/, (_, name: string) => keyOf(name)).replaceAll('/LOGS', rig.logs));
  writeFileSync(
    join(rig.state, 'registry'),
    lines.map((line) => `${crc32(line).toString(16).padStart(8, '0')} ${line}\n`).join(''),
  );
  for (const [id, message] of Object.entries(STORED)) rig.store.set(id, { body: JSON.stringify({ message }) } as never);
  rig.restart();
}

const OLD = Object.values(STORED);

for (const isMoved of [false, true])
  scene(
    `a registry of version 1.4.0 is read on${isMoved ? ', though all files have other inodes' : ''}`,
    async (rig, path) => {
      upgrade(rig, path, isMoved);
      for (const name of ['copied', 'cut', 'joined', 'renamed']) appendFileSync(path(`${name}.log`), `${name} new\n`);
      await rig.finish();
      assert.equal(rig.messages.slice(0, OLD.length), OLD);
      assert.equal(rig.messages.slice(OLD.length).toSorted(), ['copied new', 'cut new', 'joined new', 'renamed new']);
      assert.is(rig.registry.damaged, undefined);
      assert.is(rig.lost, 0);
    },
    { multiline: /^\S/ },
  );

scene(
  'a log of which version 1.4.0 knew a copy is truncated before the first look: the copy is not read again',
  async (rig, path) => {
    upgrade(rig, path);
    truncateSync(path('copied.log'));
    await rig.finish();
    appendFileSync(path('copied.log'), 'copied new\n');
    await rig.finish();
    assert.equal(rig.messages, [...OLD, 'copied new']);
  },
  { multiline: /^\S/ },
);

test.run();
