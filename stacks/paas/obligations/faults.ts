/** A git server that is down or out of its mind. */
import * as assert from 'uvu/assert';
import { ready } from '../../../scripts/lib/admin.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { liveCommit, startTool, syncStatus } from '../lib/inside.ts';
import { called } from '../lib/versions.ts';
import { current, page, release, type Must } from './stage.ts';

/** Longer than the longest a sync may take in this stack. */
const NOTICED = 60_000;

export function faults(must: Must): void {
  must(
    'keep serving while the git server is down, slow, refusing or talking nonsense',
    {
      say: 'The git server goes down; then something in its place refuses, answers slowly, and sends garbage. The application stays available, and the sidecar says what is wrong.',
      within: 150_000,
    },
    async (stage) => {
      const { project } = stage;
      await release(stage);
      const commit = await liveCommit(project);

      await project.stop('git-http');
      try {
        stage.say(`down: ${await complaint(stage, 'unreachable', /connect/i)}`);
        await eventually('the sidecar is not ready', async () => !(await ready(project, 'git-sync')), {
          within: NOTICED,
          every: 250,
        });
        for (const [kind, reason, words] of [
          ['refuse', 'unreachable', /503/],
          ['slow', 'timeout', /5\.\d s/],
          ['garbage', 'garbage', /./],
        ] as const) {
          await using faulty = await startTool<{ connections: number }>(project, ['fault', kind, '8080']);
          stage.say(`${kind}: ${await complaint(stage, reason, words)}`);
          assert.match(await page(stage), called(current()), 'the application is served');
          assert.ok((await faulty.stop()).connections > 0, 'the sidecar talked to it');
        }
        assert.is(await liveCommit(project), commit, 'nothing else was published');
      } finally {
        await project.start('git-http');
      }
      await eventually('the sidecar is ready again', () => ready(project, 'git-sync'), { within: NOTICED, every: 250 });
      await release(stage);
      assert.is((await syncStatus(project)).error, undefined, 'nothing is wrong any more');
    },
  );
}

/**
 * Wait until the sidecar says what is wrong.
 * @param reason its word for it
 * @param words what else is in the message
 */
async function complaint({ project }: Stage, reason: string, words: RegExp): Promise<string> {
  const { error } = await eventually(
    `the sidecar says ${reason}`,
    async () => {
      const status = await syncStatus(project);
      return status.error?.reason === reason && words.test(status.error.error) && status;
    },
    { within: NOTICED, every: 200 },
  );
  return error!.error;
}
