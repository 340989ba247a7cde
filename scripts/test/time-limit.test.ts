import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';

const test = suite('a run that hangs');

mkdirSync(join(ROOT, '.cache'), { recursive: true });
const dir = mkdtempSync(join(ROOT, '.cache', 'limit-'));

async function npmTest(args: readonly string[]): Promise<{ code: number | null; output: string; ms: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'test.ts'), ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, ms: performance.now() - began };
}

test('ends by itself, says what it was at, and closes with the sum', async () => {
  const lines = ["import { test } from 'uvu';", "test('a', () => {});", 'test.run();', 'setInterval(() => {}, 1000);'];
  writeFileSync(join(dir, 'hangs.test.ts'), lines.join('\n'));
  const { code, output, ms } = await npmTest(['--within', '0.05', 'hangs.test.ts']);
  assert.is(code, 1);
  assert.match(output, 'FAILED the run is not done within 0.05 min; it was at:');
  assert.match(output, /^ {2}\.cache\/limit-\w+\/hangs\.test\.ts \(for \d+ s\)$/m);
  assert.match(output, /\n\n\d+ passed, [1-9]\d* failed\n$/);
  assert.ok(ms < 50_000);
});

test('a run that is done in time is not held up by its limit', async () => {
  writeFileSync(join(dir, 'done.test.ts'), "import { test } from 'uvu';\ntest('a', () => {});\ntest.run();\n");
  const { code, output } = await npmTest(['--within', '1', 'done.test.ts']);
  assert.is(code, 0);
  assert.match(output, /\n\n1 passed, 0 failed\n$/);
});

test('a limit that is no time is refused', async () => {
  for (const wrong of ['0', 'soon', '-1', '1e9']) {
    const { code, output } = await npmTest([`--within=${wrong}`, 'done.test.ts']);
    assert.is(code, 2);
    assert.match(output, `not "${wrong}"`);
  }
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
