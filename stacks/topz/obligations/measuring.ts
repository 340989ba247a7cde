/** Under load, and for Prometheus. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { APACHE } from '../lib/apps.ts';
import { bearChurn } from '../lib/churn.ts';
import { topzOf } from '../lib/client.ts';

export function measuringObligations({ must }: Scenario): void {
  must(
    'bear hundreds of processes that come and go during a minute of scraping',
    {
      say: 'For a minute, hundreds of processes come and go in the app while topz is asked all the time.',
      within: 150_000,
    },
    (stage) => bearChurn(stage, topzOf(stage), APACHE.uid),
  );

  must(
    'count for Prometheus what each container uses, and its restarts',
    {
      say: 'Apache crashes and is started again. The metrics say so, under the names that process-exporter uses.',
      needs: 'same-container',
    },
    async (stage) => {
      const { project, say } = stage;
      const topz = topzOf(stage);
      const id = (await project.inspect('apache')).Id.slice(0, 12);
      const of = async (name: string, labels?: string): Promise<number> =>
        (await topz.metric(`namedprocess_namegroup_${name}`, labels)).get(id) ?? Number.NaN;
      const restarts = await of('restarts_total');
      const cpu = await of('cpu_seconds_total', 'mode="user"');
      const started = await of('oldest_start_time_seconds');
      assert.ok(cpu >= 0);
      // Everything of its user, which is nobody else's in the pod.
      await project.crash('apache');
      await eventually('the restart is counted', async () => (await of('restarts_total')) === restarts + 1, {
        within: 30_000,
      });
      const resident = (): Promise<number> => of('memory_bytes', 'memtype="resident"');
      // What was killed is counted until it is reaped, and holds no memory.
      await eventually(
        'Apache has its processes again',
        async () => (await of('num_procs')) >= 6 && (await resident()) > 1_000_000,
        { within: 60_000 },
      );
      assert.ok((await of('oldest_start_time_seconds')) >= started);
      assert.ok((await of('cpu_seconds_total', 'mode="user"')) >= cpu, 'a counter never goes back');
      assert.ok((await of('num_threads')) >= 6);
      assert.ok((await of('open_filedesc')) > 6);
      const other = (await project.inspect('webstats')).Id.slice(0, 12);
      assert.is(
        (await topz.metric('namedprocess_namegroup_restarts_total')).get(other),
        0,
        'webstats was not restarted',
      );
      say(`namedprocess_namegroup_restarts_total{groupname="apache2",container="${id}"} ${restarts + 1}`);
    },
  );
}
