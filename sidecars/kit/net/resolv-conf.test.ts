import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nameservers } from './resolv-conf.ts';

test('resolvers are those that the file names, and the default where it names none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-conf-'));
  const path = join(folder, 'resolv.conf');
  try {
    assert.equal(nameservers(path), ['127.0.0.1'], 'no file');
    writeFileSync(path, '# nameserver 9.9.9.9\nsearch example.test\n');
    assert.equal(nameservers(path), ['127.0.0.1'], 'no resolver');
    writeFileSync(path, 'nameserver 127.0.0.11\noptions ndots:0\n nameserver\tfd00::1\nnameserver nonsense\n');
    assert.equal(nameservers(path), ['127.0.0.11', 'fd00::1']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
