import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publishFile, removeStrays } from './atomic-file.ts';

let directory = '';
let path = '';
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'atomic-'));
  path = join(directory, 'app.ini');
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));

test('a new file has the mode that is asked for, or 644', async () => {
  await publishFile(path, 'one');
  assert.is(readFileSync(path, 'utf8'), 'one');
  assert.is(statSync(path).mode & 0o7777, 0o644);
  await publishFile(join(directory, 'secret'), 'x', { mode: 0o600 });
  assert.is(statSync(join(directory, 'secret')).mode & 0o7777, 0o600);
});

test('a file that is replaced is another file with the same mode and owner', async () => {
  writeFileSync(path, 'one');
  chmodSync(path, 0o640);
  const before = statSync(path);
  await publishFile(path, Buffer.from('two'));
  const after = statSync(path);
  assert.is(readFileSync(path, 'utf8'), 'two');
  assert.not.equal(after.ino, before.ino);
  assert.equal([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.equal(readdirSync(directory), ['app.ini']);
});

test('the owner is kept where that is allowed', async () => {
  if ((process as { getuid: () => number }).getuid() !== 0) return;
  writeFileSync(path, 'one');
  const { chownSync } = process.getBuiltinModule('fs');
  chownSync(path, 1234, 4321);
  await publishFile(path, 'two');
  assert.equal([statSync(path).uid, statSync(path).gid], [1234, 4321]);
});

test('a reader sees one version or the other, whole', async () => {
  const version = (n: number): string => `${n}\n`.repeat(20_000);
  writeFileSync(path, version(0));
  let stop = false;
  const seen = new Set<string>();
  const reading = (async () => {
    while (!stop) {
      const text = readFileSync(path, 'utf8');
      const first = text.slice(0, text.indexOf('\n'));
      assert.is(text, version(Number(first)));
      seen.add(first);
      await new Promise(setImmediate);
    }
  })();
  for (let n = 1; n <= 50; n++) await publishFile(path, version(n));
  stop = true;
  await reading;
  assert.ok(seen.size > 1, `${seen.size} versions were seen`);
});

test('an exclusive publication is the first of many, whole, and a later one leaves it alone', async () => {
  const results = await Promise.allSettled(
    ['one', 'two', 'three', 'four'].map((content) => publishFile(path, content.repeat(10_000), { exclusive: true })),
  );
  assert.is(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results)
    if (result.status === 'rejected') assert.is((result.reason as NodeJS.ErrnoException).code, 'EEXIST');
  const content = readFileSync(path, 'utf8');
  assert.match(content, /^(one|two|three|four)\1*$/);
  await publishFile(path, 'late', { exclusive: true }).catch(() => {});
  assert.is(readFileSync(path, 'utf8'), content);
  assert.equal(readdirSync(directory), ['app.ini']);
});

test('a link is replaced, and what it led to is untouched', async () => {
  const target = join(directory, 'target');
  writeFileSync(target, 'mine', { mode: 0o600 });
  symlinkSync(target, path);
  await publishFile(path, 'two');
  assert.is(readFileSync(target, 'utf8'), 'mine');
  assert.not(lstatSync(path).isSymbolicLink());
  assert.is(statSync(path).mode & 0o7777, 0o644, "a link's target has no say in the mode");
});

test('a failure leaves the old file and nothing beside it', async () => {
  mkdirSync(path);
  const error = await publishFile(path, 'x').catch((caught: NodeJS.ErrnoException) => caught);
  assert.match(String(error), /app.ini is a directory/);
  assert.is((error as NodeJS.ErrnoException).code, 'EISDIR');
  const missing = await publishFile(join(directory, 'no', 'file'), 'x').catch(
    (caught: NodeJS.ErrnoException) => caught,
  );
  assert.is((missing as NodeJS.ErrnoException).code, 'ENOENT');
  assert.equal(readdirSync(directory), ['app.ini']);
});

test('a publisher killed at any moment leaves a whole file, and its strays are found', async () => {
  const program = `
    import { publishFile } from ${JSON.stringify(join(import.meta.dirname, 'atomic-file.ts'))};
    for (let n = 1; ; n++) {
      await publishFile(${JSON.stringify(path)}, String(n % 10).repeat(2_000_000));
      if (n === 1) process.stdout.write('up');
    }`;
  let strays = 0;
  for (let round = 0; round < 8 || (strays === 0 && round < 80); round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    setTimeout(() => child.kill('SIGKILL'), (round % 16) * 3);
    await ended;
    const text = readFileSync(path, 'utf8');
    assert.is(text, text[0]!.repeat(2_000_000));
    strays += (await removeStrays(directory)).length;
    assert.equal(readdirSync(directory), ['app.ini']);
  }
  assert.ok(strays > 0, 'no kill came while a file was written: the test showed nothing');
  assert.ok(existsSync(path));
});

test('the directory is flushed, unless the change need not last', async () => {
  const opened: unknown[] = [];
  const { open } = fs.promises;
  fs.promises.open = (...args) => {
    opened.push(args[0]);
    return open(...args);
  };
  syncBuiltinESMExports();
  try {
    await publishFile(path, 'one', { lasting: false });
    assert.not(opened.includes(directory));
    await publishFile(path, 'two');
    assert.ok(opened.includes(directory));
  } finally {
    fs.promises.open = open;
    syncBuiltinESMExports();
  }
});

test.run();
