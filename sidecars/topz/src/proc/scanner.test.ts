import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { createMask } from '../mask/mask.ts';
import { readUptime } from './machine.ts';
import { Scanner } from './scanner.ts';

const mask = createMask({ enabled: true });
const real = (): Scanner => new Scanner({ ticksPerSecond: 100, mask, maxProcesses: 100_000 });
const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** A /proc of our own making. */
class Proc {
  readonly path = temporaryDirectory('topz-proc');

  constructor() {
    mkdirSync(join(this.path, 'self/fd'), { recursive: true });
    writeFileSync(join(this.path, 'self/limits'), '');
  }

  put(pid: number, { name = 'app', args = 'app\0', start = 10, uid = 5, ppid = 1, size = 1000 } = {}): void {
    const directory = join(this.path, String(pid));
    mkdirSync(join(directory, 'fd'), { recursive: true });
    const write = (file: string, text: string): void => writeFileSync(join(directory, file), text);
    write('stat', `${pid} (${name}) S ${ppid} 1 1 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 ${start} ${size} 9 1\n`);
    write('statm', '100 25 9 1 0 9 0\n');
    write('status', `Name:\t${name}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    write('cgroup', `0::/../${String(pid).padStart(64, 'a')}\n`);
    write('cmdline', args);
  }

  remove(pid: number): void {
    rmSync(join(this.path, String(pid)), { recursive: true });
  }
}

function fake(maxProcesses = 100): { proc: Proc; scanner: Scanner } {
  const proc = new Proc();
  test.after(() => rmSync(proc.path, { recursive: true }));
  return { proc, scanner: new Scanner({ proc: proc.path, ticksPerSecond: 100, mask, maxProcesses }) };
}

test('ourselves, on a real /proc', () => {
  const scanner = real();
  scanner.scan(readUptime());
  const own = scanner.processes.get(process.pid)!;
  assert.is(own.ppid, process.ppid);
  assert.is(own.uid, process.geteuid!());
  assert.ok(own.threads > 1 && own.rssPages > 1000 && own.ticks > 0);
  assert.ok(Math.abs(own.openFiles! - openFiles()) < 5);
  assert.match(own.command, /scanner\.test\.ts/);
  scanner.close();
});

test('a child that comes, calls exec, and goes', async () => {
  const scanner = real();
  const child = spawn('sh', ['-c', 'read -r line; exec sleep 30'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const look = () => (scanner.scan(readUptime()), scanner.processes.get(child.pid!));
  assert.is(look()!.name, 'sh');
  child.stdin.write('\n');
  const deadline = performance.now() + 5000;
  while (look()!.name !== 'sleep' && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(look()!.command, 'sleep 30');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.is(look(), undefined);
  scanner.close();
});

test('files are kept open for those that stay, and closed with them', async () => {
  const before = openFiles();
  const scanner = real();
  const child = spawn('sleep', ['30']);
  scanner.scan(readUptime());
  scanner.scan(readUptime());
  scanner.scan(readUptime());
  assert.ok(scanner.processes.get(child.pid!)!.files);
  child.kill('SIGKILL');
  await once(child, 'exit');
  scanner.scan(readUptime());
  const kept = [...scanner.processes.values()].filter(({ files }) => files).length;
  assert.ok(openFiles() <= before + kept * 2 + 4, 'no more files than processes want');
  scanner.close();
  assert.ok(openFiles() <= before + 4);
});

test('a process that ends half way is left out, whatever of it is missing', () => {
  const { proc, scanner } = fake();
  for (const missing of ['stat', 'statm', 'status', 'fd']) {
    proc.put(1);
    proc.put(2);
    rmSync(join(proc.path, '2', missing), { recursive: true });
    scanner.scan(1000);
    assert.equal([...scanner.processes.keys()], [1], missing);
    assert.ok(scanner.vanished > 0);
    proc.remove(2);
  }
});

test('an id that was given away again is another process', () => {
  const { proc, scanner } = fake();
  proc.put(7, { args: 'old\0', start: 10 });
  scanner.scan(1000);
  proc.put(7, { args: 'new\0', start: 90_000 });
  scanner.scan(1001);
  assert.is(scanner.processes.get(7)!.command, 'new');
  assert.is(scanner.processes.get(7)!.startTicks, 90_000);
});

test('a program that changes its own title is shown anew, if not at once', () => {
  const { proc, scanner } = fake();
  proc.put(7, { args: 'postgres: idle\0' });
  scanner.scan(1000);
  proc.put(7, { args: 'postgres: busy\0' });
  scanner.scan(1001);
  assert.is(scanner.processes.get(7)!.command, 'postgres: idle');
  scanner.scan(1020);
  assert.is(scanner.processes.get(7)!.command, 'postgres: busy');
});

test('a young process may change its user or call exec by the same name', () => {
  const { proc, scanner } = fake();
  proc.put(7, { args: 'a\0', start: 100_000, uid: 0, size: 1 });
  scanner.scan(1000);
  proc.put(7, { args: 'a\0--now\0', start: 100_000, uid: 5, size: 2 });
  scanner.scan(1000.5);
  assert.is(scanner.processes.get(7)!.command, 'a --now');
  assert.is(scanner.processes.get(7)!.uid, 5);
});

test('without arguments a process is shown by its name, and a dead one as such', () => {
  const { proc, scanner } = fake();
  proc.put(7, { args: '', name: 'kworker/0:1' });
  proc.put(8, { args: '', name: 'a\u001b[m' });
  scanner.scan(1000);
  assert.is(scanner.processes.get(7)!.command, '[kworker/0:1]');
  assert.is(scanner.processes.get(8)!.command, '[a\\u{1b}[m]');
});

test('secrets are masked, control characters written out, long lines cut', () => {
  const { proc, scanner } = fake();
  proc.put(7, { args: 'app\0--password=hunter2\0\u001b[31m\0' });
  proc.put(8, { args: `app\0${'x'.repeat(6000)}\0` });
  proc.put(9, { args: `app\0${'x'.repeat(40_000)}--password=hunter2\0` });
  scanner.scan(1000);
  assert.is(scanner.processes.get(7)!.command, 'app --password=*** \\u{1b}[31m');
  assert.is(scanner.processes.get(8)!.command.length, 4097);
  assert.is(scanner.processes.get(9)!.command, 'app …');
});

test('no more processes than the bound, and the rest is counted', () => {
  const { proc, scanner } = fake(3);
  for (const pid of [9, 10, 101, 20, 11]) proc.put(pid);
  scanner.scan(1000);
  assert.equal([...scanner.processes.keys()], [9, 10, 11]);
  assert.is(scanner.omitted, 2);
});

test.run();
