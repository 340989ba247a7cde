import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { readCgroupLimits } from './cgroup-limits.ts';

/** A /proc whose process 7 has these files below /sys/fs/cgroup. */
function procOf(files: Readonly<Record<string, string>>): string {
  const proc = temporaryDirectory('topz-cgroup');
  mkdirSync(join(proc, '7/root'), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    const file = join(proc, '7/root/sys/fs/cgroup', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return proc;
}

for (const [name, files, expected] of [
  [
    'version 2',
    { 'memory.max': '268435456\n', 'cpu.max': '50000 100000\n' },
    { memoryBytes: 268_435_456, processors: 0.5 },
  ],
  [
    'version 2 without limits',
    { 'memory.max': 'max\n', 'cpu.max': 'max 100000\n' },
    { memoryBytes: null, processors: null },
  ],
  ['version 2 with one controller', { 'memory.max': '1048576\n' }, { memoryBytes: 1_048_576, processors: null }],
  [
    'version 1',
    {
      'memory/memory.limit_in_bytes': '134217728\n',
      'cpu/cpu.cfs_quota_us': '150000\n',
      'cpu/cpu.cfs_period_us': '100000\n',
    },
    { memoryBytes: 134_217_728, processors: 1.5 },
  ],
  [
    'version 1 without limits',
    {
      'memory/memory.limit_in_bytes': '9223372036854771712\n',
      'cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      'cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    },
    { memoryBytes: null, processors: null },
  ],
  ['none of it', {}, undefined],
] as const)
  test(name, () => assert.equal(readCgroupLimits(7, procOf(files)), expected));

test('whatever a container puts there is a number, no limit, or nothing', () => {
  const proc = procOf({ 'cpu.max': '' });
  const file = join(proc, '7/root/sys/fs/cgroup/memory.max');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d .-]*$/)), (text) => {
      writeFileSync(file, text);
      const { memoryBytes, processors } = readCgroupLimits(7, proc)!;
      assert.ok(memoryBytes === null || Number.isSafeInteger(memoryBytes) || memoryBytes > 0, text);
      assert.is(processors, null);
    }),
    { numRuns: 50 },
  );
});

test('a pipe, a link and a long file make nobody wait', () => {
  const proc = procOf({ 'cpu.max': `${'9'.repeat(100_000)} 1` });
  const folder = join(proc, '7/root/sys/fs/cgroup');
  execFileSync('mkfifo', [join(folder, 'memory.max')]);
  assert.equal(readCgroupLimits(7, proc), { memoryBytes: null, processors: null });
  mkdirSync(join(proc, '8/root/sys/fs/cgroup'), { recursive: true });
  symlinkSync('/etc/passwd', join(proc, '8/root/sys/fs/cgroup/memory.max'));
  assert.is(readCgroupLimits(8, proc), undefined);
});

test.run();
