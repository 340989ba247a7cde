/**
 * One of Valkey's test files, in the container: `node inside.ts SETUP FILE`. Servers and ambassador are started for it
 * alone, so that nothing of one file is left to another.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from '#kit/testing/eventually.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import { SETUPS, type FileResult, type Setup } from './files.ts';

/** A file takes a few seconds, or half a minute; in milliseconds. */
const LIMIT = 200_000;
/** For a program to start on a busy machine, in milliseconds. */
const PATIENCE = 120_000;
/** Valkey's source. */
const VALKEY = '/valkey';
const AMBASSADOR = '/repository/sidecars/ambassador/src/main.ts';

const [setup, file] = process.argv.slice(2) as [Setup, string];
const { servers, base } = SETUPS[setup];
const children: ChildProcess[] = [];

try {
  const ports = Array.from({ length: Math.max(1, servers) }, (_, index) => base + 1 + index);
  for (const port of ports) start('valkey-server', serverOptions(port));
  for (const port of ports) await answers(port);
  if (servers > 0) {
    start(process.execPath, [AMBASSADOR], {
      AMBASSADOR_PORT: String(base),
      SERVERS: ports.map((port, index) => `127.0.0.1:${port}:1 s${index}`).join(','),
      ADMIN_COMMANDS: 'relay',
      ADMIN_PORT: String(base + 20),
      // Busy machines answer late; tests wait for slow commands.
      TIMEOUT: '60s',
      SLOW_TIMEOUT: '120s',
      AMBASSADOR_MAX_COMMAND: '512MiB',
      LOG_LEVEL: 'error',
    });
    await answers(base);
  }
  process.stdout.write(`${JSON.stringify(await runFile(servers > 0 ? base : base + 1))}\n`);
} finally {
  for (const child of children) child.kill('SIGKILL');
}

/** With a folder of its own: tests write files there. */
function serverOptions(port: number): string[] {
  const folder = mkdtempSync(`/tmp/server-${port}-`);
  const options = { port, save: '', appendonly: 'no', 'enable-debug-command': 'yes', dir: folder };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

function start(program: string, args: readonly string[], env: Record<string, string> = {}): void {
  children.push(spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } }));
}

async function answers(port: number): Promise<void> {
  await eventually(
    `port ${port} answers`,
    async () => {
      const client = await RespClient.to(port);
      const answer = await client.ask('PING');
      client.close();
      return answer === 'PONG';
    },
    { within: PATIENCE },
  );
}

/** Its tests, in a writable folder: other.tcl writes to the one that it is started in. Colours are taken out of the output. */
async function runFile(port: number): Promise<FileResult> {
  const folder = mkdtempSync(`/tmp/suite-${port}-`);
  for (const name of ['src', 'tests']) symlinkSync(join(VALKEY, name), join(folder, name));
  const child = spawn(
    'tclsh',
    `tests/test_helper.tcl --host 127.0.0.1 --port ${port} --baseport ${base + 100} --singledb --durable --tags -needs:repl --single ${file}`.split(
      ' ',
    ),
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  let output = '';
  child.stdout!.on('data', (bytes: Buffer) => (output += bytes.toString('latin1')));
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  await once(child, 'close');
  clearTimeout(timer);
  const lines = stripVTControlCharacters(output).split('\n');
  // The list of all failures at the end begins its lines with asterisks.
  const named = (pattern: RegExp): string[] => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  return {
    passed: named(/^\[ok\]: (.*) \(\d+ ms\)$/),
    failed: named(/^\[err\]: (.*) in tests\//),
    whole: lines.some((line) => line.startsWith('[1/1 done]')),
    output: lines.filter((line) => !/^\[(ok|ignore|testing|ready)\]/.test(line)).slice(0, 400),
  };
}
