/** The program as a whole: its flags, its faults, its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { translateArguments } from './command-line.ts';

const directory = mkdtempSync(join(tmpdir(), 'topz-main-'));
test.after(() => rmSync(directory, { recursive: true }));
const common = { bundle: true, outdir: directory, logLevel: 'silent' } as const;
// As the image has it: the program, and beside it what the page loads.
await build({
  ...common,
  entryPoints: { topz: join(import.meta.dirname, 'main.ts') },
  platform: 'node',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const page = join(import.meta.dirname, '../page');
await build({ ...common, entryPoints: { page: join(page, 'main.ts') }, format: 'iife' });
await build({ ...common, entryPoints: { page: join(page, 'style.css') } });

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function start(env: Record<string, string>, args: (port: number) => string[] = () => []) {
  const [port, admin] = (await freePorts(2)) as [number, number];
  const child = spawn(process.execPath, [join(directory, 'topz.mjs'), ...args(port)], {
    env: {
      PATH: process.env['PATH'],
      TOPZ_ADDRESS: `127.0.0.1:${port}`,
      ADMIN_ADDRESS: '127.0.0.1',
      ADMIN_PORT: String(admin),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  test.after(() => void child.kill('SIGKILL'));
  const get = async (at: number, path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${at}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const up = async (): Promise<void> => {
    const deadline = performance.now() + 30_000;
    while (!output.includes('"msg":"listening"')) {
      if (performance.now() > deadline || child.exitCode !== null) throw new Error(`not up: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    child,
    ended,
    up,
    output: () => output,
    page: (path: string) => get(port, path),
    admin: (path: string) => get(admin, path),
  };
}

test('it shows itself, is ready, counts, and ends when told to', async () => {
  const topz = await start({}, (port) => [`--addr=127.0.0.1:${port}`]);
  await topz.up();
  assert.match((await topz.page('/topz')).text, /topz\.mjs --addr=/);
  assert.match((await topz.page('/topz/page.js')).text, /By container/);
  assert.is((await topz.admin('/readyz')).status, 200);
  assert.is((await topz.admin('/startupz')).status, 200);
  for (const { text } of [await topz.admin('/metrics'), await topz.page('/metrics')]) {
    assert.match(text, /^namedprocess_namegroup_num_procs\{groupname="[^"]+",container="[^"]+"\} [1-9]/m);
    assert.match(text, /^namedprocess_namegroup_cpu_seconds_total\{.*mode="user"\} \d/m);
    assert.match(text, /^process_resident_memory_bytes [1-9]/m);
  }
  topz.child.kill('SIGTERM');
  assert.is(await topz.ended, 0, topz.output());
});

test('counters do not count twice when they are read twice', async () => {
  const topz = await start({ TOPZ_SAMPLE_PERIOD: '0' });
  await topz.up();
  const sum = async (): Promise<number> =>
    [...(await topz.page('/metrics')).text.matchAll(/^namedprocess_namegroup_cpu_seconds_total\{.*\} (\S+)$/gm)].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  const [first, second] = [await sum(), await sum()];
  assert.ok(second >= first && second < first + 60, `${first}, then ${second}`);
  topz.child.kill('SIGTERM');
  await topz.ended;
});

for (const [name, env, message] of [
  [
    'a pattern that is none',
    { TOPZ_MASK_PATTERN: '(' },
    /^topz: TOPZ_MASK_PATTERN: .*; accepted is a regular expression/m,
  ],
  ['a pattern that matches nothing', { TOPZ_MASK_PATTERN: 'x*' }, /it matches the empty text/],
  ['an address without port', { TOPZ_ADDRESS: '127.0.0.1' }, /accepted is ADDRESS:PORT/],
  ['a name that was mistyped', { TOPZ_MASKS: 'false' }, /did you mean TOPZ_MASK\?/],
] as const)
  test(`${name} ends it with 64`, async () => {
    const topz = await start(env);
    assert.is(await topz.ended, 64);
    assert.match(topz.output(), message);
  });

test("the flag is that of Kubernetes' topz", () => {
  assert.equal(translateArguments(['--addr=:80', '-addr', ':81', '--address=x', '--log-level=info']), [
    '--topz-address=:80',
    '--topz-address',
    ':81',
    '--address=x',
    '--log-level=info',
  ]);
});

test('masking can be turned off, with a warning', async () => {
  const topz = await start({ TOPZ_MASK: 'false' }, () => ['--shutdown-timeout=7s']);
  await topz.up();
  assert.match(topz.output(), /"level":"warn".*secrets/);
  topz.child.kill('SIGTERM');
  await topz.ended;
});

test.run();
