/** The sidecar as a process of its own, and what tests need to follow it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createServer, type AddressInfo } from 'node:net';
import { request } from '#kit/http-client.ts';
import type { FileStatus } from '../loop/runner.ts';

export interface Sidecar {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly get: (path: string) => Promise<{ status: number; text: string }>;
  /** `/status` of its only file. */
  readonly file: () => Promise<FileStatus>;
  readonly metric: (name: string) => Promise<number>;
  readonly exit: Promise<number | null>;
}

/** Short times, so that tests can watch what takes minutes in production. */
const QUICK = {
  UPDATE_FREQUENCY: '300ms',
  CONFIG_MAX_AGE: '1s',
  CONFIG_REQUEST_TIMEOUT: '500ms',
  CONFIG_RETRY_MAX: '200ms',
  CONFIG_VERIFY_TIMEOUT: '700ms',
  CONFIG_NOTIFY_TIMEOUT: '300ms',
};

/** Start the sidecar; it is not waited for. */
export async function startSidecar(env: Record<string, string>): Promise<Sidecar> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: {
      PATH: process.env['PATH'],
      ...QUICK,
      CONFIG_REPORT_AS: 'test',
      ADMIN_PORT: String(port),
      ADMIN_ADDRESS: '127.0.0.1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const { status, body } = await request(`http://127.0.0.1:${port}${path}`, { timeout: 2000 });
    return { status, text: body.toString('utf8') };
  };
  return {
    child,
    output: () => output,
    get,
    file: async () => (JSON.parse((await get('/status')).text) as { files: FileStatus[] }).files[0]!,
    metric: async (name) => {
      const { text } = await get('/metrics');
      const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
      return line === undefined ? 0 : Number(line.split(' ').at(-1));
    },
    exit: once(child, 'exit').then(([code]) => code as number | null),
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Look again and again until it holds; what a look throws counts as not yet. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  within = 10_000,
): Promise<T> {
  const deadline = performance.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== false && seen !== undefined) return seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
