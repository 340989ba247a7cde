/** The sidecar's program as a process of its own, as a test sees it. */
import { readProcess } from '#kit/process/processes.ts';
import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freePorts } from '#kit/testing/ports.ts';
import { Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';

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

/** Nothing of it runs any more; as a zombie it may stay for minutes, until an init that is slow reaps it. */
export const hasEnded = (pid: number | string): boolean => (readProcess(Number(pid))?.state ?? 'Z') === 'Z';

export class TestSidecar extends Program {
  readonly root: string;

  private constructor(root: string, env: Readonly<Record<string, string>>) {
    super([join(import.meta.dirname, 'main.ts')], env);
    this.root = root;
  }

  /** Start one; it need not come up. */
  static async start(env: Readonly<Record<string, string>>, root?: string): Promise<TestSidecar> {
    const directory = root ?? join(temporaryDirectory('git-sync-root'), 'git');
    const [admin, receive] = (await freePorts(2)) as [number, number];
    return new TestSidecar(directory, {
      GITSYNC_ROOT: directory,
      GITSYNC_LINK: 'link',
      GITSYNC_PERIOD: '100ms',
      ADMIN_ADDRESS: '127.0.0.1',
      ADMIN_PORT: String(admin),
      GITSYNC_RECEIVE_ADDRESS: '127.0.0.1',
      GITSYNC_RECEIVE_PORT: String(receive),
      ...env,
    });
  }

  /** The same once more, after this one has ended. */
  again(env: Readonly<Record<string, string>> = {}): TestSidecar {
    return new TestSidecar(this.root, { ...this.env, ...env });
  }

  /** Where the link points to. */
  get live(): string {
    return basename(readlinkSync(join(this.root, 'link')));
  }

  path(...parts: string[]): string {
    return join(this.root, 'link', ...parts);
  }

  async version(): Promise<VersionReport> {
    return JSON.parse((await this.get('/version')).text) as VersionReport;
  }

  /** Wait until a commit is live. */
  async lives(hash: string): Promise<void> {
    await this.eventually(`${hash} is live`, () => this.live === hash);
  }

  /** Wait until the report says so. */
  async reports(what: string, is: (report: VersionReport) => boolean): Promise<VersionReport> {
    return await this.eventually(what, async () => {
      const report = await this.version();
      return is(report) && report;
    });
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
