/** From a push to a page, and what never becomes one. */
import * as assert from 'uvu/assert';
import { ready } from '../../../scripts/lib/admin.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { liveCommit } from '../lib/inside.ts';
import { called, thatCrashes, withFailingTest, withSyntaxError } from '../lib/versions.ts';
import {
  becomes,
  current,
  developerOf,
  next,
  page,
  refused,
  release,
  sawOnly,
  startVisitors,
  type Must,
} from './stage.ts';

export function publish(must: Must): void {
  must(
    'wait for its first version',
    {
      say: 'A git server with an empty repository, and an application container that is only Node.js with nodemon. There is nothing to serve yet.',
    },
    async (stage) => {
      const developer = await developerOf(stage.project);
      assert.is(await developer.git(['ls-remote', 'origin']), '', 'the repository is empty');
      assert.is(await page(stage).catch(() => 'nothing'), 'nothing');
      assert.not(await ready(stage.project, 'git-sync'), 'the sidecar does not say that it is ready');
    },
  );

  must('serve the first version that is pushed', { say: 'A developer pushes a first version.' }, async (stage) => {
    const { hash, ms } = await release(stage);
    assert.is(await liveCommit(stage.project), hash, "the link's target is named by the commit");
    await eventually('the sidecar says that it is ready', () => ready(stage.project, 'git-sync'), { within: 60_000 });
    stage.say(`http://localhost:${stage.port('APP')}/ is ${called(current())}, ${ms} ms after the push was accepted`);
  });

  must(
    'serve a change, and leave the container alone',
    { say: 'The developer changes it and pushes again. Nobody touches the application’s container.' },
    async (stage) => {
      const container = async (): Promise<string> => {
        const { Id, State, RestartCount } = await stage.project.inspect('app');
        return `${Id} ${State.StartedAt} ${RestartCount}`;
      };
      const before = await container();
      const { ms } = await release(stage);
      assert.is(await container(), before, 'id, start and restarts of the container');
      stage.say(`live ${ms} ms after the push was accepted: fetch, gate and nodemon's restart`);
    },
  );

  for (const [name, what, bad] of [
    ['serve nothing that does not parse', 'a version with a syntax error', withSyntaxError],
    ['serve nothing whose test fails', 'a version whose test fails', withFailingTest],
  ] as const) {
    must(name, { say: `The developer pushes ${what}. The gate stops it: visitors never see it.` }, async (stage) => {
      const developer = await developerOf(stage.project);
      await using visitors = await startVisitors(stage.project);
      const before = await liveCommit(stage.project);
      const hash = await developer.publish(bad(next()));
      await refused(stage.project, hash, 'gate');
      const report = await visitors.stop();
      sawOnly(report, current());
      assert.is(report.refused, 0, 'the application was not even restarted');
      assert.is(await liveCommit(stage.project), before);
      stage.say(`${report.answered} visits meanwhile, each answered by ${called(current())}`);
    });
  }

  must(
    'take back by itself what passes the gate and then crashes',
    {
      say: 'Worse: a version that passes every check, starts, and crashes. The sidecar sees that the application does not become healthy, and publishes the last good version again.',
    },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const before = await liveCommit(stage.project);
      const bad = await developer.publish(thatCrashes(next()));
      await refused(stage.project, bad, 'verification');
      await becomes(stage, current());
      assert.is(await liveCommit(stage.project), before);
      stage.say(`${called(current())} is back; the commit stays refused until main moves on`);
      await release(stage);
    },
  );
}
