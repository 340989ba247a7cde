/** gRPC applications that speak xDS themselves are clients of the control plane, too: unmodified, in two languages. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { applyPolicy, type Change } from '../policy.ts';
import { REPLICAS, tell } from '../workload.ts';

const CLIENTS = {
  'xds-node': ['node', '/srv/xds-call.js'],
  'xds-python': ['/srv/xds-call.py'],
} as const;
type Client = keyof typeof CLIENTS;
const TARGET = 'xds:///echo:9090';
/** What an outcome begins with that came from a replica that fails. */
const FAILED = 'UNAVAILABLE';
/** In a row, round robin over three: the one that fails is not among them any more. */
const WITHOUT_FAILURE = 60;

/** The replica, or the error, of each call of one channel. @param good enough, once so many in a row have succeeded */
async function callBy(project: Driver, client: Client, calls: number, good?: number): Promise<string[]> {
  const more = good === undefined ? [] : [String(good)];
  const text = await project.exec(client, [...CLIENTS[client], TARGET, String(calls), ...more], {
    timeoutMs: 180_000,
  });
  return JSON.parse(text) as string[];
}

const byBoth = <T>(look: (client: Client) => Promise<T>): Promise<T[]> =>
  Promise.all((Object.keys(CLIENTS) as Client[]).map(look));

const count = (outcomes: readonly string[], wanted: string): number =>
  outcomes.filter((each) => each === wanted).length;

/** They have no certificate of the mesh. */
const forStrangers =
  (more: Record<string, unknown>): Change =>
  (echo) =>
    Object.assign(echo, { ports: [{ port: 9090, protocol: 'grpc', mtls: 'PERMISSIVE' }], ...more });

export function xdsObligations({ must }: Scenario): void {
  must(
    'steer unmodified gRPC applications in Node and in Python by xDS',
    {
      say: 'Two gRPC applications without a sidecar resolve xds:///echo: replicas, splits and ejections come from the same policy.',
      within: 400_000,
    },
    async ({ project, say }) => {
      await applyPolicy(project, { echo: forStrangers({ balancing: 'ROUND_ROBIN' }) });
      await byBoth((client) =>
        eventually(
          `every replica answers ${client}`,
          async () => {
            const outcomes = await callBy(project, client, 30);
            for (const outcome of outcomes) assert.ok((REPLICAS as readonly string[]).includes(outcome), outcome);
            return REPLICAS.every((replica) => count(outcomes, replica) > 0);
          },
          { within: 120_000, every: 500 },
        ),
      );

      const split = [
        { subset: 'v1', weight: 75 },
        { subset: 'v2', weight: 25 },
      ];
      await applyPolicy(project, { echo: forStrangers({ routes: [{ name: 'default', to: split }] }) });
      const seconds = await byBoth(async (client) => {
        const outcomes = await callBy(project, client, 400);
        const second = count(outcomes, 'echo-3');
        // Five standard deviations of a fair draw are 43.
        assert.ok(second >= 57 && second <= 143, `${client}: ${second} of 400 to version 2`);
        assert.is(400, count(outcomes, 'echo-1') + count(outcomes, 'echo-2') + second, outcomes.join('\n'));
        return second;
      });

      const outlier = {
        // Three calls to each in this time are no haste.
        interval: '2s',
        baseEjectionTime: '120s',
        maxEjectionPercent: 34,
        failurePercentage: { threshold: 50, minimumHosts: 3, requestVolume: 3 },
      };
      await applyPolicy(project, { echo: forStrangers({ balancing: 'ROUND_ROBIN', outlier }) });
      await tell(project, 'echo-2', { status: 503 });
      try {
        const failures = await byBoth(async (client) => {
          const outcomes = await callBy(project, client, 20_000, WITHOUT_FAILURE);
          const failed = outcomes.filter((each) => each.startsWith(FAILED)).length;
          assert.ok(failed > 0, `${client}: it failed at first`);
          const late = outcomes.slice(-WITHOUT_FAILURE);
          assert.is(count(late, 'echo-1') + count(late, 'echo-3'), WITHOUT_FAILURE, `${client}: ${late.join(', ')}`);
          return failed;
        });
        say(
          `of 400 calls ${seconds.join(' and ')} to version 2 (25 %); a failing replica was left out after ${failures.join(' and ')} failures`,
        );
      } finally {
        await tell(project, 'echo-2', {});
      }
    },
  );
}
