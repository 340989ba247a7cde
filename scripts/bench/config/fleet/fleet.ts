/**
 * Runs in the fleet's container: many sidecars as processes, each with a file of its own; then changes
 * their document and times how long each takes to have it on disk.
 *
 *   node fleet.ts COUNT CHANGES
 *
 * Prints `{"latencies": [milliseconds, …]}`, one for each sidecar and change, from the answer to the PUT.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [count, changes] = process.argv.slice(2).map(Number) as [number, number];
const server = process.env['CONFIG_URL']!;
const KEY = 'fleet.txt';
const FIRST_ADMIN_PORT = 10_000;
/** Sidecars that start at a time: more only take the processor from each other. */
const BATCH = 8;
/** Between looks at all files, in milliseconds; what is measured is true to this. */
const LOOK = 4;
const PATIENCE = 120_000;
/** As the image starts it. */
const NODE_OPTIONS = [
  '--max-semi-space-size=2',
  '--single-threaded-gc',
  '--optimize-for-size',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
];

const authorization = `Bearer ${readFileSync('/run/operator/token', 'utf8')}`;
const dirs = Array.from({ length: count }, (_, index) => `/tmp/${index}`);
const inode = (dir: string): number => statSync(`${dir}/file`, { throwIfNoEntry: false })?.ino ?? 0;
const children: ChildProcess[] = [];

async function until(what: string, look: () => boolean | Promise<boolean>, every: number): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await pause(every);
  }
}

/** Put the document; returns its version and when the answer came. */
async function put(content: string, version?: number): Promise<{ version: number; at: number }> {
  const condition: Record<string, string> =
    version === undefined ? { 'if-none-match': '*' } : { 'if-match': `"${version}"` };
  const answer = await fetch(`${server}/v1/documents/${KEY}`, {
    method: 'PUT',
    body: content,
    headers: { authorization, ...condition },
  });
  if (!answer.ok) throw new Error(`PUT: ${answer.status} ${await answer.text()}`);
  const at = performance.now();
  return { version: ((await answer.json()) as { version: number }).version, at };
}

async function reports(version: number): Promise<number> {
  const answer = await fetch(`${server}/v1/documents/${KEY}/versions/${version}/reports`, {
    headers: { authorization },
  });
  return ((await answer.json()) as { reports: unknown[] }).reports.length;
}

function start(dir: string, index: number): void {
  mkdirSync(`${dir}/state`, { recursive: true });
  const env = {
    PATH: process.env['PATH'],
    CONFIG_URL: server,
    CONFIG_TOKEN_FILE: '/run/token/token',
    CONFIG_FILES: `${KEY}=${dir}/file`,
    CONFIG_FORMAT: 'text',
    CONFIG_STATE_DIR: `${dir}/state`,
    CONFIG_REPORT_AS: `fleet-${index}`,
    ADMIN_ADDRESS: '127.0.0.1',
    ADMIN_PORT: String(FIRST_ADMIN_PORT + index),
    LOG_LEVEL: 'warn',
  };
  children.push(
    spawn('node', [...NODE_OPTIONS, '/sidecar/config-sync.mjs'], { env, stdio: ['ignore', 'ignore', 'inherit'] }),
  );
}

try {
  let { version } = await put('change 0\n');
  for (let begin = 0; begin < count; begin += BATCH) {
    const batch = dirs.slice(begin, begin + BATCH);
    for (const [offset, dir] of batch.entries()) start(dir, begin + offset);
    await until(`sidecars ${begin} and following have their file`, () => batch.every((dir) => inode(dir) > 0), 20);
  }
  const latencies: number[] = [];
  for (let change = 1; change <= changes; change++) {
    // The reports of the change before have all been taken: nothing is under way.
    await until('all have reported', async () => (await reports(version)) === count, 100);
    const before = new Map(dirs.map((dir) => [dir, inode(dir)]));
    const made = await put(`change ${change}\n`, version);
    ({ version } = made);
    await until(
      'all have the change',
      () => {
        for (const [dir, old] of before) {
          if (inode(dir) === old) continue;
          latencies.push(performance.now() - made.at);
          before.delete(dir);
        }
        return before.size === 0;
      },
      LOOK,
    );
  }
  process.stdout.write(`${JSON.stringify({ latencies })}\n`);
} finally {
  for (const child of children) child.kill('SIGKILL');
}
