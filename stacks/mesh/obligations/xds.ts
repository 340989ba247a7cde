/** gRPC applications that speak xDS themselves are clients of the control plane, too: unmodified, in two languages. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { applyPolicy, type Policy } from '../policy.ts';
import { REPLICAS, tell } from '../workload.ts';

const CLIENTS = {
  'xds-node': ['node', '/srv/xds-call.js'],
  'xds-python': ['/srv/xds-call.py'],
} as const;
const TARGET = 'xds:///echo:9090';

/** The replica, or the error, of each call of one channel. */
async function callBy(project: Project, client: keyof typeof CLIENTS, calls: number, pause = 0): Promise<string[]> {
  const text = await project.exec(client, [...CLIENTS[client], TARGET, String(calls), String(pause)], {
    timeoutMs: 120_000,
  });
  return JSON.parse(text) as string[];
}

const count = (outcomes: readonly string[], wanted: string): number =>
  outcomes.filter((each) => each === wanted).length;

/** They have no certificate of the mesh. */
const withEcho = (change: (echo: Policy['services'][string]) => void) => (policy: Policy) => {
  const echo = policy.services['echo']!;
  echo['ports'] = [{ port: 9090, protocol: 'grpc', mtls: 'PERMISSIVE' }];
  change(echo);
};

export function xdsObligations({ must }: Scenario): void {
  for (const client of Object.keys(CLIENTS) as (keyof typeof CLIENTS)[])
    must(
      `steer an unmodified gRPC application in ${client === 'xds-node' ? 'Node' : 'Python'} by xDS`,
      {
        say: `A gRPC application (${client}) without a sidecar resolves xds:///echo: replicas, splits and ejections come from the same policy.`,
        within: 240_000,
      },
      async ({ project, say }) => {
        await applyPolicy(
          project,
          withEcho((echo) => void (echo['balancing'] = 'ROUND_ROBIN')),
        );
        const all = await eventually(
          'every replica answers',
          async () => {
            const outcomes = await callBy(project, client, 30);
            return REPLICAS.every((replica) => count(outcomes, replica) > 0) && outcomes;
          },
          { within: 90_000, every: 500 },
        );
        assert.is(
          REPLICAS.reduce((total, replica) => total + count(all, replica), 0),
          30,
          all.join('\n'),
        );

        await applyPolicy(
          project,
          withEcho((echo) => {
            echo['routes'] = [
              {
                name: 'default',
                to: [
                  { subset: 'v1', weight: 75 },
                  { subset: 'v2', weight: 25 },
                ],
              },
            ];
          }),
        );
        const split = await callBy(project, client, 400);
        const second = count(split, 'echo-3');
        // Five standard deviations of a fair draw are 43.
        assert.ok(second >= 57 && second <= 143, `${second} of 400 to version 2`);
        assert.is(split.length, count(split, 'echo-1') + count(split, 'echo-2') + second, split.join('\n'));

        await applyPolicy(
          project,
          withEcho((echo) => {
            echo['balancing'] = 'ROUND_ROBIN';
            echo['outlier'] = {
              interval: '500ms',
              baseEjectionTime: '60s',
              maxEjectionPercent: 34,
              failurePercentage: { threshold: 50, minimumHosts: 3, requestVolume: 5 },
            };
          }),
        );
        await tell(project, 'echo-2', { status: 503 });
        try {
          const outcomes = await callBy(project, client, 300, 20);
          const late = outcomes.slice(200);
          const failed = outcomes.filter((each) => each.startsWith('UNAVAILABLE')).length;
          assert.ok(failed > 0, 'it failed at first');
          assert.equal(
            late.filter((each) => each.startsWith('UNAVAILABLE')),
            [],
            'then it was left out',
          );
          say(
            `${client}: 75/25 became ${400 - second}/${second}; a failing replica was left out after ${failed} failures`,
          );
        } finally {
          await tell(project, 'echo-2', {});
        }
      },
    );
}
