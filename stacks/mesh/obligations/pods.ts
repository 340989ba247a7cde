/** Whole pods that are restarted, recreated and killed, with all that is under way to them. */
import * as assert from 'uvu/assert';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { isEndpoint } from '../lib/control.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { loadWhile } from '../lib/workload.ts';
import { notLong, takesPart } from './replicas.ts';

/** In their order: the owner of the namespaces first. */
const POD = ['echo-3-pod', 'echo-3-init', 'echo-3-proxy', 'echo-3'];
const LONG = { timeoutMs: 240_000 };

const START = ['up', '--detach', '--wait', '--no-recreate', 'echo-3'];

/** By name, what operators do to a pod. */
const ACTIONS: Readonly<Record<string, (project: Driver) => Promise<unknown>>> = {
  restarted: (project) => project.compose(['restart', 'echo-3-pod'], LONG),
  recreated: (project) => project.compose(['up', '--detach', '--wait', '--force-recreate', ...POD], LONG),
  'stopped and started': async (project) => {
    await project.compose(['stop', ...POD], LONG);
    await project.compose(START, LONG);
  },
  killed: async (project) => {
    await project.compose(['kill', ...POD], LONG);
    await project.compose(START, LONG);
  },
};

export function podObligations({ must }: Scenario): void {
  must(
    'lose no request that may be repeated when a pod is restarted, recreated or killed',
    {
      say: 'A whole pod is restarted, recreated, stopped, and killed under load, without a retry configured. No client notices.',
      within: 480_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      for (const [name, act] of Object.entries(ACTIONS)) {
        const load = { host: 'echo', port: 8080, path: '/', connections: 16, rate: 100, timeoutMs: 60_000 };
        const report = await loadWhile(project, 'client', load, async () => {
          await act(project);
          await eventually(`${name}: it is an endpoint again`, () => isEndpoint(project, 'echo-3'), {
            within: 120_000,
            every: 100,
          });
        });
        await takesPart(project, 'echo-3');
        assert.equal(report.statuses, { 200: report.sent }, `${name}: ${report.failures.join()}`);
        notLong(report);
        say(`${name}: ${report.sent} of ${report.sent} answered, the longest within ${report.longest.toFixed(0)} ms`);
      }
    },
  );
}
