/** Looks at the stack from inside its containers. */
import { adminPage } from '../../../scripts/lib/admin.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';

/** What the git-sync sidecar says of itself. */
export interface SyncStatus {
  /** The commit that is live. */
  readonly hash: string | null;
  /** The last commit that was seen healthy. */
  readonly verified?: string;
  readonly refused?: { readonly hash: string; readonly by: 'gate' | 'verification'; readonly reason: string };
  readonly error?: { readonly reason: string; readonly error: string; readonly advice: string };
}

export const syncStatus = async (project: Project): Promise<SyncStatus> =>
  JSON.parse((await adminPage(project, 'git-sync', '/version')).body) as SyncStatus;

/** The commit that the link leads to, as the app's container sees it. */
export const liveCommit = async (project: Project): Promise<string> =>
  (await project.exec('app', ['realpath', '/git/current'])).split('/').at(-1)!;

export interface Tool<Report> extends AsyncDisposable {
  /** End it and get what it saw. */
  readonly stop: () => Promise<Report>;
}

/** Run a program of the tools' until it is stopped, or goes out of scope; see services/tools. */
export async function startTool<Report>(
  project: Project,
  args: readonly [program: string, ...rest: string[]],
): Promise<Tool<Report>> {
  const [program] = args;
  const ended = project.exec('tools', ['node', '/usr/local/lib/tools.mjs', ...args], { timeoutMs: 280_000 });
  // Awaited when it is stopped; a failure before that must not end the process.
  ended.catch(() => {});
  await Promise.race([
    ended,
    eventually(
      `${program} is at work`,
      () => project.exec('tools', ['test', '-e', `/tmp/begun-${program}`]).then(() => true),
      {
        within: 60_000,
      },
    ),
  ]);
  const end = async (): Promise<string> => {
    await project.exec('tools', ['touch', `/tmp/stop-${program}`]);
    return ended;
  };
  return {
    stop: async () => JSON.parse(await end()) as Report,
    [Symbol.asyncDispose]: async () => void (await end().catch(() => {})),
  };
}
