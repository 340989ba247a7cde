/** Replicas that are killed, paused, slow and added, and apps and proxies that restart. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { isEndpoint } from '../lib/control.ts';
import { withMore } from '../lib/more.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { freshKey, load, loadWhile, seen, seenBy, tell, type LoadReport, type Server } from '../lib/workload.ts';

const ECHO = { host: 'echo', port: 8080, path: '/', connections: 8 } as const;
const RATE = 100;

/** Requests are retried where nothing is lost by it. */
const withRetries = (project: Driver): Promise<void> =>
  applyPolicy(project, {
    echo: (echo) =>
      Object.assign(echo, {
        // All of what goes to one replica may fail at once, and there is little else that is under way.
        retryBudget: { percent: 100, minimum: 100 },
        routes: [
          {
            name: 'default',
            to: [{ service: 'echo', weight: 1 }],
            timeout: '30s',
            retry: { on: ['connect-failure', 'reset', '5xx'], attempts: 3, perTryTimeout: '2s' },
          },
        ],
      }),
  });

/** A load while something happens to a replica: every request is answered well. */
async function loseNothing(project: Driver, work: () => Promise<unknown>): Promise<LoadReport> {
  const report = await loadWhile(project, 'client', { ...ECHO, rate: RATE }, work);
  expectAll(report);
  return report;
}

const expectAll = ({ statuses, sent, failures }: LoadReport): void =>
  assert.equal(statuses, { 200: sent }, failures.join('\n'));

/**
 * No request waited until its own patience was at an end. The aim is five seconds, which a busy machine cannot be held to.
 */
export const notLong = ({ longest }: LoadReport): void =>
  assert.ok(longest < 30_000, `the longest took ${longest.toFixed(0)} ms`);

/** A replica takes part: it gets requests. */
export const takesPart = (project: Driver, replica: Server): Promise<unknown> =>
  eventually(
    `${replica} takes part`,
    async () => {
      const key = freshKey('part');
      await load(project, 'client', { ...ECHO, requests: 30, headers: { 'x-key': key } });
      return (await seenBy(project, replica, key)) > 0;
    },
    { within: 120_000, every: 250 },
  );

export function replicaObligations({ must }: Scenario): void {
  must(
    'lose no request when a replica is killed, and use it again when it is back',
    { say: 'An app of three is killed in the middle of a load. With retries, no client notices.', within: 240_000 },
    async ({ project, say }) => {
      await withRetries(project);
      const startedAt = async () => (await project.inspect('echo-1')).State.StartedAt;
      const before = await startedAt();
      const report = await loseNothing(project, async () => {
        await project.crash('echo-1');
        await eventually('it has been started again', async () => (await startedAt()) !== before, { every: 250 });
      });
      await takesPart(project, 'echo-1');
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
      await loseNothing(project, async () => {
        // On a busy machine the kernel may not have stopped all processes in time ("unable to freeze"): the engine lets them go on.
        await eventually(
          'it is paused',
          async () => {
            await docker(['pause', id], { timeoutMs: 60_000 });
            return true;
          },
          { within: 60_000, every: 250 },
        );
        try {
          expectAll(await load(project, 'client', { ...ECHO, requests: 200, timeoutMs: 60_000 }));
        } finally {
          await docker(['unpause', id], { timeoutMs: 60_000 });
        }
      });
      // What it took to answer is remembered for a while: it gets less, and the slow one must get little beside it.
      await tell(project, 'echo-3', { delayMs: 500 });
      try {
        const key = freshKey('slow');
        const slow = await load(project, 'client', { ...ECHO, requests: 400, headers: { 'x-key': key } });
        expectAll(slow);
        const [one = 0, two = 0, three = 0] = await seen(project, key);
        assert.ok(three < (one + two) / 4, `the slow one got ${three}, the others ${one} and ${two}`);
        say(`the slow replica got ${three} of 400 requests`);
      } finally {
        await tell(project, 'echo-3', {});
      }
    },
  );

  must(
    'lose no request when a replica loses its network',
    {
      say: 'The network of a replica is taken away, with all that is under way, and nothing says so. Its callers notice within seconds; without a retry configured, no client does.',
      within: 240_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      await takesPart(project, 'echo-2');
      const pod = await project.id('echo-2-pod');
      const networks = Object.keys((await project.inspect('echo-2-pod')).NetworkSettings.Networks);
      const network = networks[0]!;
      const report = await loseNothing(project, async () => {
        await docker(['network', 'disconnect', '--force', network, pod], { timeoutMs: 60_000 });
        try {
          expectAll(await load(project, 'client', { ...ECHO, requests: 200, timeoutMs: 60_000 }));
        } finally {
          await docker(['network', 'connect', '--alias', 'echo', '--alias', 'echo-2-pod', network, pod], {
            timeoutMs: 60_000,
          });
        }
      });
      await takesPart(project, 'echo-2');
      notLong(report);
      say(`${report.sent} of ${report.sent} answered, the longest within ${report.longest.toFixed(0)} ms`);
    },
  );

  must(
    'roll a replica over without an error',
    {
      say: 'A replica is stopped and started, as a rollout does: its proxy first, which leaves the endpoints and drains; and its app first, of which the proxy tells its callers.',
      within: 360_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      const isGone = async (): Promise<boolean> => !(await isEndpoint(project, 'echo-3'));
      let sent = 0;
      for (const [first, second] of [
        ['echo-3-proxy', 'echo-3'],
        ['echo-3', 'echo-3-proxy'],
      ] as const) {
        const report = await loseNothing(project, async () => {
          try {
            await project.compose(['stop', first], { timeoutMs: 120_000 });
            // A proxy says so before it stops, and of its app as soon as it knows.
            if (first === 'echo-3-proxy') assert.ok(await isGone());
            else await eventually('the control plane has heard of it', isGone, { every: 50 });
            await project.compose(['stop', second], { timeoutMs: 120_000 });
          } finally {
            await project.launch('echo-3-proxy');
            await project.launch('echo-3');
          }
          await eventually('it is one of them again', () => isEndpoint(project, 'echo-3'), {
            within: 120_000,
            every: 100,
          });
        });
        sent += report.sent;
        await takesPart(project, 'echo-3');
      }
      say(`${sent} of ${sent} answered, without a single retry configured`);
    },
  );

  must(
    'give a replica that is added its share',
    {
      say: 'A fourth replica is added by one more compose file. It takes traffic as soon as it is ready, and leaves as quietly.',
      within: 240_000,
      needs: 'compose',
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: unchanged });
      await withMore(project, ['echo-4', 'echo-4-proxy', 'echo-4-init', 'echo-4-pod'], async (more) => {
        const came = await loseNothing(project, async () => {
          await more.up();
          await eventually('it is an endpoint', () => isEndpoint(project, 'echo-4'), { within: 120_000, every: 100 });
          await takesPart(project, 'echo-4');
        });
        const left = await loseNothing(project, async () => {
          await more.compose(['stop', 'echo-4-proxy']);
          assert.not(await isEndpoint(project, 'echo-4'));
        });
        say(`${came.sent} requests while it came, ${left.sent} while it left, no error`);
      });
    },
  );
}

/** It looks at all containers. */
export function untouchedObligations({ must }: Scenario): void {
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
        await loseNothing(project, () => project.compose(['restart', '--no-deps', service], { timeoutMs: 120_000 }));
        assert.is.not((await project.inspect(service)).State.StartedAt, State.StartedAt);
        await takesPart(project, 'echo-1');
      }
      assert.equal(await others(), before);
    },
  );
}
