import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  containerRoots,
  findProcesses,
  handlesSignal,
  listProcesses,
  ProcessError,
  readProcess,
  sendSignal,
} from './processes.ts';

const own = (process as { getuid: () => number }).getuid();
let directory = '';
let children: ChildProcess[] = [];

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'processes-'));
});
test.after.each(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(directory, { recursive: true });
});

/** A /proc of our own making. */
function fake(
  processes: { pid: number; ppid: number; name: string; args?: string[]; start?: number; group?: string }[],
): string {
  for (const { pid, ppid, name, args = [name], start = pid, group = 'one' } of processes) {
    const at = join(directory, String(pid));
    mkdirSync(at);
    const between = Array.from({ length: 17 }, () => '0').join(' ');
    writeFileSync(join(at, 'stat'), `${pid} (${name}) S ${ppid} ${between} ${start} 0 0\n`, 'latin1');
    writeFileSync(join(at, 'status'), `Name:\tx\nUid:\t1\t${own}\t3\t4\n`);
    writeFileSync(join(at, 'cmdline'), args.map((arg) => `${arg}\0`).join(''));
    writeFileSync(join(at, 'cgroup'), `0::/../${group}\n`);
  }
  return directory;
}

async function start(command: string, args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child as ChildProcess & { pid: number };
}

test('a real process is read as the kernel has it', async () => {
  const child = await start('sleep', ['3600.25']);
  const found = readProcess(child.pid);
  assert.is(found?.name, 'sleep');
  assert.is(found?.ppid, process.pid);
  assert.is(found?.uid, own);
  assert.equal(found?.commandLine, ['sleep', '3600.25']);
  assert.ok(listProcesses().some(({ pid }) => pid === child.pid));
});

test('a pid that is not there is undefined', () => assert.is(readProcess(1, directory), undefined));

test('any name is told from the fields after it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ' ', '(', ')', 'S', '0', '\n'), minLength: 1, maxLength: 15 }),
      fc.nat(),
      (name, startTime) => {
        const proc = fake([{ pid: 7, ppid: 3, name, start: startTime }]);
        const found = readProcess(7, proc);
        rmSync(join(proc, '7'), { recursive: true });
        assert.equal([found?.name, found?.ppid, found?.startTime], [name, 3, startTime]);
      },
    ),
    { numRuns: 50 },
  );
});

test('no name is taken for a line of what the kernel says', () => {
  // The kernel escapes newlines in it, and no other character that ends a line somewhere.
  for (const end of ['\r', '\u2028', '\u2029']) {
    const proc = fake([{ pid: 7, ppid: 3, name: 'x' }]);
    const status = `Name:\t${end}Uid:\t0\t0\nUmask:\t0022\nUid:\t1\t${own + 1}\t3\t4\nSigIgn:\t0\nSigCgt:\t0\n`;
    writeFileSync(join(proc, '7', 'status'), status);
    assert.is(readProcess(7, proc)?.uid, own + 1);
    writeFileSync(join(proc, '7', 'status'), status.replace('Uid:\t0\t0', 'SigIgn:\tfff'));
    assert.not(handlesSignal(7, 'SIGHUP', proc));
    rmSync(join(proc, '7'), { recursive: true });
  }
});

test('a program is found by the names that people give it, and its children are not', () => {
  const proc = fake([
    { pid: 1, ppid: 0, name: 'sleep', args: ['sleep', 'infinity'] },
    { pid: 10, ppid: 0, name: 'nginx', args: ['nginx: master process /usr/sbin/nginx'] },
    { pid: 11, ppid: 10, name: 'nginx', args: ['nginx: worker process'] },
    { pid: 20, ppid: 0, name: 'docker-init', args: ['/sbin/docker-init', '--', 'app.py'] },
    { pid: 21, ppid: 20, name: 'python3', args: ['/usr/bin/python3', '-u', '/srv/app.py', 'nginx'] },
    { pid: 30, ppid: 0, name: 'grep', args: ['grep', 'nginx'] },
    { pid: 40, ppid: 0, name: 'a-very-long-nam', args: ['/opt/a-very-long-name'] },
  ]);
  const pids = (name: string): number[] => findProcesses(name, proc).map(({ pid }) => pid);
  assert.equal(pids('nginx'), [10]);
  assert.equal(pids('app.py'), [21]);
  assert.equal(pids('a-very-long-name'), [40]);
  assert.equal(pids('infinity'), []);
  assert.equal(findProcesses('nginx', proc, 10), [], 'never ourselves');
});

test('the roots of a pod are the first processes of its other containers', () => {
  const proc = fake([
    { pid: 1, ppid: 0, name: 'docker-init', group: 'pod' },
    { pid: 7, ppid: 1, name: 'sleep', group: 'pod' },
    { pid: 8, ppid: 0, name: 'app', group: 'app', start: 100 },
    { pid: 9, ppid: 8, name: 'worker', group: 'app' },
    { pid: 6, ppid: 0, name: 'sh', group: 'app', start: 200 },
    { pid: 20, ppid: 0, name: 'node', group: 'own' },
    { pid: 21, ppid: 20, name: 'node', group: 'own' },
    { pid: 22, ppid: 0, name: 'healthcheck', group: 'own' },
    { pid: 23, ppid: 0, name: 'healthcheck', group: 'pod' },
    { pid: 30, ppid: 0, name: 'other', group: 'other', start: 300 },
    { pid: 31, ppid: 0, name: 'sh', group: 'other', start: 400 },
  ]);
  assert.equal(
    containerRoots(proc, 21).map(({ pid }) => pid),
    [8, 30],
  );
});

test('a signal reaches the process that was found', async () => {
  const child = await start('sleep', ['3600']);
  const ended = once(child, 'exit');
  sendSignal(readProcess(child.pid)!, 0);
  sendSignal(readProcess(child.pid)!, 'SIGTERM');
  assert.equal(await ended, [null, 'SIGTERM']);
});

test('a signal never reaches another process that has got the pid', async () => {
  const child = await start('sleep', ['3600']);
  const found = readProcess(child.pid)!;
  const error = ((): unknown => {
    try {
      sendSignal({ ...found, startTime: found.startTime - 1 }, 'SIGKILL');
    } catch (caught) {
      return caught;
    }
    return undefined;
  })();
  assert.instance(error, ProcessError);
  assert.is((error as ProcessError).reason, 'gone');
  sendSignal(found, 0);
  assert.is(child.signalCode, null);
});

test('a process that ended is gone', async () => {
  const child = await start('true', []);
  const found = { pid: child.pid, startTime: 1, uid: 0 };
  await once(child, 'exit');
  assert.throws(
    () => sendSignal(found, 'SIGTERM'),
    (error: ProcessError) => error.reason === 'gone',
  );
});

test('a signal that a process catches or ignores is told from one that it dies of', async () => {
  const program = "process.on('SIGUSR2', () => {}); console.log('up'); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  assert.ok(handlesSignal(child.pid!, 'SIGUSR2'), 'caught');
  assert.ok(handlesSignal(child.pid!, 'SIGPIPE'), 'ignored, as Node does');
  assert.not(handlesSignal(child.pid!, 'SIGHUP'), 'Node dies of it');
  assert.not(handlesSignal(0, 'SIGHUP'), 'nobody');
});

test.run();
