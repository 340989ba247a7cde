/** The sidecar's program as a process of its own, as a test sees it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { request } from '#kit/http-client.ts';
import { eventually } from './test-poll.ts';
import { temporaryDirectory, TestRepository } from './test-repository.ts';

export interface VersionReport {
  readonly hash: string | null;
  readonly previous?: string;
  readonly verified?: string;
  readonly published?: { readonly hash: string; readonly at: number };
  readonly refused?: { readonly hash: string; readonly by: string; readonly reason: string };
  readonly error?: {
    readonly reason: string;
    readonly error: string;
    readonly advice: string;
    readonly failures: number;
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class TestSidecar {
  readonly root: string;
  readonly child: ChildProcess;
  readonly env: Readonly<Record<string, string>>;
  readonly #ended: Promise<unknown>;
  #output = '';

  private constructor(root: string, env: Record<string, string>) {
    this.root = root;
    this.env = env;
    this.child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.child, 'close');
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    }
    this.#hold(false);
    running.add(this.child);
    void this.#ended.then(() => running.delete(this.child));
  }

  /** Start one; it need not come up. */
  static async start(env: Readonly<Record<string, string>>, root?: string): Promise<TestSidecar> {
    const directory = root ?? join(temporaryDirectory('root'), 'git');
    return new TestSidecar(directory, {
      GITSYNC_ROOT: directory,
      GITSYNC_LINK: 'link',
      GITSYNC_PERIOD: '100ms',
      ADMIN_ADDRESS: '127.0.0.1',
      ADMIN_PORT: String(await freePort()),
      GITSYNC_RECEIVE_ADDRESS: '127.0.0.1',
      GITSYNC_RECEIVE_PORT: String(await freePort()),
      ...env,
    });
  }

  /** The same once more, after this one has ended. */
  again(env: Readonly<Record<string, string>> = {}): TestSidecar {
    return new TestSidecar(this.root, { ...this.env, ...env });
  }

  get output(): string {
    return this.#output;
  }

  /** Where the link points to. */
  get live(): string {
    return basename(readlinkSync(join(this.root, 'link')));
  }

  path(...parts: string[]): string {
    return join(this.root, 'link', ...parts);
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const { status, body } = await request(`http://127.0.0.1:${this.env['ADMIN_PORT']}${path}`, { timeout: 5000 });
    return { status, text: body.toString() };
  }

  async version(): Promise<VersionReport> {
    return JSON.parse((await this.get('/version')).text) as VersionReport;
  }

  /** A metric's value, by its name with labels; 0 when it is not there. */
  async metric(name: string): Promise<number> {
    const line = (await this.get('/metrics')).text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  /** Wait until a commit is live. */
  async lives(hash: string): Promise<void> {
    await this.#await(`${hash} is live`, () => this.live === hash);
  }

  /** Wait until the report says so. */
  async reports(what: string, is: (report: VersionReport) => boolean): Promise<VersionReport> {
    return await this.#await(what, async () => {
      const report = await this.version();
      return is(report) && report;
    });
  }

  async #await<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, false | undefined | null>> {
    const running = async (): Promise<T | { ended: number }> =>
      this.child.exitCode === null ? await look() : { ended: this.child.exitCode };
    try {
      const found = await eventually(what, running);
      if (typeof found === 'object' && found !== null && 'ended' in found)
        throw new Error(`${what}: the program ended with ${found.ended}`);
      return found as Exclude<T, false | undefined | null>;
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#output.slice(-3000)}`, { cause: error });
    }
  }

  /** End it in order; its exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return await this.ended();
  }

  /** End it as a crash would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended();
  }

  /** Wait for its end; its exit code. */
  async ended(): Promise<number | null> {
    this.#hold(true);
    await this.#ended;
    return this.child.exitCode;
  }

  /** Whether the test's process stays for it: not when a test has failed and nobody waits any more. */
  #hold(on: boolean): void {
    for (const each of [this.child, this.child.stdout as Socket, this.child.stderr as Socket]) {
      if (on) each.ref();
      else each.unref();
    }
  }
}

/** A sidecar whose first version is live. */
export async function synced(
  env: Record<string, string> = {},
): Promise<{ repository: TestRepository; sidecar: TestSidecar; hash: string }> {
  const repository = new TestRepository();
  const hash = repository.commit({ file: 'one', big: 'x'.repeat(10_000) });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: 'main', ...env });
  await sidecar.lives(hash);
  return { repository, sidecar, hash };
}
