/** The program as a whole: one process or several, from its start to its end. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { authority, dial, RawClient } from './test-plane.ts';
import { certify } from '#kit/testing/certify.ts';
import { writeAndClose } from '#kit/testing/write-only.ts';

const directory = mkdtempSync(join(tmpdir(), 'tls-main-'));
const leaf = await certify({ subject: 'CN=localhost', names: ['localhost'], issuer: authority });
writeFileSync(join(directory, 'tls.crt'), leaf.cert);
writeFileSync(join(directory, 'tls.key'), leaf.key, { mode: 0o600 });
test.after(() => rmSync(directory, { recursive: true }));

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const app = await serve((_incoming, response) => response.end('ok'));

interface Running extends Program {
  readonly port: number;
}

async function program(env: Record<string, string>, flags: readonly string[] = []): Promise<Running> {
  const port = await freePort();
  const running = await startProgram([...flags, join(import.meta.dirname, 'main.ts')], {
    PROXY_PORT: String(app.port),
    TLS_CERT_DIR: directory,
    TLS_LISTEN_PORT: String(port),
    TLS_LISTEN_ADDRESS: '127.0.0.1',
    ...env,
  });
  return Object.assign(running, { port });
}

/** The processes that a process started. */
const children = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);

async function ask(port: number): Promise<void> {
  const talk = new RawClient(await dial(port, { ALPNProtocols: ['http/1.1'] }));
  talk.send(GET);
  await talk.until(({ text }) => text.endsWith('ok'));
  talk.socket.destroy();
}

test('it starts before its application, serves, and ends as asked', async () => {
  const nobody = await freePort();
  const running = await program({ PROXY_PORT: String(nobody) });
  await running.up();
  assert.is((await running.get('/healthz')).status, 200);
  await running.answers('/readyz', 503, /ECONNREFUSED/);
  assert.is((await running.get('/ca.crt')).status, 404);
  assert.is(await running.stop(), 0, running.output);
});

test('bad configuration is one line and 64', async () => {
  for (const [env, line] of [
    [{ TLS_LISTEN_PORT: '99999' }, /^tls: TLS_LISTEN_PORT: "99999" is out of range/],
    [{ TLS_LISTEN_PORT: String(app.port) }, /^tls: TLS_LISTEN_PORT: 127\.0\.0\.1:\d+ is in use/m],
    [{ TLS_LISTEN_PORT: String(app.port), WORKERS: '2' }, /^tls: TLS_LISTEN_PORT: 127\.0\.0\.1:\d+ is in use/m],
  ] as const) {
    const refused = await program(env);
    assert.is(await refused.ended(), 64, refused.output);
    assert.match(refused.output, line);
  }
});

test('workers share one port, are counted as one, replaced when they die, and end together', async () => {
  const running = await program({ WORKERS: '2' });
  await running.up();
  for (let round = 0; round < 20; round++) await ask(running.port);
  const requests = async (): Promise<number> =>
    Number(/tls_requests_total\{code="2xx"\} (\d+)/.exec((await running.get('/metrics')).text)?.[1]);
  assert.is(await requests(), 20, running.output);
  assert.is(await requests(), 20, 'a second look adds nothing');
  const { text } = await running.get('/metrics');
  assert.match(text, 'tls_request_duration_seconds_count{method="GET",code="2xx"} 20\n');
  await running.answers('/readyz', 200);

  const workers = children(running.child.pid!);
  assert.is(workers.length, 2);
  process.kill(workers[0]!, 'SIGKILL');
  await running.answers('/startupz', 503);
  await ask(running.port);
  await running.answers('/startupz', 200);
  for (let round = 0; round < 10; round++) await ask(running.port);

  assert.is(await running.stop(), 0, running.output);
});

test('sessions resume on any worker', async () => {
  const running = await program({ WORKERS: '3' });
  await running.up();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await dial(running.port, { ALPNProtocols: ['http/1.1'], maxVersion });
    // With TLS 1.2 it is there already, with TLS 1.3 it comes later.
    let session = maxVersion === 'TLSv1.2' ? first.getSession() : undefined;
    first.on('session', (ticket) => (session = ticket));
    const talk = new RawClient(first);
    talk.send(GET);
    await talk.until(({ text }) => text.endsWith('ok'));
    first.destroy();
    for (let round = 0; round < 20; round++) {
      const again = await dial(running.port, { maxVersion, session: session! });
      assert.is(again.isSessionReused(), true, `${maxVersion}, connection ${round}`);
      again.destroy();
    }
  }
  assert.is(await running.stop(), 0, running.output);
});

test('in tcp mode a client that only writes and closes loses nothing, with any worker count', async () => {
  const bytes = Buffer.alloc(400_000, 'line\n');
  for (const WORKERS of ['1', '2']) {
    let received = 0;
    const sink = createServer((socket) =>
      socket.on('data', ({ length }) => (received += length)).on('error', () => {}),
    );
    sink.listen(0, '127.0.0.1');
    await once(sink, 'listening');
    const running = await program({
      TLS_MODE: 'tcp',
      WORKERS,
      PROXY_PORT: String((sink.address() as AddressInfo).port),
    });
    await running.up();
    const { pid } = running.child;
    await writeAndClose(running.port, { ca: authority.cert, processes: [pid!, ...children(pid!)] }, bytes);
    await running.eventually('every byte', () => received === bytes.length);
    assert.is(await running.stop(), 0, running.output);
    sink.close();
  }
});

test('the memory of many connections is given back after they close', async () => {
  const flags = [
    '--max-semi-space-size=2',
    '--expose-gc',
    '--experimental-ffi',
    '--disable-warning=ExperimentalWarning',
  ];
  const running = await program({}, flags);
  await running.up();
  // Its own, without pages of files: those go some seconds after the start.
  const resident = (): number =>
    Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${running.child.pid}/status`, 'utf8'))![1]) / 1024;
  await ask(running.port);
  const before = resident();
  const open: Awaited<ReturnType<typeof dial>>[] = [];
  while (open.length < 1200) open.push(...(await Promise.all(Array.from({ length: 20 }, () => dial(running.port)))));
  const peak = resident();
  assert.ok(peak > before + 20, `${before} MB before, ${peak} MB with ${open.length} connections`);
  for (const socket of open) socket.destroy();
  await running.eventually('most of it is back', () => resident() < before + (peak - before) * 0.4);
  assert.is(await running.stop(), 0, running.output);
});

test('SIGHUP looks at certificates, in every worker', async () => {
  const next = await certify({ subject: 'CN=localhost', names: ['localhost'], issuer: authority });
  for (const WORKERS of ['1', '2']) {
    const running = await program({ WORKERS });
    await running.up();
    const file = join(directory, 'tls.crt');
    for (const each of [next, leaf]) {
      writeFileSync(file, each.cert);
      writeFileSync(join(directory, 'tls.key'), each.key);
      running.child.kill('SIGHUP');
      await running.eventually('the new certificate on each worker', async () => {
        for (let round = 0; round < 8; round++) {
          const socket = await dial(running.port);
          const { serialNumber } = socket.getPeerX509Certificate()!;
          socket.destroy();
          if (serialNumber.toLowerCase() !== each.certificate.serialNumber.toLowerCase()) return false;
        }
        return true;
      });
    }
    assert.match(running.output, /SIGHUP: looking at certificates/);
    assert.is(await running.stop(), 0, running.output);
  }
});

test.run();
