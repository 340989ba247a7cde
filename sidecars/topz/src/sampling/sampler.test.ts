import { spawn } from 'node:child_process';
import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { CpuWindow, WINDOW } from './cpu.ts';
import { Groups } from './groups.ts';
import { History } from '../proc/history.ts';
import { createMask } from '../mask/mask.ts';
import { Process } from '../proc/process.ts';
import { Sampler } from './sampler.ts';

const options = { mask: createMask({ enabled: true }), maxProcesses: 10_000, maxGroups: 64, period: 0, span: 60_000 };

function looker() {
  const window = new CpuWindow(100);
  const process = new Process(1, 1);
  return {
    process,
    window,
    /** Processor time in ticks, seen at a time in milliseconds. */
    at: (now: number, ticks: number): number | null => {
      process.userTicks = ticks;
      process.readAt = now;
      window.update([process], now);
      return process.cpuPercent;
    },
  };
}

test('a share of the processor is that of the time since the last look', () => {
  const { at } = looker();
  assert.is(at(1000, 500), null, 'one look tells nothing');
  assert.is(at(2000, 550), 50);
  assert.is(at(3000, 650), 100);
  assert.is(at(13_000, 650), 0);
});

test('two looks in short order do not measure over nothing', () => {
  const { at, window } = looker();
  at(1000, 0);
  at(2000, 50);
  assert.is(Math.round(at(2001, 50)!), 50, 'over the last second and a bit');
  assert.ok(window.length! >= WINDOW);
  for (let now = 2100; now < 6000; now += 100) {
    at(now, now / 20 - 50);
    assert.ok(window.length! >= WINDOW && window.length! <= 2 * WINDOW + 200, `${window.length} ms`);
  }
});

test('soon after the start a shorter window will do, but not any', () => {
  const { at } = looker();
  at(1000, 0);
  assert.is(at(1100, 10), null);
  assert.is(at(1500, 25), 50);
});

test('a new process used nothing before it was there', () => {
  const window = new CpuWindow(100);
  window.update([], 1000);
  window.update([], 2000);
  const process = new Process(1, 1);
  process.userTicks = 20;
  process.readAt = 3000;
  window.update([process], 3000);
  assert.is(process.cpuPercent, 20);
});

function member(pid: number, group: string, fields: Partial<Process> = {}): Process {
  return Object.assign(new Process(pid, fields.startTicks ?? pid), { group, name: `p${pid}` }, fields, {
    startTicks: fields.startTicks ?? pid,
  });
}

test('a container is named after its main program, behind an init if it has one', () => {
  const groups = new Groups({ maxGroups: 4, samples: 1 });
  groups.update([
    member(1, 'a', { name: 'docker-init' }),
    member(2, 'a', { ppid: 1, name: 'web' }),
    member(3, 'a', { ppid: 2, name: 'worker' }),
    member(9, 'a', { ppid: 0, name: 'bash' }),
    member(4, 'b', { name: 'db' }),
  ]);
  assert.equal(
    groups.all.map(({ id, name, members }) => [id, name, members.length]),
    [
      ['a', 'web', 4],
      ['b', 'db', 1],
    ],
  );
});

test('another first process is a restart, also when the container was away meanwhile', () => {
  const groups = new Groups({ maxGroups: 4, samples: 1 });
  const restarts = (): number => groups.all[0]!.restarts;
  groups.update([member(5, 'a'), member(6, 'a', { ppid: 5 })]);
  groups.update([member(5, 'a'), member(7, 'a', { ppid: 0 })]);
  assert.is(restarts(), 0, 'an exec is none');
  groups.update([]);
  assert.is(restarts(), 0);
  groups.update([member(50, 'a')]);
  assert.is(restarts(), 1);
  groups.update([member(50, 'a', { startTicks: 99 })]);
  assert.is(restarts(), 2, 'the same id at another time');
});

test("a container's processor time never goes back", () => {
  const groups = new Groups({ maxGroups: 4, samples: 1 });
  const [a, b] = [member(1, 'a', { userTicks: 10 }), member(2, 'a', { ppid: 1, userTicks: 5, systemTicks: 1 })];
  groups.update([a, b]);
  a.userTicks = 12;
  groups.update([a]);
  const [group] = groups.all;
  assert.equal([group!.userTicks, group!.systemTicks], [17, 1]);
});

test('containers beyond the bound are summed up, and those that are gone make place', () => {
  const groups = new Groups({ maxGroups: 2, samples: 1 });
  groups.update([member(1, 'a'), member(2, 'b'), member(3, 'c'), member(4, 'd')]);
  assert.equal(
    groups.all.map(({ id, members }) => [id, members.length]),
    [
      ['a', 1],
      ['b', 1],
      ['other', 2],
    ],
  );
  groups.update([member(2, 'b')]);
  for (let id = 0; id < 100; id++) groups.update([member(2, 'b'), member(100 + id, `n${id}`)]);
  assert.ok(groups.all.length <= 3, `${groups.all.length} groups`);
});

test('a history keeps the last samples, oldest first', () => {
  const history = new History(3);
  assert.equal(history.read(0).cpu_percent, [null, null, null]);
  history.add(1, 10.04, 100);
  assert.equal(history.read(1), { cpu_percent: [null, null, 10], resident_bytes: [null, null, 100] });
  for (let tick = 2; tick <= 5; tick++) history.add(tick, tick, tick);
  assert.equal(history.read(5).cpu_percent, [3, 4, 5]);
});

test('a busy child is charged what the kernel charges it', async () => {
  const sampler = new Sampler(options);
  const child = spawn('sh', ['-c', 'while :; do :; done']);
  try {
    sampler.look();
    const busy = () => sampler.look().processes.get(child.pid!);
    await eventually('it is busy', () => (busy()?.cpuPercent ?? 0) > 5);
    // What a look tells is what its ticks did between that look's window's ends.
    const first = await eventually('it has a share', () => busy());
    assert.ok(first.cpuPercent! <= 110, `${first.cpuPercent} %`);
  } finally {
    child.kill('SIGKILL');
    sampler.stop();
  }
});

test('looks at once share a scan', () => {
  let scans = 0;
  const sampler = new Sampler({ ...options, onScan: () => scans++ });
  for (let index = 0; index < 5; index++) sampler.look();
  assert.is(scans, 1);
  sampler.stop();
});

test('without a period nothing is looked at unasked, and with one plots fill', async () => {
  let scans = 0;
  const still = new Sampler({ ...options, onScan: () => scans++ });
  still.start();
  const live = new Sampler({ ...options, period: 120, span: 1200 });
  const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const before = timers();
  live.start();
  assert.is(timers(), before, 'its timer keeps no process alive');
  const own = await eventually('there is a history', () => {
    const { processes, tick } = live.look();
    return tick >= 4 && processes.get(process.pid)?.history?.read(tick);
  });
  assert.is(own.cpu_percent.length, 10);
  assert.ok(own.cpu_percent.at(-1)! >= 0 && own.resident_bytes.at(-1)! > 1e6);
  const { groups, tick } = live.look();
  assert.ok(groups.some(({ history }) => history.read(tick).resident_bytes.at(-1)! > 1e6));
  assert.is(scans, 1, 'the one at the start');
  still.stop();
  live.stop();
});

/** A sampler of another /proc, and what its scans said is wrong. */
function samplerOf(proc: string): { sampler: Sampler; problems: (string | undefined)[] } {
  const problems: (string | undefined)[] = [];
  return { sampler: new Sampler({ ...options, proc, onScan: ({ problem }) => problems.push(problem) }), problems };
}

test('a /proc that is not there is said, and what can be told without it is', () => {
  const { sampler, problems } = samplerOf('/nowhere');
  const snapshot = sampler.look();
  assert.is(snapshot.problem, '/nowhere cannot be read (ENOENT)');
  assert.equal(problems, [snapshot.problem]);
  assert.is(snapshot.processes.size, 0);
  assert.ok(snapshot.uptime > 0 && snapshot.machine.memoryBytes > 0 && snapshot.machine.processors > 0);
  sampler.stop();
});

test('a /proc that may not be read is said, with the line that helps', () => {
  const proc = temporaryDirectory('topz-proc');
  const { sampler } = samplerOf(proc);
  const root = process.getuid!() === 0;
  chmodSync(proc, 0);
  if (root) process.seteuid!(65_534);
  try {
    assert.match(
      sampler.look().problem ?? '',
      /cannot be read \(EACCES\): run the sidecar as its owner: user: "\d+:\d+"$/,
    );
  } finally {
    if (root) process.seteuid!(0);
    chmodSync(proc, 0o700);
    sampler.stop();
  }
});

test('a /proc that hides the processes of others is said', () => {
  const proc = temporaryDirectory('topz-proc');
  for (const name of ['uptime', 'loadavg', 'meminfo', 'self', String(process.pid)])
    symlinkSync(`/proc/${name}`, join(proc, name));
  const { sampler, problems } = samplerOf(proc);
  const { processes, problem } = sampler.look();
  assert.match(problem ?? '', /^process 1 is not to be seen: .*hidepid/);
  assert.equal([...processes.keys()], [process.pid]);
  assert.equal(problems, [problem]);
  sampler.stop();
  const whole = samplerOf('/proc');
  assert.is(whole.sampler.look().problem, undefined);
  whole.sampler.stop();
});

test.run();
