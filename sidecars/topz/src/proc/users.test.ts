import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Process } from './process.ts';
import { parsePasswd, Users } from './users.ts';

const proc = mkdtempSync(join(tmpdir(), 'topz-users-'));
test.after(() => rmSync(proc, { recursive: true }));

function someone(pid: number, uid: number, group: string): Process {
  const process = new Process(pid, 1);
  process.uid = uid;
  process.group = group;
  mkdirSync(join(proc, `${pid}/root/etc`), { recursive: true });
  return process;
}
const passwd = (pid: number): string => join(proc, `${pid}/root/etc/passwd`);

test("a user's name is that of its own container", () => {
  const [a, b] = [someone(1, 33, 'a'), someone(2, 33, 'b')];
  writeFileSync(passwd(1), 'root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n');
  writeFileSync(passwd(2), 'http:x:33:33::/:/bin/sh\n');
  const users = new Users(proc);
  assert.equal(users.nameOf(a), { name: 'www-data', denied: false });
  assert.equal(users.nameOf(b), { name: 'http', denied: false });
  assert.equal(users.nameOf(someone(3, 5, 'c')), { name: '5', denied: false }, 'no such file');
});

test('what is no plain file is not read, and nobody waits for it', () => {
  writeFileSync(join(proc, 'secret'), 'root:x:0:0::/:/bin/sh\n');
  const linked = someone(4, 0, 'd');
  symlinkSync(join(proc, 'secret'), passwd(4));
  const pipe = someone(5, 0, 'e');
  execFileSync('mkfifo', [passwd(5)]);
  const directory = someone(6, 0, 'f');
  mkdirSync(passwd(6));
  const users = new Users(proc);
  for (const each of [linked, pipe, directory]) assert.equal(users.nameOf(each), { name: '0', denied: false });
});

test('names are kept for a minute, and then looked up again', () => {
  let now = 0;
  const users = new Users(proc, () => now);
  const who = someone(7, 9, 'g');
  writeFileSync(passwd(7), 'old:x:9:9::/:\n');
  assert.is(users.nameOf(who).name, 'old');
  writeFileSync(passwd(7), 'new:x:9:9::/:\n');
  assert.is(users.nameOf(who).name, 'old');
  now = 60_001;
  assert.is(users.nameOf(who).name, 'new');
});

test('an /etc/passwd that is not trusted gives usual names only', () => {
  assert.equal(
    [...parsePasswd('a:x:1:1\nb:x:1:1\n<b>:x:2:2\n\u001b[m:x:3:3\nc:x:x:\nd$:x:4:4\n:x:5:\n')],
    [
      [1, 'a'],
      [4, 'd$'],
    ],
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const [id, name] of parsePasswd(text)) {
        assert.match(name, /^[\w.$-]+$/);
        assert.ok(id >= 0);
      }
    }),
  );
});

test.run();
