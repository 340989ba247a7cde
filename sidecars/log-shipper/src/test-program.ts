/** For tests: the program as a process, and a store that counts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createPlain, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TestStore } from './delivery/test-store.ts';

const top = mkdtempSync(join(tmpdir(), 'log-shipper-'));
export const logs = join(top, 'logs');
export const state = join(top, 'state');
const children = new Set<ChildProcess>();
/** End and remove everything. */
export function close(): void {
  for (const child of children) child.kill('SIGKILL');
  server.close();
  server.closeAllConnections();
  rmSync(top, { recursive: true });
}

export const store = new TestStore();
const server = createServer(
  (incoming, response) => void store.answer(incoming, response).catch(() => response.destroy()),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const storePort = (server.address() as AddressInfo).port;

/** No logs, no state, an empty store. */
export function clear(): void {
  rmSync(logs, { recursive: true, force: true });
  rmSync(state, { recursive: true, force: true });
  mkdirSync(logs);
  store.clear();
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const plain = createPlain().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  plain.close();
  await once(plain, 'close');
  return port;
}

export interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly get: (path: string) => Promise<{ status: number; text: string }>;
}

/**
 * Start it; requests are small, looks are frequent.
 * @param flags of node
 */
export async function program(env: Record<string, string> = {}, flags: readonly string[] = []): Promise<Program> {
  const adminPort = await freePort();
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, 'main.ts')], {
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

/** Wait until a path of the admin port answers with a status. */
export async function until({ get, output }: Program, path: string, wanted: number): Promise<void> {
  const status = (): Promise<number> =>
    get(path).then(
      (answer) => answer.status,
      () => 0,
    );
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(20))
    if ((await status()) === wanted) return;
  throw new Error(`${path} is not ${wanted}: ${output()}`);
}

/** Wait for its end, which a signal may bring about; its exit code. */
export async function exit(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, 'exit') as Promise<[number | null]>;
  if (signal) child.kill(signal);
  return (await ended)[0];
}

/** Lines of JSON with numbers. */
export const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `{"level":"info","seq":${from + at},"msg":"${'x'.repeat(100)}"}\n`).join('');
/** The numbers that the store holds, in the order of arrival. */
export const sequence = (): number[] => store.documents.map(({ body }) => (JSON.parse(body) as { seq: number }).seq);
