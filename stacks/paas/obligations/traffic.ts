/** Many pushes, many visitors. */
import * as assert from 'uvu/assert';
import { liveCommit } from '../lib/inside.ts';
import { called, thatEndsSlowly, version } from '../lib/versions.ts';
import { becomes, current, developerOf, next, release, sawOnly, startVisitors, type Must } from './stage.ts';

/** How many pushes come one right after the other. */
const BURST = 50;
/** Seconds for all of them: each is some ten programs, on a machine that may be ten times slower than alone. */
const PUSHING = 240;
/** How many versions are published while visitors come. */
const CHANGES = 5;

export function traffic(must: Must): void {
  must(
    `end on the last of ${BURST} pushes in quick succession`,
    { say: `${BURST} pushes, one right after the other. The last one counts.`, within: PUSHING * 1000 + 90_000 },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const numbers = Array.from({ length: BURST }, next);
      const hashes = await developer.commit(numbers.map((each) => version(each)));
      const begin = performance.now();
      await developer.bash(
        'cd app; for hash in "$@"; do git push --quiet -o no-wait origin "$hash:refs/heads/main" || exit 1; done',
        hashes,
        PUSHING,
      );
      const pushed = Math.round(performance.now() - begin);
      const ms = await becomes(stage, numbers.at(-1)!);
      assert.is(await liveCommit(stage.project), hashes.at(-1));
      stage.say(`${BURST} pushes in ${pushed} ms; ${called(current())} live ${ms} ms later`);
    },
  );

  must(
    'answer every visitor with one whole version while versions change',
    {
      say: `Visitors come without pause while ${CHANGES} versions are published. nodemon ends the old version before it starts the new one, so a visitor may have to try again; but every answer is one whole version.`,
    },
    async (stage) => {
      await using visitors = await startVisitors(stage.project);
      const seen = [current()];
      for (let change = 0; change < CHANGES; change++) {
        await release(stage);
        seen.push(current());
      }
      const report = await visitors.stop();
      sawOnly(report, ...seen);
      assert.ok(report.versions[called(current())], 'visitors saw the last version');
      stage.say(
        `${report.answered} visits answered by ${Object.keys(report.versions).length} versions, none mixed, none cut; ${report.refused} knocks at nodemon's closed door, the longest wait ${report.longestRefusal} ms`,
      );
    },
  );

  must(
    'start a version only when the one before it has ended',
    {
      say: 'A version keeps its port for a second after it was asked to end. The next one finds the port free all the same.',
    },
    async (stage) => {
      await release(stage, thatEndsSlowly);
      await release(stage);
    },
  );
}
