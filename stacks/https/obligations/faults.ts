/** The app crashes, and the sidecar is killed. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { netNamespace, ready } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, fetchPage, home } from '../lib/client.ts';

export function faultObligations({ must }: Scenario): void {
  must(
    'answer 503 for an app that crashed, and be back without touching anything else',
    {
      say: 'The app crashes. Until it is back its clients get a 503 with Retry-After, and nothing else in the pod restarts.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { project, say } = stage;
      const others = async (): Promise<string[]> =>
        (await project.containers())
          .filter(({ Name }) => !Name.includes('-guestbook-1'))
          .map(({ Name, State, RestartCount }) => `${Name} ${State.StartedAt} ${RestartCount}`)
          .toSorted();
      const [namespace, before, app] = await Promise.all([
        netNamespace(project, 'guestbook'),
        others(),
        project.inspect('guestbook'),
      ]);
      const crash = project.crash('guestbook');
      const down = await eventually(
        'clients get a 503',
        async () => {
          const answer = await fetchPage(home(stage), { ca });
          return answer.status === 503 && answer;
        },
        { every: 5 },
      );
      assert.match(down.headers['retry-after'] ?? '', /^\d+$/);
      await crash;
      await eventually('the app answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
        within: 60_000,
      });
      assert.is((await project.inspect('guestbook')).RestartCount, app.RestartCount + 1);
      assert.is(await netNamespace(project, 'guestbook'), namespace, 'the app is back in the same network namespace');
      assert.is(await netNamespace(project, 'guestbook-tls'), namespace, 'and so is its sidecar');
      assert.equal(await others(), before, 'start times and restart counts of the others');

      await project.stop('guestbook');
      try {
        assert.is((await fetchPage(home(stage), { ca })).status, 503);
        await eventually('/readyz says that the app is down', async () => !(await ready(project, 'guestbook-tls')));
      } finally {
        await project.start('guestbook');
      }
      await eventually('/readyz says that it is back', () => ready(project, 'guestbook-tls'));
      say(`same namespace ${namespace} before and after; ${before.length} other containers untouched`);
    },
  );

  must(
    'come back when the sidecar is killed, unnoticed by the app',
    {
      say: 'Now the sidecar is killed. It comes back; the app never noticed.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { project } = stage;
      const life = async (): Promise<string> => {
        const { State, RestartCount } = await project.inspect('guestbook');
        return `${State.StartedAt} ${RestartCount} ${await project.exec('guestbook', ['cat', '/proc/1/stat']).then((stat) => stat.split(' ')[21])}`;
      };
      const before = await life();
      await project.crash('guestbook-tls');
      await eventually('HTTPS answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
        within: 60_000,
      });
      assert.ok((await project.inspect('guestbook-tls')).RestartCount > 0, 'the sidecar was restarted');
      assert.is(await life(), before, 'start time, restarts and first process of the app');
    },
  );
}
