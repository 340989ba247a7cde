/** The control plane may be down, restarted, or given a wrong policy: traffic goes on. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { graphOf, upToDate } from '../lib/control.ts';
import { applyPolicy, unchanged, writePolicy } from '../lib/policy.ts';
import { ours, PROXIES } from '../lib/proxies.ts';
import { load, loadWhile } from '../lib/workload.ts';

const LOAD = { host: 'catalogue', port: 8000, path: '/products' } as const;

export function controlPlaneObligations({ must }: Scenario): void {
  must(
    'carry traffic on while the control plane is killed and comes back, and lose nothing',
    {
      say: 'The control plane is killed, stays away for a while, and comes back. Traffic goes on, and what it knew it knows again.',
      within: 240_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { catalogue: unchanged });
      const before = await graphOf(project);
      const names = ({ services }: typeof before): string[] =>
        services.flatMap(({ name, replicas }) => replicas.map((each) => `${name}/${each.name}`)).toSorted();
      const { statuses, sent, failures } = await loadWhile(project, 'client', { ...LOAD, rate: 100 }, async () => {
        await project.kill('control-plane');
        try {
          const alone = await load(project, 'client', { ...LOAD, requests: 300 });
          assert.equal(alone.statuses, { 200: 300 }, alone.failures.join());
        } finally {
          await project.launch('control-plane');
        }
        await eventually(
          'all replicas are known again, and all proxies are connected',
          async () => {
            const now = await graphOf(project);
            assert.equal(names(now), names(before));
            return PROXIES.every((replica) => upToDate(now).includes(replica));
          },
          { within: 120_000, every: 100 },
        );
      });
      assert.equal(statuses, { 200: sent }, failures.join());
      say(`${sent + 300} requests meanwhile, no error; ${names(before).length} replicas known as before`);
    },
  );

  must(
    'go on with a proxy that is started again while the control plane is away',
    {
      say: 'The control plane is killed, then a proxy is restarted. It has kept its certificate and configuration, and its app is called as before.',
      within: 300_000,
      needs: 'compose',
      ...ours('it keeps nothing on a disk'),
    },
    async ({ project }) => {
      await applyPolicy(project, { catalogue: unchanged });
      const { State } = await project.inspect('catalogue-2-proxy');
      await project.kill('control-plane');
      try {
        await project.compose(['restart', '--no-deps', 'catalogue-2-proxy'], { timeoutMs: 120_000 });
        assert.is.not((await project.inspect('catalogue-2-proxy')).State.StartedAt, State.StartedAt);
        const tested = { ...LOAD, requests: 20, headers: { 'x-tester': 'yes' } };
        await eventually(
          'its app is called',
          async () => {
            const { statuses, replicas, failures } = await load(project, 'client', tested);
            assert.equal([statuses, replicas], [{ 200: 20 }, { 2: 20 }], failures.join());
            return true;
          },
          { within: 120_000, every: 250 },
        );
      } finally {
        await project.launch('control-plane');
      }
    },
  );

  must(
    'refuse a wrong policy, with the line, and leave everything as it was',
    {
      say: 'A policy with a mistake is pushed: it is refused with its line, and the last good one stays in use.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { catalogue: unchanged });
      try {
        const { statuses, sent, failures } = await loadWhile(project, 'client', { ...LOAD, rate: 100 }, async () => {
          for (const [text, line] of [
            ['mesh:\n  mtls: SOMETIMES\n', 2],
            ['services:\n  echo:\n    ports:\n      - { port: 8080, protocol: http }\n    routs: []\n', 5],
            ['services: [\n', 2],
          ] as const) {
            await writePolicy(project, text);
            const refusal = await eventually(
              'it is refused',
              async () => {
                const { problem } = await graphOf(project);
                return problem?.includes(`policy.yaml:${line}:`) && problem;
              },
              { within: 60_000 },
            );
            say(refusal.split('\n')[0]!);
          }
        });
        assert.equal(statuses, { 200: sent }, failures.join());
      } finally {
        await applyPolicy(project, { catalogue: unchanged });
      }
      assert.is((await graphOf(project)).problem, undefined);
    },
  );
}
