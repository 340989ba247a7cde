/** Traffic management, shown by what arrived at the apps. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { applyPolicy, unchanged } from '../lib/policy.ts';
import { call, freshKey, load, loadWhile, REPLICAS, seen, tell, type Behaviour } from '../lib/workload.ts';

const ECHO = { host: 'echo', port: 8080 } as const;
const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);

/** Routes of echo, in place of none. */
const withRoute = (project: Project, route: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  applyPolicy(project, {
    echo: (echo) => void Object.assign(echo, more, { routes: [{ name: 'default', ...route }] }),
  });

/** All replicas behave so while something is looked at, and as ever after it. */
async function whileAll(project: Project, behaviour: Behaviour, look: () => Promise<void>): Promise<void> {
  const tellAll = (told: Behaviour) => Promise.all(REPLICAS.map((replica) => tell(project, replica, told)));
  await tellAll(behaviour);
  try {
    await look();
  } finally {
    await tellAll({});
  }
}

/** Of the catalogue, which the shop goes on with meanwhile. */
export function splitObligations({ must }: Scenario): void {
  must(
    'split 80 to 20 over 1,000 requests, and move the split under load',
    {
      say: 'Eighty of a hundred requests go to the old release, twenty to the new one. Then the split is turned round, live.',
      within: 180_000,
    },
    async ({ project, say }) => {
      const catalogue = { host: 'catalogue', port: 8000, path: '/products', requests: 1000 };
      await applyPolicy(project, { catalogue: unchanged });
      const first = await load(project, 'client', catalogue);
      assert.equal(first.statuses, { 200: 1000 }, first.failures.join());
      // Five standard deviations of a fair draw are 63: once in a million runs.
      const old = first.replicas['1'] ?? 0;
      assert.ok(old >= 735 && old <= 865, `${old} of 1,000 to release 1`);

      const meanwhile = await loadWhile(project, 'client', { ...catalogue, rate: 150 }, () =>
        applyPolicy(project, {
          catalogue: ({ routes }) => {
            const [, route] = routes as { to: unknown }[];
            route!.to = [
              { subset: 'v1', weight: 0 },
              { subset: 'v2', weight: 100 },
            ];
          },
        }),
      );
      assert.equal(meanwhile.statuses, { 200: meanwhile.sent }, meanwhile.failures.join());
      const second = await load(project, 'client', { ...catalogue, requests: 300 });
      assert.equal(second.replicas, { 2: 300 }, 'all go where all the weight is');
      say(`${old} of 1,000 to release 1; then 300 of 300 to release 2, and no request failed while it moved`);
    },
  );

  must(
    'route by a header',
    { say: 'Testers, by a header, always get the new release.', within: 120_000 },
    async ({ project }) => {
      await applyPolicy(project, { catalogue: unchanged });
      const { replicas } = await load(project, 'client', {
        host: 'catalogue',
        port: 8000,
        path: '/products',
        requests: 60,
        headers: { 'x-tester': 'yes' },
      });
      assert.equal(replicas, { 2: 60 });
    },
  );
}

export function trafficObligations({ must }: Scenario): void {
  must(
    'retry elsewhere what a replica fails, and no more than the policy says',
    {
      say: 'One replica of three answers 503 to everything. With retries no client sees it; the counts at the replicas say how often it was tried.',
      within: 180_000,
    },
    async ({ project, say }) => {
      await withRoute(
        project,
        { to: [{ service: 'echo', weight: 1 }], retry: { on: ['5xx'], attempts: 2 } },
        { outlier: { consecutive5xx: 0 }, balancing: 'ROUND_ROBIN', retryBudget: { percent: 100, minimum: 100 } },
      );
      await tell(project, 'echo-1', { status: 503 });
      try {
        const key = freshKey('retry');
        const { statuses, failures } = await load(project, 'client', {
          ...ECHO,
          requests: 300,
          connections: 4,
          headers: { 'x-key': key },
        });
        const counts = await seen(project, key);
        assert.equal(statuses, { 200: 300 }, failures.join());
        assert.is(sum(counts), 300 + counts[0]!, 'each that failed was tried once more, elsewhere');
        assert.ok(counts[0]! > 0);
        say(`300 of 300 answered; echo-1 failed ${counts[0]} of them first`);

        // A body above 64 KiB is never sent twice; all fail, and each was tried once.
        const big = freshKey('big');
        await Promise.all(REPLICAS.map((replica) => tell(project, replica, { status: 503 })));
        const [outcome] = await call(project, 'client', [
          {
            protocol: 'http/1.1',
            ...ECHO,
            method: 'POST',
            headers: { 'x-key': big },
            body: 'x'.repeat(70 * 1024),
          },
        ]);
        assert.is(outcome!.status, 503);
        assert.is(sum(await seen(project, big)), 1);
        const never = freshKey('never');
        await call(project, 'client', [{ protocol: 'http/1.1', ...ECHO, headers: { 'x-key': never } }]);
        assert.equal(
          await seen(project, never),
          [1, 1, 1],
          'three tries, never the same replica twice while another is there',
        );
      } finally {
        await Promise.all(REPLICAS.map((replica) => tell(project, replica, {})));
      }
    },
  );

  must(
    'keep retries within their budget',
    {
      say: 'Every replica fails every request. Retries stay within a fifth of the requests under way, or three at a time.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await withRoute(
        project,
        { to: [{ service: 'echo', weight: 1 }], retry: { on: ['5xx'], attempts: 5 } },
        { outlier: { consecutive5xx: 0 }, retryBudget: { percent: 20, minimum: 1 } },
      );
      await whileAll(project, { status: 503, delayMs: 20 }, async () => {
        const key = freshKey('budget');
        const { statuses } = await load(project, 'client', {
          ...ECHO,
          requests: 500,
          connections: 50,
          headers: { 'x-key': key },
        });
        assert.equal(Object.keys(statuses), ['503']);
        const tries = sum(await seen(project, key));
        // Without a budget there would be 3,000.
        assert.ok(tries >= 500 && tries <= 1000, `${tries} tries of 500 requests`);
        say(`500 failing requests made ${tries - 500} retries; without a budget 2,500`);
      });
    },
  );

  must(
    'give up on what takes longer than its timeout',
    { say: 'A replica takes 5 s, the route allows 300 ms: 504, and the cause is in the log.', within: 120_000 },
    async ({ project }) => {
      await withRoute(project, { to: [{ service: 'echo', weight: 1 }], timeout: '300ms' });
      await whileAll(project, { delayMs: 5000 }, async () => {
        const [outcome] = await call(project, 'client', [{ protocol: 'http/1.1', ...ECHO, timeoutMs: 30_000 }]);
        assert.is(outcome!.status, 504);
        assert.ok(outcome!.ms < 5000, 'before the app answered');
      });
    },
  );

  must(
    'break the circuit before an app drowns',
    {
      say: 'An app is allowed four requests at a time; forty come. What is above is refused at once, and never reaches it.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await withRoute(
        project,
        { to: [{ service: 'echo', weight: 1 }] },
        { limits: { requests: 4 }, outlier: { consecutive5xx: 0 } },
      );
      await whileAll(project, { delayMs: 1500 }, async () => {
        const key = freshKey('circuit');
        const { statuses, sent } = await load(project, 'client', {
          ...ECHO,
          requests: 40,
          connections: 40,
          headers: { 'x-key': key },
        });
        const reached = sum(await seen(project, key));
        assert.is(reached, statuses['200'] ?? 0, 'what was refused did not reach the app');
        assert.is((statuses['200'] ?? 0) + (statuses['503'] ?? 0), sent);
        assert.ok((statuses['503'] ?? 0) > 0 && reached >= 4, JSON.stringify(statuses));
        say(`${reached} of 40 reached the app, ${statuses['503']} were refused`);
      });
    },
  );

  must(
    'leave out a replica that keeps failing, and take it back',
    {
      say: 'One replica fails five times in a row and gets nothing more for a while. Later it is back.',
      within: 180_000,
    },
    async ({ project, say }) => {
      await withRoute(
        project,
        { to: [{ service: 'echo', weight: 1 }] },
        {
          balancing: 'ROUND_ROBIN',
          outlier: { consecutive5xx: 5, interval: '500ms', baseEjectionTime: '10s', maxEjectionPercent: 34 },
        },
      );
      const one = { ...ECHO, connections: 1 } as const;
      await eventually('each has answered well: what failed in other obligations counts no longer', async () => {
        const key = freshKey('well');
        await load(project, 'client', { ...one, requests: 12, headers: { 'x-key': key } });
        return (await seen(project, key)).every((count) => count > 0);
      });
      await tell(project, 'echo-2', { status: 500 });
      const key = freshKey('outlier');
      const { statuses } = await load(project, 'client', { ...one, requests: 45, headers: { 'x-key': key } });
      await tell(project, 'echo-2', {});
      const counts = await seen(project, key);
      // The forty-five take a second; its time away is ten.
      assert.is(counts[1], 5, `five failures, and no more: ${counts.join(', ')}`);
      assert.equal(statuses, { 200: 40, 500: 5 });
      await eventually(
        'it is back',
        async () => {
          const again = freshKey('back');
          await load(project, 'client', { ...one, requests: 12, headers: { 'x-key': again } });
          return (await seen(project, again))[1]! > 0;
        },
        { within: 90_000, every: 500 },
      );
      say('5 of 45 failed; then it was left out, and later taken back');
    },
  );

  must(
    'inject faults: delays and errors that the app never sees',
    { say: 'Every second request is answered 418 by the proxy; those of testers are delayed.', within: 120_000 },
    async ({ project }) => {
      await withRoute(project, {
        to: [{ service: 'echo', weight: 1 }],
        fault: { abort: { percent: 50, status: 418 } },
      });
      const key = freshKey('abort');
      const { statuses } = await load(project, 'client', { ...ECHO, requests: 400, headers: { 'x-key': key } });
      const aborted = statuses['418'] ?? 0;
      // Five standard deviations of a fair draw are 50.
      assert.ok(aborted >= 150 && aborted <= 250, JSON.stringify(statuses));
      assert.is(sum(await seen(project, key)), 400 - aborted);

      await withRoute(project, {
        to: [{ service: 'echo', weight: 1 }],
        fault: { delay: { percent: 100, duration: '700ms' }, headers: [{ name: 'x-tester', exact: 'yes' }] },
      });
      const [tester, other] = await call(project, 'client', [
        { protocol: 'http/1.1', ...ECHO, headers: { 'x-tester': 'yes' } },
        { protocol: 'http/1.1', ...ECHO },
      ]);
      assert.ok(tester!.ok && tester!.ms >= 690, `${tester!.ms} ms`);
      assert.ok(other!.ok);
    },
  );

  must(
    'mirror requests to a version whose answers nobody gets',
    {
      say: 'Requests to the old version are copied to the new one. Clients get the answers of the old one alone.',
      within: 120_000,
    },
    async ({ project, say }) => {
      await withRoute(project, {
        to: [{ subset: 'v1', weight: 1 }],
        mirror: [{ subset: 'v2', percent: 100 }],
      });
      const key = freshKey('mirror');
      const { statuses, replicas } = await load(project, 'client', {
        ...ECHO,
        requests: 100,
        connections: 4,
        headers: { 'x-key': key },
      });
      assert.equal(statuses, { 200: 100 });
      assert.is(replicas['echo-3'], undefined, 'nobody gets an answer of the mirror');
      const counts = await eventually('copies have arrived', async () => {
        const now = await seen(project, key);
        return now[2] === 100 && now;
      });
      assert.is(counts[0]! + counts[1]!, 100);
      say(`100 answered by echo-1 and echo-2, 100 copies at echo-3`);
    },
  );
}

/** Its counts are of all that reaches echo: alone. */
export function rateObligations({ must }: Scenario): void {
  must(
    'limit the rate at which an app is called',
    {
      say: 'Twenty requests are allowed in a minute. Of fifty, thirty get 429, and the app sees twenty.',
      within: 120_000,
    },
    async ({ project }) => {
      await withRoute(project, {
        to: [{ service: 'echo', weight: 1 }],
        rateLimit: { requests: 20, per: '10m', burst: 20 },
      });
      const key = freshKey('rate');
      const { statuses } = await load(project, 'client', { ...ECHO, requests: 50, headers: { 'x-key': key } });
      assert.equal(statuses, { 200: 20, 429: 30 });
      assert.is(sum(await seen(project, key)), 20);
    },
  );
}
