/** Looks from inside the stack's containers, and what is done in them. */
import { EngineError } from '../../../scripts/lib/engine.ts';
import type { Project } from '../../../scripts/lib/compose.ts';

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

/** Clients ask the web server for numbered items for a number of seconds. */
export const browse = (project: Project, from: number, seconds: number): Promise<string> =>
  project.exec(
    'load',
    ['wrk', '-t1', '-c16', `-d${seconds}s`, '-s', '/srv/items.lua', 'http://127.0.0.1:80/', '--', `${from}`],
    { timeoutMs: (seconds + 60) * 1000 },
  );

/** Rotate the access log as a nightly job would. */
export const rotate = (project: Project, mode: 'rename' | 'copytruncate'): Promise<string> =>
  project.exec('web', ['logrotate', '--force', '--state', '/tmp/logrotate', `/etc/logrotate-modes/${mode}.conf`]);

/**
 * A program beside the web server that writes to many files, and opens them anew when logrotate has renamed
 * them: it is told by a file, and answers by another.
 */
const MANY = String.raw`
use IO::Handle;
use File::Path "make_path";
my ($dir, $first, $count, $rate, $files) = @ARGV;
make_path($dir);
sub tell_all { my ($path, $text) = @_; open(my $out, ">", "$path.new"); print $out $text; close $out; rename "$path.new", $path }
my @out;
sub reopen { for my $i (0 .. $files - 1) { open($out[$i], ">>", "$dir/$i.log") or die; $out[$i]->autoflush(1) } }
unlink "/tmp/many-reopen", "/tmp/many-reopened";
my $seen = "";
reopen();
for (my $seq = $first; $seq < $first + $count;) {
  if (open(my $told, "<", "/tmp/many-reopen")) {
    my $stamp = <$told> // "";
    if ($stamp ne $seen) { reopen(); $seen = $stamp; tell_all("/tmp/many-reopened", $stamp) }
  }
  my $due = $seq + $rate / 50;
  $due = $first + $count if $due > $first + $count;
  for (; $seq < $due; $seq++) { print {$out[$seq % $files]} qq({"message":"line $seq of many","many":$seq}\n) }
  tell_all("/tmp/many-written", $seq - 1);
  select(undef, undef, undef, 0.018);
}
@out = ();
tell_all("/tmp/many-reopened", "ended");
`;

/** Waits for the writer's answer, as a daemon's postrotate script waits for its daemon. */
const REOPEN = [
  'sharedscripts',
  'postrotate',
  'date +%s%N > /tmp/many-reopen.new; mv /tmp/many-reopen.new /tmp/many-reopen',
  'for i in $(seq 1500); do grep -qsxF -e ended -e "$(cat /tmp/many-reopen)" /tmp/many-reopened && break; sleep 0.02; done',
  'endscript',
];

/** Where the files of one mode are, in the web server's container. */
export const manyFiles = (mode: number): string => `/var/log/nginx/many/${mode}`;

/** Numbered lines in files of the web server's volume, in turn. */
export const writeMany = (
  project: Project,
  { to, from, count, rate, files }: { to: string; from: number; count: number; rate: number; files: number },
): Promise<string> =>
  project.exec('web', ['perl', '-e', MANY, to, `${from}`, `${count}`, `${rate}`, `${files}`], { timeoutMs: 120_000 });

/**
 * Rotate them. A writer whose file was renamed is told, and waited for, before anything is compressed, as a
 * daemon's own configuration does.
 * @param mode directives of logrotate
 */
export const rotateMany = (project: Project, where: string, mode: string): Promise<string> => {
  const told = mode.startsWith('nocreate') ? REOPEN : [];
  const directives = ['rotate 100', ...mode.split(' '), ...told];
  const configuration = [`${where}/*.log {`, ...directives, '}', ''].join('\n');
  const script =
    'printf %s "$1" > /tmp/many.conf && chmod 644 /tmp/many.conf && logrotate --force --state /tmp/many.state /tmp/many.conf';
  return project.exec('web', ['bash', '-c', script, 'rotate', configuration], { timeoutMs: 120_000 });
};

/** A program of the app that keeps a ledger: numbered lines, at a rate in lines a second. */
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
