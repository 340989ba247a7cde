import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { ROOT } from '../../lib/stacks.ts';
import { dockerfile, nodePackage, requireIntegrity } from './node.ts';

test("Node comes from npm's package for the engine's processor, which scripts/node pins", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'scripts/node/package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  for (const arch of ['amd64', 'arm64']) assert.match(manifest.optionalDependencies[nodePackage(arch)] ?? '', /^26\./);
  assert.throws(() => nodePackage('riscv64'), /riscv64/);
});

test('a fetched file is compared with the hash of the lock file', () => {
  const file = join(temporaryDirectory('node'), 'node.tgz');
  writeFileSync(file, 'x');
  const hash = `sha512-${createHash('sha512').update('x').digest('base64')}`;
  requireIntegrity(file, hash);
  for (const other of [undefined, `sha512-${'A'.repeat(86)}==`])
    assert.throws(() => requireIntegrity(file, other), /node\.tgz is not what package-lock\.json names/);
});

test('the image stands on our base, and carries our label', () => {
  const text = dockerfile('sidecar-stacks/debian:trixie', '26.10.0');
  assert.match(text, /^FROM sidecar-stacks\/debian:trixie$/m);
  assert.match(text, /^LABEL dev\.sidecar-stacks\.image=base$/m);
  assert.match(text, /^ENV NODE_VERSION=26\.10\.0$/m);
});

test.run();
