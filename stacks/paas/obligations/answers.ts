/** What a developer is told, and the one command of an operator. */
import * as assert from 'uvu/assert';
import { liveCommit, syncStatus } from '../lib/inside.ts';
import { called, thatCrashes, version, withFailingTest, withSyntaxError } from '../lib/versions.ts';
import { becomes, current, developerOf, next, release, type Must } from './stage.ts';

const ANSWER = 5000;

export function answers(must: Must): void {
  must(
    'say in the push itself what the gate said, and where the page is',
    { say: 'The push itself answers at once with what the gate says and where the new version is live.' },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const which = next();
      const { hash, said } = await developer.publishAndWait(version(which));
      const short = hash.slice(0, 7);
      const url = `http://localhost:${stage.port('APP')}/`;
      await becomes(stage, which);
      assert.ok(said.includes(`-----> ${short} is checked\n-----> Node.js v26`), said);
      assert.ok(/^ {7}npm test$/m.test(said), said);
      assert.ok(said.includes(`-----> ${short} is live at ${url}\n`), said);
      assert.ok(said.endsWith(`-----> ${short} is live and healthy at ${url}`), said);
      for (const line of said.split('\n').slice(-3)) stage.say(line);
    },
  );

  must(
    'say in the push itself that a version is refused, why, and what is served instead',
    { say: 'A push that does not parse, one whose test fails, and one that crashes: each is told why it is not live.' },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const stays = `${(await liveCommit(stage.project)).slice(0, 7)} stays live at http://localhost:${stage.port('APP')}/`;
      for (const [bad, by, why] of [
        [withSyntaxError, 'gate', /page\.js:\d+\n[^]*SyntaxError/],
        [withFailingTest, 'gate', /the page shows its version[^]* !     \/gate\/gate exited with 1/],
        [thatCrashes, 'verification', /is live at [^]* !     .*127\.0\.0\.1:3000/],
      ] as const) {
        const { hash, said } = await developer.publishAndWait(bad(next()));
        assert.ok(said.includes(` !     ${hash.slice(0, 7)} is refused by the ${by}\n`), said);
        assert.ok(why.test(said), said);
        assert.ok(said.endsWith(stays), said);
      }
      await becomes(stage, current());
    },
  );

  must(
    'show the last refusal on a page',
    { say: 'Others see the same on a page: what is live, and what was refused and why.' },
    async (stage) => {
      const developer = await developerOf(stage.project);
      const { hash } = await developer.publishAndWait(withFailingTest(next()));
      const get = async (path: string): Promise<string> => {
        const answer = await fetch(`http://127.0.0.1:${stage.port('STATUS')}${path}`, {
          signal: AbortSignal.timeout(ANSWER),
        });
        return answer.text();
      };
      const status = await get('/status');
      assert.match(status, new RegExp(`^live +${await liveCommit(stage.project)} `, 'm'));
      assert.match(status, new RegExp(`^refused +${hash} +by the gate at `, 'm'));
      assert.match(status, 'the page shows its version');
      assert.match(await get('/readyz'), `${hash} is refused by the gate`);
      stage.say(`http://localhost:${stage.port('STATUS')}/status`);
    },
  );

  must(
    'go back to the version before by one command',
    { say: 'A version passed every check and is still wrong. One command brings the previous one back.' },
    async (stage) => {
      const { project } = stage;
      const { hash: good } = await release(stage);
      const before = current();
      const { hash: bad } = await release(stage);
      const said = await project.exec('git-sync', ['rollback']);
      assert.match(said, new RegExp(`^live +${good} `, 'm'));
      assert.match(said, new RegExp(`^refused +${bad} +by the operator`, 'm'));
      const ms = await becomes(stage, before);
      assert.is((await syncStatus(project)).refused?.hash, bad, 'it stays refused until the branch moves');
      stage.say(`${called(before)} is back after ${ms} ms`);
      await release(stage);
    },
  );
}
