/** The program as a whole: killed again and again under load, stopped, configured wrongly. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createPlain, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStore } from './delivery/test-store.ts';
import { eventually } from './test-eventually.ts';

const top = mkdtempSync(join(tmpdir(), 'log-shipper-'));
const logs = join(top, 'logs');
const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  server.close();
  server.closeAllConnections();
  rmSync(top, { recursive: true });
});

const store = new TestStore();
const server = createServer(
  (incoming, response) => void store.answer(incoming, response).catch(() => response.destroy()),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const storePort = (server.address() as AddressInfo).port;

test.before.each(() => {
  rmSync(logs, { recursive: true, force: true });
  rmSync(join(top, 'state'), { recursive: true, force: true });
  mkdirSync(logs);
  store.clear();
});

async function freePort(): Promise<number> {
  const plain = createPlain().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  plain.close();
  await once(plain, 'close');
  return port;
}

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly get: (path: string) => Promise<{ status: number; text: string }>;
}

async function program(env: Record<string, string> = {}): Promise<Program> {
  const adminPort = await freePort();
  const state = join(top, 'state');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      PATH: process.env['PATH'],
      FILE_PATHS: join(logs, '*.log*'),
      FILE_SCAN_INTERVAL: '100ms',
      FILE_POLL_INTERVAL: '20ms',
      STORE_URL: `http://127.0.0.1:${storePort}`,
      BULK_MAX_RECORDS: '200',
      BULK_DELAY: '10ms',
      STATE_DIR: state,
      SPOOL_DIR: join(state, 'spool'),
      DEAD_LETTER_DIR: join(state, 'dead'),
      ADMIN_PORT: String(adminPort),
      ADMIN_ADDRESS: '127.0.0.1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const asked = request({ host: '127.0.0.1', port: adminPort, path, agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, text };
  };
  return { child, output: () => output, get };
}

async function until({ get, output }: Program, path: string, wanted: number): Promise<void> {
  const status = (): Promise<number> =>
    get(path).then(
      (answer) => answer.status,
      () => 0,
    );
  for (const end = performance.now() + 20_000; performance.now() < end; await pause(20))
    if ((await status()) === wanted) return;
  throw new Error(`${path} is not ${wanted}: ${output()}`);
}

async function exit(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, 'exit') as Promise<[number | null]>;
  if (signal) child.kill(signal);
  return (await ended)[0];
}

const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `{"level":"info","seq":${from + at},"msg":"${'x'.repeat(100)}"}\n`).join('');
const sequence = (): number[] => store.documents.map(({ body }) => (JSON.parse(body) as { seq: number }).seq);

test('killed again and again under load: every line, in order, at most one batch again and under the same ids', async () => {
  const file = join(logs, 'a.log');
  let written = 0;
  for (let round = 0; round < 5; round++) {
    const before = store.counts.created;
    const conflicts = store.counts.conflicts;
    appendFileSync(file, lines(written, 8000));
    written += 8000;
    const { child, output } = await program();
    await eventually(() => store.counts.created > before + 2000, `lines in round ${round}: ${output()}`);
    await exit(child, 'SIGKILL');
    assert.ok(store.counts.conflicts - conflicts <= 200, `${store.counts.conflicts - conflicts} sent again`);
  }
  const { child, output } = await program();
  await eventually(() => store.counts.created === written, `all lines: ${output()}`);
  assert.is(await exit(child, 'SIGTERM'), 0, output());
  assert.equal(
    sequence(),
    Array.from({ length: written }, (_, at) => at),
  );
  const again = await program();
  await until(again, '/startupz', 200);
  assert.is(await exit(again.child, 'SIGTERM'), 0);
  assert.is(store.counts.created, written);
});

test('it starts before there is a file or a store, says so, and ships when both are there', async () => {
  const nobody = await freePort();
  const running = await program({
    STORE_URL: `http://127.0.0.1:${nobody}`,
    STORE_ACK_MAX_AGE: '200ms',
    STORE_RETRY_MAX: '100ms',
    SHUTDOWN_TIMEOUT: '1s',
  });
  await until(running, '/startupz', 200);
  await until(running, '/readyz', 200);
  writeFileSync(join(logs, 'a.log'), lines(0, 10));
  await until(running, '/readyz', 503);
  assert.match((await running.get('/metrics')).text, /shipper_file_lag_bytes\{file="[^"]*a\.log"\} [1-9]/);
  const late = createServer((incoming, response) => void store.answer(incoming, response)).listen(nobody, '127.0.0.1');
  await until(running, '/readyz', 200);
  await eventually(() => store.counts.created === 10, 'the lines');
  assert.is(await exit(running.child, 'SIGTERM'), 0);
  late.close();
  late.closeAllConnections();
});

test('bad configuration is one line a problem and 64', async () => {
  mkdirSync(join(top, 'state'));
  writeFileSync(join(top, 'state', 'registry'), 'garbage\n');
  for (const [env, line] of [
    [{ FILE_PATHS: '' }, /^log-shipper: FILE_PATHS and FORWARD_PORT are both not set/m],
    [{ FILE_PATHS: 'relative' }, /^log-shipper: FILE_PATHS: .* has the item "relative"/m],
    [{ LINE_REDACT: '(a)\\1' }, /^log-shipper: LINE_REDACT: .*linear time/m],
    [{ MULTILINE_START: '(' }, /^log-shipper: MULTILINE_START: /m],
    [{ FILE_PATH: '/logs/*.log' }, /FILE_PATH is not a parameter of this sidecar; did you mean FILE_PATHS\?/],
    [{ STATE_DIR: '/proc/nowhere' }, /^log-shipper: STATE_DIR: \/proc\/nowhere/m],
    [{}, /^log-shipper: STATE_DIR: \S+registry is not a registry/m],
  ] as [Record<string, string>, RegExp][]) {
    const { child, output } = await program(env);
    assert.is(await exit(child), 64, output());
    assert.match(output(), line);
  }
  assert.is(readFileSync(join(top, 'state', 'registry'), 'utf8'), 'garbage\n');
  assert.is(store.counts.requests, 0, 'nothing was sent');
});

test.run();
