/** Traces join, metrics add up, and every failure has a cause in words. */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import type { Span } from '../services/workload/src/collect.ts';
import { applyPolicy } from '../lib/policy.ts';
import { metric, ours, samples } from '../lib/proxies.ts';
import { shopOf } from '../lib/shop.ts';
import { freshKey, load, REPLICAS, seen, tell } from '../lib/workload.ts';

async function spansOf({ env }: Project, trace: string): Promise<Span[]> {
  const response = await fetch(`http://127.0.0.1:${env['PUBLISH_SPANS']}/spans?trace=${trace}`, {
    signal: AbortSignal.timeout(20_000),
  });
  return (await response.json()) as Span[];
}

export function traceObligations({ must }: Scenario): void {
  must(
    'join traces across three languages where the apps pass headers on',
    {
      say: 'One order goes through Perl, Node and Python. The apps only pass a header on; the proxies make one trace of it.',
      within: 120_000,
    },
    async (stage) => {
      const trace = randomBytes(16).toString('hex');
      const traceparent = `00-${trace}-${randomBytes(8).toString('hex')}-01`;
      const order = await shopOf(stage).post('/order/kettle', { traceparent });
      assert.is(order.status, 201, order.text);
      const spans = await eventually(
        'all spans have arrived',
        async () => {
          const found = await spansOf(stage.project, trace);
          const services = new Set(found.map(({ service }) => service.split('.')[0]));
          return ['front', 'orders', 'stock'].every((name) => services.has(name)) && found.length >= 5 && found;
        },
        { within: 60_000 },
      );
      const ids = new Set(spans.map(({ spanId }) => spanId));
      assert.is(ids.size, spans.length, 'each has an id of its own');
      const roots = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
      assert.is(roots.length, 1, `one tree: ${JSON.stringify(spans)}`);
      assert.is(roots[0]!.parentSpanId, traceparent.split('-')[2], 'its root hangs on what the client sent');
      stage.say(`${spans.length} spans of one trace, from Perl, Node and Python`);
    },
  );
}

type Counts = Readonly<Record<string, number>>;

/** Requests of the client to echo, as the proxies at both ends have counted them: by status, flags and the client's release. */
async function counted(project: Project): Promise<{ readonly client: Counts; readonly replicas: Counts }> {
  const of = async (names: readonly string[], reporter: string): Promise<Counts> => {
    const all = await Promise.all(names.map((name) => samples(project, name, 'istio_requests_total')));
    const counts: Record<string, number> = {};
    for (const { labels, value } of all.flat()) {
      const wanted = {
        reporter,
        source_workload: 'client',
        destination_service_name: 'echo',
        request_protocol: 'http',
      };
      if (Object.entries(wanted).some(([label, text]) => labels[label] !== text)) continue;
      const cause = `${labels['response_code']} ${labels['response_flags']} of release ${labels['source_version']}`;
      counts[cause] = (counts[cause] ?? 0) + value;
    }
    return counts;
  };
  const [client, replicas] = await Promise.all([of(['client'], 'source'), of(REPLICAS, 'destination')]);
  return { client, replicas };
}

const increase = (before: Counts, after: Counts): Counts =>
  Object.fromEntries(
    Object.entries(after).flatMap(([cause, count]) => {
      const more = count - (before[cause] ?? 0);
      return more === 0 ? [] : [[cause, more]];
    }),
  );

export function telemetryObligations({ must }: Scenario): void {
  must(
    'count what the load generator counts, at both ends',
    {
      say: 'The load generator counts for itself; the metrics of both proxies say the same.',
      within: 180_000,
      ...ours('it counts under names of its own'),
    },
    async ({ project, say }) => {
      await applyPolicy(project, {
        // In turn: a replica that is slow gets its share of the 500 requests nonetheless, and so all of its 40 failures.
        echo: (echo) => void Object.assign(echo, { outlier: { consecutive5xx: 0 }, balancing: 'ROUND_ROBIN' }),
      });
      await eventually('requests of other obligations have ended', async () => {
        const open = await Promise.all(
          REPLICAS.map((name) => metric(project, name, 'mesh_requests_in_flight', { direction: 'inbound' })),
        );
        return open.every((count) => count === 0);
      });
      await tell(project, 'echo-1', { status: 500, times: 40 });
      const before = await counted(project);
      const key = freshKey('metrics');
      const { statuses, failures } = await load(project, 'client', {
        host: 'echo',
        port: 8080,
        requests: 500,
        headers: { 'x-key': key },
      }).finally(() => tell(project, 'echo-1', {}));
      assert.equal(statuses, { 200: 460, 500: 40 }, failures.join());
      const expected: Counts = { '200 - of release 7': 460, '500 - of release 7': 40 };
      await eventually('the metrics say the same', async () => {
        const after = await counted(project);
        const [client, replicas] = [increase(before.client, after.client), increase(before.replicas, after.replicas)];
        const told = JSON.stringify({ client, replicas, applications: await seen(project, key) });
        assert.equal(client, expected, `by the client's proxy: ${told}`);
        assert.equal(replicas, expected, `by the replicas' proxies: ${told}`);
        return true;
      });
      const reached = await seen(project, key);
      assert.is(
        reached.reduce((total, each) => total + each, 0),
        500,
        `the replicas' applications have seen ${reached.join(', ')}`,
      );
      say('500 sent, 460 and 40 counted: by the generator, by the proxy of the client, and by those of the replicas');
    },
  );

  must(
    'say of every failed request in plain words why it failed',
    {
      say: 'Whatever fails, the access log has a sentence that says why.',
      within: 180_000,
      ...ours('it says a cause by flags, and not in a sentence'),
    },
    async ({ project, say }) => {
      await applyPolicy(project, {
        echo: (echo) => {
          echo['subsets'] = { v9: { version: '9' } };
          echo['routes'] = [
            {
              name: 'slow',
              match: { path: { prefix: '/slow' } },
              to: [{ service: 'echo', weight: 1 }],
              timeout: '200ms',
            },
            {
              name: 'fault',
              match: { path: { prefix: '/fault' } },
              to: [{ service: 'echo', weight: 1 }],
              fault: { abort: { percent: 100, status: 503 } },
            },
            { name: 'nowhere', match: { path: { prefix: '/nowhere' } }, to: [{ subset: 'v9', weight: 1 }] },
          ];
        },
      });
      await Promise.all(REPLICAS.map((replica) => tell(project, replica, { delayMs: 2000 })));
      const mark = freshKey('cause');
      try {
        for (const path of ['/slow', '/fault', '/nowhere'])
          await load(project, 'client', { host: 'echo', port: 8080, path: `${path}?${mark}`, requests: 1 });
      } finally {
        await Promise.all(REPLICAS.map((replica) => tell(project, replica, {})));
      }
      const lines = await eventually(
        'all are in the log',
        async () => {
          const log = await project.logs(await project.id('client-proxy'));
          const found = log.split('\n').filter((line) => line.includes(mark));
          return found.length >= 3 && found;
        },
        { within: 60_000 },
      );
      for (const [path, flag] of [
        ['/slow', 'UT'],
        ['/fault', 'FI'],
        ['/nowhere', 'UH'],
      ] as const) {
        const entry = JSON.parse(lines.find((line) => line.includes(path))!) as Record<string, unknown>;
        assert.match(JSON.stringify(entry['flags'] ?? entry['response_flags']), new RegExp(flag), path);
        assert.match(String(entry['cause']), /[A-Za-z]+ [a-z]+.*\./, `${path}: a sentence`);
        say(String(entry['cause']));
      }
    },
  );
}
