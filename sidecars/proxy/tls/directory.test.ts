import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readPairs } from './directory.ts';
import { BadPair } from './pair.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

test('while generations are swapped, no key of one meets a certificate of another', async () => {
  const volume = temporaryDirectory('certificates');
  let generation = 0;
  let last = '';
  const publish = (): void => {
    const next = mkdtempSync(join(volume, '..20'));
    writeFileSync(join(next, 'tls.crt'), `${++generation}`);
    writeFileSync(join(next, 'tls.key'), `${generation}`);
    symlinkSync(next, join(volume, '..tmp'));
    renameSync(join(volume, '..tmp'), join(volume, '..data'));
    if (last) rmSync(last, { recursive: true });
    last = next;
  };
  publish();
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(volume, file));
  let straddled = 0;
  for (let round = 0; round < 300; round++) {
    const before = generation;
    const reading = readPairs(volume);
    // One swap a reading, each time at another moment of it.
    for (let turns = round % 12; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    publish();
    const files = (await reading).pairs.get('tls')?.files;
    assert.ok(files, 'the pair is there at any time');
    if (files instanceof BadPair) throw files;
    assert.equal(files.cert, files.key);
    if (String(files.cert) !== String(before)) straddled++;
  }
  assert.ok(straddled > 0, 'some readings met the swap');
});

test('entries without their counterpart, and hidden ones, are no pairs', async () => {
  const directory = temporaryDirectory('certificates');
  for (const file of ['ca.crt', 'lonely.key', '.hidden.crt', '.hidden.key', 'README', 'tls.crt', 'tls.key'])
    writeFileSync(join(directory, file), file);
  assert.equal([...(await readPairs(directory)).pairs.keys()], ['tls']);
});

test('the digest tells contents apart, and where the certificate ends', async () => {
  const directory = temporaryDirectory('certificates');
  const digest = async (cert: string, key: string): Promise<string> => {
    writeFileSync(join(directory, 'tls.crt'), cert);
    writeFileSync(join(directory, 'tls.key'), key);
    return (await readPairs(directory)).pairs.get('tls')!.digest;
  };
  const digests = [await digest('ab', 'c'), await digest('a', 'bc'), await digest('ab', 'd')];
  assert.is(new Set(digests).size, 3);
  assert.is(await digest('ab', 'c'), digests[0]);
});

test.run();
