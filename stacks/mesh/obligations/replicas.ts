/** Replicas that are killed, paused, slow and added, and apps and proxies that restart. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { graphOf } from '../control.ts';
import { applyPolicy } from '../policy.ts';
import { freshKey, load, seen, tell, type LoadReport } from '../workload.ts';

const ECHO = { host: 'echo', port: 8080, path: '/', connections: 8 } as const;

/** Requests are retried where nothing is lost by it. */
const withRetries = (project: Project): Promise<void> =>
  applyPolicy(project, ({ services }) => {
    services['echo']!['routes'] = [
      {
        name: 'default',
        to: [{ service: 'echo', weight: 1 }],
        timeout: '10s',
        retry: { on: ['connect-failure', 'reset', '5xx'], attempts: 3, perTryTimeout: '1s' },
      },
    ];
  });

/** A load while something happens to a replica. */
async function loadWhile(project: Project, work: () => Promise<unknown>): Promise<LoadReport> {
  const running = load(project, 'client', { ...ECHO, requests: 1200, rate: 120 });
  await work();
  return running;
}

const expectAll = ({ statuses, sent, failures }: LoadReport): void =>
  assert.equal(statuses, { 200: sent }, failures.join('\n'));

/** A replica takes part: it gets requests. */
const takesPart = (project: Project, index: number): Promise<unknown> =>
  eventually(
    'the replica takes part',
    async () => {
      const key = freshKey('part');
      await load(project, 'client', { ...ECHO, requests: 30, headers: { 'x-key': key } });
      return (await seen(project, key))[index]! > 0;
    },
    { within: 90_000, every: 500 },
  );

export function replicaObligations({ must }: Scenario): void {
  must(
    'lose no request when a replica is killed, and use it again when it is back',
    { say: 'An app of three is killed in the middle of a load. With retries, no client notices.', within: 240_000 },
    async ({ project, say }) => {
      await withRetries(project);
      const report = await loadWhile(project, () => project.crash('echo-1'));
      expectAll(report);
      await takesPart(project, 0);
      say(`${report.sent} of ${report.sent} answered, 99 of 100 within ${report.p99.toFixed(0)} ms`);
    },
  );

  must(
    'lose no request when a replica hangs, or is slow',
    {
      say: 'One replica is paused, as a machine that hangs; then one is slow. Tries that take too long go elsewhere.',
      within: 240_000,
    },
    async ({ project, say }) => {
      await withRetries(project);
      const id = await project.id('echo-2');
      const paused = await loadWhile(project, async () => {
        await docker(['pause', id], { timeoutMs: 60_000 });
      }).finally(() => docker(['unpause', id], { timeoutMs: 60_000 }));
      expectAll(paused);
      await takesPart(project, 1);
      await tell(project, 'echo-3', { delayMs: 300 });
      try {
        const key = freshKey('slow');
        const slow = await load(project, 'client', { ...ECHO, requests: 600, headers: { 'x-key': key } });
        expectAll(slow);
        const [one = 0, two = 0, three = 0] = await seen(project, key);
        assert.ok(three < (one + two) / 4, `the slow one got ${three}, the others ${one} and ${two}`);
        say(`the slow replica got ${three} of 600 requests`);
      } finally {
        await tell(project, 'echo-3', {});
      }
    },
  );

  must(
    'roll a replica over without an error',
    {
      say: 'A replica with its proxy is stopped and started, as a rollout does: app and proxy leave the endpoints first, then they drain.',
      within: 240_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project);
      const report = await loadWhile(project, async () => {
        await project.compose(['stop', 'echo-3', 'echo-3-proxy'], { timeoutMs: 120_000 });
        await eventually(
          'it has left the endpoints',
          async () => {
            const echo = (await graphOf(project)).services.find(({ name }) => name === 'echo');
            return echo!.replicas.every(({ name, health }) => name !== 'echo-3' || health !== 'healthy');
          },
          { within: 60_000 },
        );
        await project.start('echo-3-proxy');
        await project.start('echo-3');
      });
      expectAll(report);
      await takesPart(project, 2);
      say(`${report.sent} of ${report.sent} answered, without a single retry configured`);
    },
  );

  must(
    'leave everybody else untouched when an app or a proxy restarts',
    { say: 'The app restarts, then the proxy: no other container of the stack notices.', within: 240_000 },
    async ({ project }) => {
      await withRetries(project);
      const others = async (): Promise<string[]> =>
        (await project.containers())
          .filter(({ Name }) => !/-(echo-1|echo-1-proxy)-1$/.test(Name))
          .map(({ Name, RestartCount, State }) => `${Name} ${RestartCount} ${State.StartedAt}`)
          .toSorted();
      const before = await others();
      for (const service of ['echo-1', 'echo-1-proxy']) {
        const { State } = await project.inspect(service);
        expectAll(
          await loadWhile(project, () => project.compose(['restart', '--no-deps', service], { timeoutMs: 120_000 })),
        );
        assert.is.not((await project.inspect(service)).State.StartedAt, State.StartedAt);
        await takesPart(project, 0);
      }
      assert.equal(await others(), before);
    },
  );
}
