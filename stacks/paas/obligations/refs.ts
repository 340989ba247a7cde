/** Which version: branches, tags, and ways back. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { liveCommit } from '../lib/inside.ts';
import { BRANCH } from '../../../scripts/lib/developer.ts';
import { called, version } from '../lib/versions.ts';
import { becomes, developerOf, next, type Must } from './stage.ts';

/** Have the sidecar follow another ref, as an operator would: its container is made anew, the app's is not. */
async function follow(project: Project, ref: string): Promise<void> {
  const override = `services: { git-sync: { environment: { GITSYNC_REF: ${JSON.stringify(ref)} } } }`;
  const files = ref === BRANCH ? [] : ['-f', 'compose.yaml', '-f', '-'];
  await project.compose([...files, 'up', '--detach', '--wait', 'git-sync'], {
    ...(files.length > 0 && { input: override }),
    timeoutMs: 60_000,
  });
}

export function waysBack(must: Must): void {
  must(
    'go back by a revert, and by moving the branch back',
    { say: 'Two ways back that a developer has: push a revert, or move the branch to an older commit.' },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const [good, bad] = [next(), next()];
      const [first] = await developer.commit([version(good)]);
      const [second] = await developer.commit([version(bad)]);
      await developer.push();
      await becomes(stage, bad);
      const revert = await developer.git(['commit-tree', `${first}^{tree}`, '-p', second!, '-m', 'Revert']);
      await developer.push(`${revert}:refs/heads/${BRANCH}`);
      const reverted = await becomes(stage, good);
      await developer.push(`${second}:refs/heads/${BRANCH}`, '--force');
      await becomes(stage, bad);
      await developer.push(`${first}:refs/heads/${BRANCH}`, '--force');
      const moved = await becomes(stage, good);
      assert.is(await liveCommit(stage.project), first);
      await developer.git(['update-ref', `refs/heads/${BRANCH}`, first!]);
      stage.say(`back by a revert in ${reverted} ms, by moving the branch in ${moved} ms`);
    },
  );
}

export function otherRefs(must: Must): void {
  must(
    'follow another branch, and a tag',
    { say: 'Another branch, then a tag: one parameter of the sidecar.', within: 120_000, needs: 'compose' },
    async (stage) => {
      const { project } = stage;
      const developer = await developerOf(project);
      const app = async (): Promise<string> => (await project.inspect('app')).State.StartedAt;
      const before = await app();
      const [onMain, onBranch, tagged] = [next(), next(), next()];
      await developer.publish(version(onMain));
      await becomes(stage, onMain);
      await developer.git(['branch', '--force', 'next', BRANCH]);
      const [tip] = await developer.commit([version(onBranch)], 'next');
      const [release] = await developer.commit([version(tagged)], 'next');
      await developer.git(['tag', '--annotate', '--force', '--message', called(tagged), 'v1', release!]);
      await developer.push(`${tip}:refs/heads/next`, 'v1');

      await follow(project, 'next');
      await becomes(stage, onBranch);
      await follow(project, 'v1');
      await becomes(stage, tagged);
      assert.is(await liveCommit(project), release, 'the commit that the annotated tag names');
      await follow(project, BRANCH);
      await becomes(stage, onMain);
      assert.is(await app(), before, 'the application’s container was left alone');
    },
  );
}
