/** A /proc of a test's own making. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeProcess {
  readonly pid: number;
  /** 0 for a container's first process. */
  readonly ppid?: number;
  readonly args: readonly string[];
  /** Its container. */
  readonly group: string;
  readonly state?: string;
  /** Clock ticks since boot. */
  readonly start?: number;
}

export class FakeProc {
  readonly path = mkdtempSync(join(tmpdir(), 'probe-proc-'));

  constructor(uptime = 1000) {
    writeFileSync(join(this.path, 'uptime'), `${uptime}.00 0.00\n`);
    // The pod's own container, which owns the namespace.
    this.add({ pid: 1, args: ['sleep', 'infinity'], group: 'pod' });
  }

  add({ pid, ppid = 0, args, group, state = 'S', start = pid }: FakeProcess): void {
    const at = join(this.path, String(pid));
    mkdirSync(at, { recursive: true });
    const between = Array.from({ length: 17 }, () => '0').join(' ');
    writeFileSync(join(at, 'stat'), `${pid} (${args[0]!.slice(0, 15)}) ${state} ${ppid} ${between} ${start} 0 0\n`);
    writeFileSync(join(at, 'status'), `Uid:\t1\t${(process as { getuid: () => number }).getuid()}\t1\t1\n`);
    writeFileSync(join(at, 'cmdline'), args.map((arg) => `${arg}\0`).join(''));
    writeFileSync(join(at, 'cgroup'), `0::/../${group}\n`);
  }

  remove(pid: number): void {
    rmSync(join(this.path, String(pid)), { recursive: true, force: true });
  }

  close(): void {
    rmSync(this.path, { recursive: true });
  }
}
