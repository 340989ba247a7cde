/**
 * Runs inside the benchmark's network, as a module on standard input: pushes, and times what follows.
 * Prints its result as JSON.
 *
 *   fill FILES BYTES      a repository `big` of FILES files with BYTES bytes together
 *   pushes SECONDS        push again and again; when was each served by whom?
 *   first-sync            the time of a first sync of `big`, by the sidecar and by git
 *   switches COUNT        change one file of `big`; when was it served?
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const SERVER = 'http://git-server:8080';
const WORK = '/git';
/** Pause between two looks, in milliseconds. */
const LOOK = 4;
/** The longest that anything may take to be served, in milliseconds: more than a minute's loop. */
const PATIENCE = 90_000;
const CHANGE_EVERY = 1500;

const SIDES = {
  ours: 'http://nginx:8080/ours/version.txt',
  pull1: 'http://nginx:8080/pull1/version.txt',
  pull60: 'http://nginx:8080/pull60/version.txt',
  nodemon: 'http://ours:3000/',
} as const;
type Side = keyof typeof SIDES;

/** The application that nodemon runs: it answers with its version. */
const APP = `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const version = readFileSync(new URL('version.txt', import.meta.url));
createServer((request, response) => response.end(version)).listen(3000);
process.once('SIGTERM', () => process.exit());
`;

async function git(args: readonly string[], input?: Iterable<Buffer | string>): Promise<string> {
  const child = spawn('git', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const closed = once(child, 'close');
  for (const chunk of input ?? []) if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [code] = (await closed) as [number];
  if (code !== 0) throw new Error(`git ${args.join(' ')}: exit code ${code}`);
  return Buffer.concat(output).toString().trim();
}

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

/** A commit of some files on top of what a repository's main has. */
async function commit(repository: string, files: Readonly<Record<string, string>>): Promise<void> {
  const begun = (await git(['-C', repository, 'for-each-ref', 'refs/heads/main'])) !== '';
  const stream = [
    'commit refs/heads/main\ncommitter Bench <bench@example.com> now\n',
    data('change'),
    begun ? 'from refs/heads/main^0\n' : '',
    ...Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`),
  ];
  await git(['-C', repository, 'fast-import', '--quiet', '--date-format=now'], stream);
}

async function clone(name: string): Promise<string> {
  const path = `${WORK}/${name}.git`;
  rmSync(path, { recursive: true, force: true });
  await git(['init', '--quiet', '--bare', path]);
  await git(['-C', path, 'remote', 'add', 'origin', `${SERVER}/${name}.git`]);
  await git(['-C', path, 'fetch', '--quiet', 'origin', '+refs/heads/*:refs/heads/*']);
  return path;
}

async function fetchText(url: string): Promise<string> {
  const [response] = (await once(get(url, { agent: false }).setTimeout(5000), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return response.statusCode === 200 ? Buffer.concat(chunks).toString() : '';
}

/** Milliseconds from a moment until a URL serves a version at least as new. */
async function served(url: string, version: number, since: number, look = LOOK): Promise<number> {
  while (performance.now() - since < PATIENCE) {
    const found = Number(await fetchText(url).catch(() => '0'));
    if (found >= version) return performance.now() - since;
    await pause(look);
  }
  throw new Error(`${url} did not serve version ${version} within ${PATIENCE / 1000} s`);
}

async function fill(files: number, bytes: number): Promise<void> {
  const size = Math.floor(bytes / files);
  function* stream(): Generator<Buffer | string> {
    yield `commit refs/heads/main\ncommitter Bench <bench@example.com> now\n${data('fill')}`;
    yield `M 100644 inline version.txt\n${data('0')}`;
    for (let index = 0; index < files; index++) {
      yield `M 100644 inline files/${index % 100}/${index}\ndata ${size}\n`;
      yield randomBytes(size);
      yield '\n';
    }
  }
  await git(['-C', '/srv/git/big.git', 'fast-import', '--quiet', '--date-format=now'], stream());
}

async function pushes(seconds: number): Promise<Record<Side, number[]>> {
  const samples: Record<Side, number[]> = { ours: [], pull1: [], pull60: [], nodemon: [] };
  const repository = await clone('app');
  const begin = performance.now();
  const pending: Promise<void>[] = [];
  for (let version = 1; performance.now() - begin < seconds * 1000; version++) {
    await commit(repository, { 'version.txt': String(version), 'server.js': APP, 'package.json': '{"type":"module"}' });
    // From before the push: the server accepts it at some moment that nobody outside sees, and may keep
    // the pusher waiting after it.
    const since = performance.now();
    const pushed = git(['-C', repository, 'push', '--quiet', 'origin', 'main']);
    for (const [side, url] of Object.entries(SIDES) as [Side, string][]) {
      const look = side === 'pull60' ? 100 : LOOK;
      pending.push(served(url, version, since, look).then((ms) => void samples[side].push(ms)));
    }
    await pushed;
    // At any moment of the others' periods.
    await pause(CHANGE_EVERY * (0.5 + Math.random()));
  }
  await Promise.all(pending);
  return samples;
}

async function timed(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const begin = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program}: exit code ${code}`);
  return performance.now() - begin;
}

async function firstSync(): Promise<{ ours: number; theirs: number }> {
  const sides = {
    ours: () =>
      timed('node', ['--max-semi-space-size=2', '--single-threaded-gc', '/sidecar/git-sync.mjs'], {
        GITSYNC_ROOT: `${WORK}/ours`,
        GITSYNC_REF: 'main',
        GITSYNC_USERNAME: 'deploy',
        GITSYNC_PASSWORD_FILE: '/secrets/deploy/password',
        GITSYNC_ONE_TIME: 'true',
        LOG_LEVEL: 'error',
      }),
    theirs: () => timed('git', ['clone', '--quiet', '--depth', '1', `${SERVER}/big.git`, `${WORK}/theirs`]),
  };
  const times = { ours: 0, theirs: 0 };
  // Who is first is chance.
  const order = Object.keys(sides) as (keyof typeof sides)[];
  for (const side of Math.random() < 0.5 ? order : order.toReversed()) {
    times[side] = await sides[side]();
    rmSync(`${WORK}/${side}`, { recursive: true, force: true });
  }
  return times;
}

async function switches(count: number): Promise<number[]> {
  const repository = await clone('big');
  const times: number[] = [];
  await served('http://nginx:8080/big/version.txt', 0, performance.now());
  for (let version = 1; version <= count; version++) {
    await commit(repository, { 'version.txt': String(version) });
    const since = performance.now();
    const pushed = git(['-C', repository, 'push', '--quiet', 'origin', 'main']);
    times.push(await served('http://nginx:8080/big/version.txt', version, since));
    await pushed;
  }
  return times;
}

const [mode = '', ...numbers] = process.argv.slice(2);
const [first = 0, second = 0] = numbers.map(Number);
process.env['GIT_CONFIG_GLOBAL'] = '/dev/null';
const result =
  mode === 'fill'
    ? await fill(first, second)
    : mode === 'pushes'
      ? await pushes(first)
      : mode === 'first-sync'
        ? await firstSync()
        : await switches(first);
process.stdout.write(`${JSON.stringify(result ?? null)}\n`);
