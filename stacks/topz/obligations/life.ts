/** Killed, restarted, beside a container of somebody else, and a second `up`. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { APACHE, WEBSTATS } from '../lib/apps.ts';
import { processesOf, topzOf } from '../lib/client.ts';
import { lookAround } from '../lib/hands-on.ts';
import { lives } from '../lib/inside.ts';

export function lifeObligations({ must }: Scenario): void {
  must(
    "leave the app's processes untouched when it is killed or restarted",
    {
      say: 'topz itself is killed, then restarted. No process of the apps notices.',
    },
    async (stage) => {
      const { project } = stage;
      const topz = topzOf(stage);
      // Apache begins and ends children as it needs them: its first process is the one that must stay.
      const all = async (): Promise<string[][]> => [
        oldest(await lives(project, 'apache', APACHE.uid)),
        await lives(project, 'apache', WEBSTATS.uid),
      ];
      const [apache, webstats] = await Promise.all([project.inspect('apache'), project.inspect('webstats')]);
      // Those that looking starts are of the same user and gone at once.
      const lasting = async (): Promise<string[][]> => {
        const [first, second] = [await all(), await all()];
        return first.map((each, index) => each.filter((life) => second[index]!.includes(life)));
      };
      const before = await lasting();
      assert.ok(before[0]!.length === 1 && before[1]!.length >= 1, JSON.stringify(before));
      const { RestartCount } = await project.inspect('topz');
      const { pid } = processesOf(await topz.overview(), 'topz')[0]!;
      await project.exec('topz', ['bash', '-c', `kill -KILL ${pid}`]);
      await eventually('topz is back', async () => processesOf(await topz.overview(), 'topz')[0]!.pid !== pid, {
        within: 30_000,
      });
      assert.is((await project.inspect('topz')).RestartCount, RestartCount + 1);
      assert.equal(await lasting(), before, 'after the kill');
      await project.stop('topz');
      await project.launch('topz');
      await eventually('topz answers again', () => topz.overview(), { within: 30_000 });
      assert.equal(await lasting(), before, 'after the restart');
      for (const [service, was] of [
        ['apache', apache],
        ['webstats', webstats],
      ] as const) {
        const now = await project.inspect(service);
        assert.is(now.RestartCount, was.RestartCount);
        assert.is(now.State.StartedAt, was.State.StartedAt);
      }
    },
  );

  must(
    'look into a container that nobody prepared for it',
    {
      say: 'And it needs no stack: any running container will do. Here is one by plain docker run, and topz beside it.',
      within: 120_000,
    },
    lookAround,
  );

  must(
    'change nothing at a second `docker compose up`',
    {
      say: 'Bringing the stack up a second time changes nothing.',
      needs: 'compose',
    },
    async ({ project }) => {
      const all = async (): Promise<string[]> =>
        (await project.containers()).map(({ Id, State }) => `${Id} ${State.StartedAt}`).toSorted();
      const before = await all();
      assert.is(before.length, 5);
      await project.up();
      assert.equal(await all(), before);
    },
  );
}

/** The process that was started first, of lines of a process's number and its start. */
function oldest(lives: readonly string[]): string[] {
  const started = (life: string): number => Number(life.split(' ')[1]);
  return lives.toSorted((a, b) => started(a) - started(b)).slice(0, 1);
}
