/** How the sidecar ends, and what a second `up` changes. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { lasting } from '../../../scripts/lib/lasting.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, CLIENTS, fetchPage, home } from '../lib/client.ts';
import { startLoad } from '../lib/load.ts';

export function lifeObligations({ must }: Scenario): void {
  must(
    'lose no request that had begun when the sidecar is stopped',
    {
      say: `The sidecar is stopped while ${CLIENTS} clients load it. Every request that had begun is answered.`,
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { project, say } = stage;
      const load = startLoad(home(stage), ca, CLIENTS);
      await eventually('the load runs', () => load.answered() > CLIENTS * 2);
      try {
        await project.stop('guestbook-tls');
        const report = await load.stop();
        const { State } = await project.inspect('guestbook-tls');
        assert.is(
          report.lost.length,
          0,
          `${report.lost.length} requests lost: ${[...new Set(report.lost)].join(', ')}`,
        );
        assert.is(State.ExitCode, 0);
        assert.equal([...report.statuses.keys()], [200]);
        say(`${report.answered} requests answered, none lost; exit code ${State.ExitCode}`);
      } finally {
        await project.start('guestbook-tls');
      }
      await eventually('HTTPS answers again', async () => (await fetchPage(home(stage), { ca })).status === 200);
    },
  );

  must(
    'change nothing at a second `docker compose up`',
    {
      say: 'Bringing the stack up a second time changes nothing.',
      needs: 'compose',
    },
    async ({ project }) => {
      const before = await lasting(project);
      assert.is(before.length, 7);
      await project.up();
      assert.equal(await lasting(project), before);
    },
  );
}
