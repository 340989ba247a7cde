/** Looks from inside the stack's containers, and what is done in them. */
import { EngineError } from '../../scripts/lib/engine.ts';
import type { Project } from '../../scripts/lib/compose.ts';

/** The most memory that a sidecar's program ever had resident, in MB. */
export async function peakMemory(project: Project, service: string): Promise<number> {
  const status = await project.exec(service, ['bash', '-c', 'grep -h -A40 "^Name:.*node" /proc/[0-9]*/status']);
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** End a container at once, as an out-of-memory kill would, and start it again. */
export async function killAndStart(project: Project, service: string): Promise<void> {
  await project.kill(service);
  await project.launch(service);
}

/** The order service takes orders and logs each. */
export const takeOrders = (project: Project, from: number, count: number): Promise<string> =>
  project.exec('orders', ['curl', '-sS', '-X', 'POST', `http://127.0.0.1:8000/orders?from=${from}&count=${count}`], {
    timeoutMs: 120_000,
  });

/** The worker works off jobs and says so. */
export const work = (project: Project, command: string): Promise<string> =>
  project.exec('worker', ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/7000; echo "${command}" >&3; head -1 <&3`], {
    timeoutMs: 120_000,
  });

/** Clients ask the web server for numbered items for so many seconds. */
export const browse = (project: Project, from: number, seconds: number): Promise<string> =>
  project.exec(
    'load',
    ['wrk', '-t1', '-c16', `-d${seconds}s`, '-s', '/srv/items.lua', 'http://127.0.0.1:80/', '--', `${from}`],
    { timeoutMs: (seconds + 60) * 1000 },
  );

/** Rotate the access log as a nightly job would. */
export const rotate = (project: Project, mode: 'rename' | 'copytruncate'): Promise<string> =>
  project.exec('web', ['logrotate', '--force', '--state', '/tmp/logrotate', `/etc/logrotate-modes/${mode}.conf`]);

/** A program of the app that keeps a ledger: numbered lines, so many a second. */
const LEDGER = `
import os, sys, time
first, count, rate = map(int, sys.argv[1:4])
os.makedirs("/var/log/orders/ledger", exist_ok=True)
with open("/var/log/orders/ledger/ledger.log", "a", buffering=1 << 16) as out:
    begin = time.time()
    for seq in range(first, first + count):
        if rate and seq % 100 == 0:
            out.flush()
            pause = begin + (seq - first) / rate - time.time()
            if pause > 0:
                time.sleep(pause)
        out.write('{"message":"entry %d in the ledger","seq":%d}\\n' % (seq, seq))
`;

/**
 * Entries in the ledger, which goes to the store that fails on demand.
 * @param rate lines a second; as fast as it can when 0
 */
export const writeLedger = (project: Project, from: number, count: number, rate = 0): Promise<string> =>
  project.exec('orders', ['python3', '-c', LEDGER, `${from}`, `${count}`, `${rate}`], { timeoutMs: 120_000 });

/** Run a script of Python as the order service's user. */
export const python = (project: Project, script: string): Promise<string> =>
  project.exec('orders', ['python3', '-c', script], { timeoutMs: 60_000 });

/** The same, by a program that is killed at its end. */
export async function crashingPython(project: Project, script: string): Promise<void> {
  const crash = `${script}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)`;
  await python(project, crash).catch((error: unknown) => {
    if (!(error instanceof EngineError) || error.exitCode !== 137) throw error;
  });
}
