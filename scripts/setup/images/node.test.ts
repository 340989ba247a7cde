import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../lib/stacks.ts';
import { dockerfile, nodePackage } from './node.ts';

test("Node comes from npm's package for the engine's processor, which package.json pins", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  for (const arch of ['amd64', 'arm64']) assert.match(manifest.optionalDependencies[nodePackage(arch)] ?? '', /^26\./);
  assert.throws(() => nodePackage('riscv64'), /riscv64/);
});

test('the image stands on our base, and carries our label', () => {
  const text = dockerfile('sidecar-stacks/debian:trixie', '26.10.0');
  assert.match(text, /^FROM sidecar-stacks\/debian:trixie$/m);
  assert.match(text, /^LABEL dev\.sidecar-stacks\.image=base$/m);
  assert.match(text, /^ENV NODE_VERSION=26\.10\.0$/m);
});

test.run();
