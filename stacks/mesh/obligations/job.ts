/** A job: its pod ends when it ends. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { graphOf } from '../lib/control.ts';
import { withMore } from '../lib/more.ts';
import type { Outcome } from '../lib/workload.ts';

const POD = ['job', 'job-proxy', 'job-init', 'job-pod'] as const;

export function jobObligations({ must }: Scenario): void {
  must(
    'end the pod of a job when the job ends',
    {
      say: 'A job makes a call through the mesh and ends. Its last word is POST /quitquitquit to its proxy, which drains and ends; the pod ends with it.',
      within: 240_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      await withMore(project, POD, async (more) => {
        await more.compose(['up', '--detach', 'job']);
        const ended = await eventually(
          'all of its containers have ended',
          async () => {
            const states = await Promise.all(POD.map(async (service) => (await project.inspect(service)).State));
            return states.every(({ Status }) => Status === 'exited') && states;
          },
          { within: 120_000, every: 250 },
        );
        const log = await project.logs(await project.id('job'));
        for (const [index, service] of POD.entries()) assert.is(ended[index]!.ExitCode, 0, `${service}: ${log}`);
        const [outcome] = JSON.parse(log) as Outcome[];
        assert.is(outcome!.status, 200, log);
        const { services } = await graphOf(project);
        const replicas = services.flatMap((service) => service.replicas.map(({ name }) => name));
        assert.not(replicas.includes('job'), 'it has given up its place');
        say('the job, its proxy and its pod: exit code 0 each, and no replica is left behind');
      });
    },
  );
}
