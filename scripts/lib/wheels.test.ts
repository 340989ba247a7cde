/** Wheels by pip, from a folder instead of a registry. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './run.ts';
import { provideWheels } from './wheels.ts';

const test = suite('wheels');
const root = mkdtempSync(join(tmpdir(), 'wheels-test-'));
const index = join(root, 'index');
const env = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: index };
const hasPip = (await run('python3', ['-m', 'pip', '--version'])).exitCode === 0;
/** Where there is no pip, that is what is told. */
const withPip = (name: string, check: () => Promise<void>): void =>
  test(name, async () => {
    if (hasPip) return check();
    want(`tool-bin==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    assert.match((await provide())!, 'pip is not on this machine');
  });
test.after(() => rmSync(root, { recursive: true }));

/** A wheel (PEP 427) with one program. @returns its SHA-256 in hex */
async function makeWheel(version: string, tag = 'py3-none-any'): Promise<string> {
  const info = `tool_bin-${version}.dist-info`;
  const files: Record<string, string> = {
    'tool/tool': `#!/bin/sh\necho ${version}\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: tool-bin\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: ${tag}\n`,
    [`${info}/RECORD`]: '',
  };
  const content = join(root, `content-${version}`);
  for (const folder of ['tool', info]) mkdirSync(join(content, folder), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(content, path), text, { mode: 0o755 });
  mkdirSync(index, { recursive: true });
  const wheel = join(index, `tool_bin-${version}-${tag}.whl`);
  const { exitCode, stderr } = await run('python3', ['-m', 'zipfile', '-c', wheel, 'tool', info], { cwd: content });
  assert.is(exitCode, 0, stderr);
  return createHash('sha256').update(readFileSync(wheel)).digest('hex');
}

const want = (text: string): void => {
  mkdirSync(join(root, 'image'), { recursive: true });
  writeFileSync(join(root, 'image/requirements.txt'), text);
};
const provide = (arch = 'amd64'): Promise<string | undefined> => provideWheels('image', { root, arch, env });
const TOOL = join(root, 'image/dist/wheels/tool/tool');

withPip('a wheel of the right checksum is unpacked once, and again when its version changes', async () => {
  want(`tool-bin==1.0 --hash=sha256:${await makeWheel('1.0')}\n`);
  assert.is(await provide(), undefined);
  assert.match(readFileSync(TOOL, 'utf8'), 'echo 1.0');
  const { mtimeMs } = statSync(TOOL);
  assert.is(await provide(), undefined);
  assert.is(statSync(TOOL).mtimeMs, mtimeMs);
  want(`tool-bin==2.0 --hash=sha256:${await makeWheel('2.0')}\n`);
  assert.is(await provide(), undefined);
  assert.match(readFileSync(TOOL, 'utf8'), 'echo 2.0');
});

withPip('another checksum, and a wheel that is not there, are told by name and leave nothing new', async () => {
  await makeWheel('3.0');
  want(`tool-bin==3.0 --hash=sha256:${'0'.repeat(64)}\n`);
  assert.match((await provide())!, /^tool-bin 3\.0 cannot be had: .*hash/i);
  want(`tool-bin==9.0 --hash=sha256:${'0'.repeat(64)}\n`);
  // Why, says pip: mostly "No matching distribution", in words of its own.
  const said = (await provide())!;
  assert.ok(/^tool-bin 9\.0 cannot be had: .+/.test(said), said);
  assert.not(existsSync(join(root, 'image/dist/fetching')));
});

withPip("the wheel is the one for the engine's machine", async () => {
  want(`tool-bin==4.0 --hash=sha256:${await makeWheel('4.0', 'py3-none-manylinux_2_31_aarch64')}\n`);
  assert.match((await provide('amd64'))!, 'cannot be had');
  assert.is(await provide('arm64'), undefined);
  assert.is(await provide('riscv64'), 'tool-bin 4.0 cannot be had: there are none for riscv64');
});

test('without pip it is told how to get it', async () => {
  want(`tool-bin==5.0 --hash=sha256:${'0'.repeat(64)}\n`);
  const bare = join(root, 'no-python');
  mkdirSync(bare);
  const { PATH } = process.env;
  process.env['PATH'] = bare;
  try {
    assert.match((await provide())!, 'pip is not on this machine');
  } finally {
    process.env['PATH'] = PATH;
  }
});

test.run();
