/** The program as a whole: its start, what it answers, its end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly get: (path: string) => Promise<{ status: number; text: string }>;
}

const running: ChildProcess[] = [];
test.after(() => {
  for (const child of running) child.kill('SIGKILL');
});

async function program(env: Record<string, string>): Promise<Program> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'], ADMIN_PORT: String(port), ADMIN_ADDRESS: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, text };
  };
  return { child, output: () => output, get };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** Look again and again until it holds. */
async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await look().catch(() => false))) {
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await pause(20);
  }
}

test('it starts before its targets, says what it waits for, and ends as asked', async () => {
  const { child, get, output } = await program({ PROBE_TARGET: 'no-such-program', PROBE_PERIOD: '100ms' });
  await eventually('the start', async () => (await get('/startupz')).status === 200);
  await eventually('the first look', async () => /no process named no-such-program/.test((await get('/readyz')).text));
  assert.is((await get('/readyz')).status, 503);
  const [target] = JSON.parse((await get('/targets')).text) as [Record<string, unknown>];
  assert.equal(target, {
    target: 'no-such-program',
    process: 'no-such-program',
    probe: 'process no-such-program',
    state: 'away',
    failures: 0,
    restarts: 0,
    budget_left: 10,
  });
  assert.match((await get('/metrics')).text, /^probe_target_present\{target="no-such-program"\} 0$/m);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  assert.is(code, 0, output());
});

test('bad configuration is one line a mistake and 64', async () => {
  for (const [env, line] of [
    [{}, /^probe: nothing to watch: set one of PROBE_TARGETS/m],
    [{ PROBE_TARGETS: '- { name: web }' }, /^probe: PROBE_TARGETS: \[0\]\.livenessProbe is missing$/m],
    [
      { PROBE_TARGET: 'x', PROBE_PERIODE: '1s' },
      /^probe: PROBE_PERIODE is not a parameter.*did you mean PROBE_PERIOD/m,
    ],
  ] as const) {
    const { child, output } = await program(env as Record<string, string>);
    const [code] = (await once(child, 'close')) as [number];
    assert.is(code, 64, output());
    assert.match(output(), line);
  }
});

test.run();
