import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from '../documents/document.ts';
import { StorageError, Target } from './target.ts';

let directory = '';
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-target-'));
});
test.after.each(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
});

const publish = (target: Target, text: string): Promise<void> =>
  target.publish(Buffer.from(text), digestOf(Buffer.from(text)));
const refusal = async (target: Target): Promise<string> => {
  const error = await publish(target, 'x').catch((caught: Error) => caught);
  assert.instance(error, StorageError);
  return (error as StorageError).message;
};

/** Run without the rights of root, which no permission stops. */
async function unprivileged(work: () => Promise<void>): Promise<void> {
  const root = process.geteuid!() === 0;
  if (root) process.seteuid!(65_534);
  try {
    await work();
  } finally {
    if (root) process.seteuid!(0);
  }
}

test('a new file has the mode that was asked for, an old one keeps its own', async () => {
  const path = join(directory, 'a');
  const target = new Target(path, 0o600);
  await publish(target, 'one');
  assert.is(statSync(path).mode & 0o7777, 0o600);
  chmodSync(path, 0o664);
  await publish(target, 'two');
  assert.is(statSync(path).mode & 0o7777, 0o664);
  assert.is(readFileSync(path, 'utf8'), 'two');
});

test('its digest follows whatever is done to it', async () => {
  const path = join(directory, 'a');
  const target = new Target(path, 0o600);
  assert.is(await target.digest(), undefined);
  await publish(target, 'one');
  assert.is(await target.digest(), digestOf(Buffer.from('one')));
  writeFileSync(path, 'two');
  assert.is(await target.digest(), digestOf(Buffer.from('two')));
  rmSync(path);
  assert.is(await target.digest(), undefined);
});

test('each refusal of the system is said in words, and leaves nothing', async () => {
  mkdirSync(join(directory, 'is-one'));
  writeFileSync(join(directory, 'file'), '');
  for (const [name, words] of [
    ['is-one', /is-one cannot be written: it is a directory \(EISDIR\)/],
    ['none/a', /none\/a cannot be written: its directory does not exist \(ENOENT\)/],
    ['file/a', /file\/a cannot be written: something on the way to it is not a directory \(ENOTDIR\)/],
  ] as const) {
    assert.match(await refusal(new Target(join(directory, name), 0o600)), words);
  }
  assert.equal(readdirSync(directory).toSorted(), ['file', 'is-one']);
});

test('a directory of somebody else is a refusal, and is taken when it opens', async () => {
  const target = new Target(join(directory, 'a'), 0o600);
  await unprivileged(async () => {
    if (process.geteuid!() === 65_534)
      assert.match(await refusal(target), /cannot be written: run the sidecar as its owner: .* \(EACCES\)/);
    else {
      chmodSync(directory, 0o500);
      assert.match(await refusal(target), /cannot be written: run the sidecar as its owner: .* \(EACCES\)/);
    }
  });
  assert.equal(readdirSync(directory), []);
  chmodSync(directory, 0o777);
  await unprivileged(() => publish(target, 'one'));
  assert.is(readFileSync(join(directory, 'a'), 'utf8'), 'one');
});

test.run();
