/** gRPC applications that speak xDS themselves are clients of the control plane, too: unmodified, in two languages. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { clustersRefused } from '../lib/control.ts';
import { applyPolicy, type Change } from '../lib/policy.ts';
import { freshKey, REPLICAS, seen, tell } from '../lib/workload.ts';

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

/** The replica, or the error, of each call of one channel. @param good successes in a row that are enough */
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

/** To a client that is configured through `spoiler` its nanoseconds are more than a second's. */
const SPOILED = '987ms';
const spoiledId = (client: Client): string => `${client}-spoiled`;
const spoiler = (client: Client): string =>
  JSON.stringify({
    xds_servers: [{ server_uri: 'xds-node:15010', channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    node: { id: spoiledId(client), cluster: 'shop', locality: { zone: 'local' } },
  });

/** Calls of one channel, until a replica has answered twenty in a row. @param key by which the replicas count them */
async function callUntil(project: Driver, client: Client, replica: string, key: string): Promise<string[]> {
  const environment = ['-u', 'GRPC_XDS_BOOTSTRAP', `GRPC_XDS_BOOTSTRAP_CONFIG=${spoiler(client)}`];
  const program = [...CLIENTS[client], TARGET, '6000', '20', replica, key];
  const text = await project.exec(client, ['env', ...environment, ...program], { timeoutMs: 180_000 });
  return JSON.parse(text) as string[];
}

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

  must(
    'let unmodified gRPC clients refuse wrong configuration, and keep the last good one',
    {
      say: 'A time that no client takes, made so on the way: both applications refuse the cluster (NACK), the control plane says why, and calls go on.',
      within: 400_000,
    },
    async ({ project, say }) => {
      const to = (subset: string) => ({ routes: [{ name: 'default', to: [{ subset, weight: 1 }] }] });
      await applyPolicy(project, { echo: forStrangers(to('v1')) });
      const running = await byBoth(async (client) => {
        const key = freshKey('nack');
        const answered = async () => (await seen(project, key)).reduce((total, each) => total + each, 0);
        const calls = callUntil(project, client, 'echo-3', key);
        calls.catch(() => undefined);
        await eventually(`${client} is answered`, async () => (await answered()) > 0, { every: 100 });
        await eventually(
          `${client} has its clusters`,
          async () => (await clustersRefused(project, spoiledId(client))) === undefined,
        );
        return { client, calls, answered };
      });
      // The control plane serves nothing that clients refuse: what is wrong here is made so on the way to them.
      const spoiled = { interval: SPOILED, consecutive5xx: 5 };
      await applyPolicy(project, { echo: forStrangers({ ...to('v1'), outlier: spoiled }) });
      const reasons = await Promise.all(
        running.map(({ client }) =>
          eventually(`${client} refuses its clusters`, () => clustersRefused(project, spoiledId(client)), {
            every: 100,
          }),
        ),
      );
      for (const reason of reasons) assert.match(reason, /interval/);
      await Promise.all(
        running.map(async ({ client, answered }) => {
          const before = await answered();
          await eventually(`${client} is still answered`, async () => (await answered()) >= before + 20, {
            every: 100,
          });
        }),
      );
      await applyPolicy(project, { echo: forStrangers(to('v2')) });
      for (const { client, calls } of running) {
        const outcomes = await calls;
        assert.is(outcomes.at(-1), 'echo-3', `${client} took what is good again`);
        const strange = outcomes.filter((each) => !(REPLICAS as readonly string[]).includes(each));
        assert.equal(strange, [], `${client}: no call failed`);
      }
      say(reasons.map((reason, index) => `${running[index]!.client}: ${reason}`).join('\n'));
    },
  );
}
