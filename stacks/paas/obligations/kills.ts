/** Containers that die. */
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startTool, syncStatus } from '../lib/inside.ts';
import type { WatchReport } from '../services/tools/src/watch.ts';
import { called, inParts, withFailingTest } from '../lib/versions.ts';
import { becomes, current, developerOf, next, page, release, type Must } from './stage.ts';

const KILLS = 50;
/** The longest that the sidecar lives after a push, in milliseconds, however slow this machine is. */
const LONGEST_LIFE = 1500;
/** For all of it, in milliseconds; pushes go on as long. */
const WITHIN = 240_000;
/** Every third push does not pass the gate. */
const BAD = 3;

/** Push one commit after the other, and begin again, until there is a file `stop`. */
const PUSH_UNTIL_STOPPED =
  'cd app; while :; do for hash in "$@"; do [[ -e ../stop ]] && exit; git push --quiet -o no-wait --force origin "$hash:refs/heads/main" || exit; sleep "0.$((RANDOM % 6))"; done; done';
const END_NODEMON =
  'for file in /proc/[0-9]*/cmdline; do if [[ $(tr "\\0" " " < "$file") == *"/bin/nodemon "* ]]; then pid=${file#/proc/}; kill -KILL "${pid%/cmdline}"; exit; fi; done 2> /dev/null';

export function kills(must: Must): void {
  must(
    'come back with the same version when the application is killed',
    {
      say: 'The application’s container dies. It comes back with the version that is live, without its sidecar’s help.',
    },
    async (stage) => {
      const { project } = stage;
      const { hash } = await release(stage);
      // A version whose application dies before it was seen healthy is taken back, and rightly so.
      await eventually('the version was seen healthy', async () => (await syncStatus(project)).verified === hash);
      const [before, sidecar] = await Promise.all([project.inspect('app'), project.inspect('git-sync')]);
      // It shares its processes with its sidecar: end its own first one, which takes the others along.
      await project.exec('app', ['bash', '-c', END_NODEMON]);
      await eventually(
        'the container was restarted',
        async () => (await project.inspect('app')).RestartCount > before.RestartCount,
        { within: 30_000 },
      );
      await becomes(stage, current());
      assert.is(
        (await project.inspect('git-sync')).State.StartedAt,
        sidecar.State.StartedAt,
        'the sidecar was left alone',
      );
    },
  );

  must(
    `keep the link on a whole, gated version, though the sidecar is killed ${KILLS} times`,
    {
      say: `The sidecar is killed ${KILLS} times, at random moments, while pushes come in. At every moment the link leads to a whole version that has passed the gate.`,
      within: WITHIN,
    },
    async (stage) => {
      const { project } = stage;
      const developer = await developerOf(project);
      const { hash: first, ms } = await release(stage, inParts);
      // From before the first fetch until after the application was told.
      const life = Math.min(ms, LONGEST_LIFE);
      const begin = current();
      const numbers = [begin, ...Array.from({ length: KILLS + 1 }, next)];
      const isBad = (number: number): boolean => (number - begin) % BAD === 1 && number !== numbers.at(-1);
      const hashes = new Map<string, number>([[first, begin]]);
      const commits = await developer.commit(
        numbers.slice(1).map((each) => ({ ...inParts(each), ...(isBad(each) && withFailingTest(each)) })),
      );
      for (const [index, commit] of commits.entries()) hashes.set(commit, numbers[index + 1]!);

      await using watcher = await startTool<WatchReport>(project, ['watch', '/git/current']);
      const pusher = developer.bash(PUSH_UNTIL_STOPPED, commits.slice(0, -1), WITHIN / 1000);
      // Awaited below; a failure before that must not end the process.
      pusher.catch(() => {});
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(Math.random() * life);
        // With all its processes; and started at once, without a restart policy's pauses.
        await project.kill('git-sync');
        await project.launch('git-sync');
      }
      await developer.bash('touch stop');
      await pusher;
      await developer.push('--force', `${commits.at(-1)}:refs/heads/main`);
      const last = numbers.at(-1)!;
      await becomes(stage, last);
      const report = await watcher.stop();

      assert.equal(report.broken, [], 'looks at which the link led to no whole version');
      for (const [hash, said] of Object.entries(report.versions)) {
        const number = hashes.get(hash);
        assert.ok(number !== undefined, `${hash} is one of the pushed commits`);
        assert.is(said, called(number), 'the version is the one of its commit');
        assert.not(isBad(number), `${said} does not pass the gate and was live`);
      }
      assert.ok(report.versions[commits.at(-1)!], 'the last version was seen');
      assert.match(await page(stage), called(last));
      stage.say(
        `${KILLS} kills, ${report.looks} looks, ${Object.keys(report.versions).length} of ${commits.length} versions seen live, all whole and gated`,
      );
    },
  );
}
