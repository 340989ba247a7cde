/** What a probe sees is what others are told: replicas by their readiness, endpoints without a proxy by their port. */
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { startPlane } from '../testing/plane.ts';
import { startProxy } from '../testing/proxy.ts';
import { Probes, type Target } from './probes.ts';

const LONG = { within: 60_000 };

test('a replica whose proxy is not ready is unhealthy for others, until it is again', async () => {
  let status = 200;
  await using readiness = await serve((_request, response) => void response.writeHead(status).end());
  const plane = await startPlane(
    JSON.stringify({ services: { catalogue: { ports: [{ port: 8000, protocol: 'http' }] } } }),
    {
      probeInterval: 20,
      probePort: readiness.port,
    },
  );
  const catalogue = startProxy(plane, 'catalogue');
  const becomes = async (health: string): Promise<void> => {
    await eventually(
      health,
      () =>
        catalogue.last?.clusters
          .find(({ name }) => name === 'outbound|8000||catalogue')
          ?.endpoints.map((each) => each.health ?? 'healthy')
          .join() === health,
      LONG,
    );
  };
  await becomes('healthy');
  status = 503;
  await becomes('unhealthy');
  status = 204;
  await becomes('healthy');
  await catalogue.close();
  await plane.close();
});

test('an endpoint that the policy names is probed by a connection to its port', async () => {
  const port = await freePort();
  const policy = { services: { database: { ports: [{ port, protocol: 'tcp' }], endpoints: ['127.0.0.1'] } } };
  const plane = await startPlane(JSON.stringify(policy), { probeInterval: 20 });
  const health = async (): Promise<string | undefined> => {
    const graph = JSON.parse(String((await plane.api('GET', '/api/graph')).body)) as {
      services: { replicas: { health: string }[] }[];
    };
    return graph.services[0]?.replicas[0]?.health;
  };
  await eventually('nobody listens', async () => (await health()) === 'unhealthy', LONG);
  await using _database = await serve(createServer(), port);
  await eventually('somebody does', async () => (await health()) === 'healthy', LONG);
  await plane.close();
});

/** Rounds of probes of one URL that answers as it is told. */
async function rounds(statuses: readonly number[]): Promise<{ results: string[]; asked: number }> {
  let asked = 0;
  await using server = await serve((_request, response) => {
    response.writeHead(statuses[Math.min(asked++, statuses.length - 1)]!).end();
  });
  const target: Target = { id: 'one', url: `${server.url}/readyz`, address: '127.0.0.1', port: server.port };
  const results: string[] = [];
  let over = false;
  const probes = new Probes({
    interval: 1,
    timeout: 30_000,
    targets: () => {
      over = asked >= statuses.length;
      return over ? [] : [target];
    },
    onResult: (_id, result, reason) =>
      results.push(reason === undefined ? result : `${result} ${reason.split(' ').at(-1)}`),
  });
  await eventually('all are asked', () => over, LONG);
  probes.close();
  return { results, asked };
}

test('one failure says nothing, the second in a row does', async () => {
  assert.equal((await rounds([503, 200, 503, 503, 200])).results, ['passing', 'failing 503', 'passing']);
});

test('a redirect is no readiness', async () => {
  assert.equal((await rounds([302, 302])).results, ['failing 302']);
});

test('an address that is gone is forgotten with its failures', async () => {
  let targets: Target[] = [];
  const results: string[] = [];
  let looked = 0;
  const dead: Target = { id: 'dead', address: '127.0.0.1', port: await freePort() };
  const probes = new Probes({
    interval: 1,
    timeout: 30_000,
    targets: () => {
      looked++;
      // There, not there, there again: never two failures in a row.
      targets = looked % 2 === 1 && looked < 10 ? [dead] : [];
      return targets;
    },
    onResult: (id, result) => results.push(`${id} ${result}`),
  });
  await eventually('ten rounds', () => looked >= 10, LONG);
  probes.close();
  assert.equal(results, []);
});

test.run();
