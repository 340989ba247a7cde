/** The program as a whole: one process or several, from its start to its end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { authority, dial, eventually, listening, Talk } from './test-plane.ts';
import { certify } from './certificates/test-authority.ts';

const directory = mkdtempSync(join(tmpdir(), 'tls-main-'));
const leaf = await certify({ subject: 'CN=localhost', names: ['localhost'], issuer: authority });
writeFileSync(join(directory, 'tls.crt'), leaf.cert);
writeFileSync(join(directory, 'tls.key'), leaf.key, { mode: 0o600 });
test.after(() => rmSync(directory, { recursive: true }));

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const app = createServer((_incoming, response) => response.end('ok'));
const appPort = await listening(app);
test.after(() => {
  app.close();
  app.closeAllConnections();
});

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createPlain());
  const ports = await Promise.all(servers.map((server) => listening(server)));
  for (const server of servers) server.close();
  return ports;
}

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  readonly output: () => string;
  readonly get: (path: string) => Promise<{ status: number; text: string }>;
}

async function program(env: Record<string, string>): Promise<Program> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      PATH: process.env['PATH'],
      PROXY_PORT: String(appPort),
      TLS_CERT_DIR: directory,
      TLS_LISTEN_PORT: String(port),
      TLS_LISTEN_ADDRESS: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      ADMIN_ADDRESS: '127.0.0.1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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
  return { child, port, output: () => output, get };
}

const up = ({ get, child }: Program): Promise<void> =>
  eventually(
    () =>
      child.exitCode !== null ||
      get('/startupz').then(
        ({ status }) => status === 200,
        () => false,
      ),
    'the program',
    10_000,
  );

async function ask(port: number): Promise<void> {
  const talk = new Talk(await dial(port, { ALPNProtocols: ['http/1.1'] }));
  talk.send(GET);
  await talk.until(({ text }) => text.endsWith('ok'));
  talk.socket.destroy();
}

test('it starts before its application, serves, and ends as asked', async () => {
  const [nobody] = await freePorts(1);
  const running = await program({ PROXY_PORT: String(nobody) });
  await up(running);
  assert.is((await running.get('/healthz')).status, 200);
  await eventually(async () => /ECONNREFUSED/.test((await running.get('/readyz')).text), 'unreadiness');
  assert.is((await running.get('/readyz')).status, 503);
  assert.is((await running.get('/ca.crt')).status, 404);
  running.child.kill('SIGTERM');
  const [code] = (await once(running.child, 'exit')) as [number];
  assert.is(code, 0, running.output());
});

test('bad configuration is one line and 64', async () => {
  for (const [env, line] of [
    [{ TLS_LISTEN_PORT: '99999' }, /^tls: TLS_LISTEN_PORT: "99999" is out of range/],
    [{ TLS_LISTEN_PORT: String(appPort) }, /^tls: TLS_LISTEN_PORT: 127\.0\.0\.1:\d+ is in use/m],
    [{ TLS_LISTEN_PORT: String(appPort), WORKERS: '2' }, /^tls: TLS_LISTEN_PORT: 127\.0\.0\.1:\d+ is in use/m],
  ] as const) {
    const { child, output } = await program(env);
    const [code] = (await once(child, 'exit')) as [number];
    assert.is(code, 64, output());
    assert.match(output(), line);
  }
});

test('several workers serve one port, are counted as one, replaced when they die, and ended together', async () => {
  const running = await program({ WORKERS: '2' });
  await up(running);
  for (let round = 0; round < 20; round++) await ask(running.port);
  const requests = async (): Promise<number> =>
    Number(/tls_requests_total\{code="2xx"\} (\d+)/.exec((await running.get('/metrics')).text)?.[1]);
  assert.is(await requests(), 20, running.output());
  assert.is(await requests(), 20, 'a second look adds nothing');
  await eventually(async () => (await running.get('/readyz')).status === 200, 'readiness');

  const children = readFileSync(`/proc/${running.child.pid}/task/${running.child.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  assert.is(children.length, 2);
  process.kill(children[0]!, 'SIGKILL');
  await eventually(async () => (await running.get('/startupz')).status === 503, 'the loss to be noticed');
  await ask(running.port);
  await eventually(async () => (await running.get('/startupz')).status === 200, 'a successor');
  for (let round = 0; round < 10; round++) await ask(running.port);

  running.child.kill('SIGTERM');
  const [code] = (await once(running.child, 'exit')) as [number];
  assert.is(code, 0, running.output());
});

test.run();
