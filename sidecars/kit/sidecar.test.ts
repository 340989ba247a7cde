/** The life of a whole sidecar, as a process: started, asked, told to end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const children: ChildProcess[] = [];
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
});

const kit = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/** A sidecar whose job is `job`; its environment is `env` and nothing else. */
function start(job: string, env: Record<string, string>, ...args: string[]): Run {
  const program = `
    import { defineContract } from ${kit('contract.ts')};
    import { runSidecar } from ${kit('sidecar.ts')};
    import { ConfigurationError } from ${kit('parameters.ts')};
    const contract = defineContract({
      name: 'example', version: '1.0.0', description: 'Shows the life of a sidecar.', prefixes: ['EXAMPLE_'],
      adminPort: '9999', ports: {}, metrics: {},
      parameters: { EXAMPLE_WORD: { type: 'string', default: 'hello', description: 'A word.' } },
    });
    await runSidecar(contract, async ({ parameters, readiness, shutdown, adminPath }) => { ${job} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', 'example.mjs', ...args], {
    env: { LOG_LEVEL: 'info', ADMIN_ADDRESS: '127.0.0.1', ...env },
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (output += String(chunk)));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, ended };
}

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The status of a path once it is `wanted`. */
async function status(port: number, path: string, wanted: number, run: Run): Promise<void> {
  const deadline = performance.now() + 20_000;
  let last = 0;
  while (performance.now() < deadline && run.child.exitCode === null) {
    last = await fetch(`http://127.0.0.1:${port}${path}`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (last === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${path} is ${last}, not ${wanted}:\n${run.output()}`);
}

test('it has started when its job is up, and not before', async () => {
  const port = await freePort();
  const run = start(`await new Promise((go) => adminPath('/go', (_q, r) => { r.end(); go(); }));`, {
    ADMIN_PORT: String(port),
  });
  await status(port, '/startupz', 503, run);
  await status(port, '/healthz', 200, run);
  await status(port, '/go', 200, run);
  await status(port, '/startupz', 200, run);
  await status(port, '/readyz', 200, run);
  run.child.kill('SIGTERM');
  assert.is(await run.ended, 0, run.output());
});

test('SIGTERM: unready first, then the steps in their order, then exit 0', async () => {
  const port = await freePort();
  const run = start(
    `shutdown.step('drain', () => new Promise((go) => adminPath('/drained', (_q, r) => { r.end(); go(); })));`,
    { ADMIN_PORT: String(port) },
  );
  await status(port, '/readyz', 200, run);
  run.child.kill('SIGTERM');
  await status(port, '/readyz', 503, run);
  await status(port, '/healthz', 200, run);
  await status(port, '/drained', 200, run);
  assert.is(await run.ended, 0, run.output());
});

test('a parameter that is wrong exits with 64 and one line that says so', async () => {
  const run = start('', { EXAMPLE_WORDS: 'x', ADMIN_PORT: String(await freePort()) });
  assert.is(await run.ended, 64);
  assert.match(run.output(), /^example: EXAMPLE_WORDS\b.*\bEXAMPLE_WORD\b.*\n$/);
});

test('a job that refuses its configuration exits with 64, one that fails with 70', async () => {
  const refusing = start(
    `throw new ConfigurationError([{ parameter: 'EXAMPLE_WORD', reason: 'malformed', message: 'EXAMPLE_WORD: is rude' }]);`,
    { ADMIN_PORT: String(await freePort()) },
  );
  assert.is(await refusing.ended, 64, refusing.output());
  assert.match(refusing.output(), /example: EXAMPLE_WORD: is rude\n/);
  const failing = start(`throw new Error('no disk');`, { ADMIN_PORT: String(await freePort()) });
  assert.is(await failing.ended, 70, failing.output());
  assert.match(failing.output(), /"msg":"could not start"/);
});

test('an error that nobody caught ends it with 70, and is told', async () => {
  const run = start(`setImmediate(() => { throw new Error('a bug'); });`, { ADMIN_PORT: String(await freePort()) });
  assert.is(await run.ended, 70, run.output());
  assert.match(run.output(), /"level":"fatal".*a bug/);
});

test('a port that is taken exits with 64 and says what is accepted', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const run = start('', { ADMIN_PORT: String((taken.address() as AddressInfo).port) });
  assert.is(await run.ended, 64, run.output());
  taken.close();
  assert.match(run.output(), /ADMIN_PORT: 127\.0\.0\.1:\d+ is in use/);
});

test('questions are answered without starting', async () => {
  const help = start('', {}, '--help');
  assert.is(await help.ended, 0);
  assert.match(help.output(), /EXAMPLE_WORD/);
  const document = start('', {}, '--contract');
  assert.is(await document.ended, 0);
  assert.is((JSON.parse(document.output()) as { name: string }).name, 'example');
});

test.run();
