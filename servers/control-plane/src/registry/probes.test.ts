/** What a probe sees is what others are told: replicas by their readiness, endpoints without a proxy by their port. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { startPlane, type TestPlane } from '../testing/plane.ts';
import { startProxy, type TestProxy } from '../testing/proxy.ts';
import { Probes, type Target } from './probes.ts';

const LONG = { within: 60_000 };

/** What a caller is told of the replicas of a cluster, in the order of their names. */
const told = async (caller: TestProxy, cluster: string, health: string): Promise<boolean> =>
  await eventually(
    `${cluster} is ${health}`,
    () =>
      caller.last?.clusters
        .find(({ name }) => name === cluster)
        ?.endpoints.map((each) => each.health ?? 'healthy')
        .join() === health,
    LONG,
  );

/** What people are shown of the replicas of a service. */
const shown = async (plane: TestPlane, service: string, health: string): Promise<boolean> =>
  await eventually(
    `${service} is shown as ${health}`,
    async () => {
      const graph = JSON.parse(String((await plane.api('GET', '/api/graph')).body)) as {
        services: { name: string; replicas: { health: string }[] }[];
      };
      return (
        graph.services
          .find(({ name }) => name === service)
          ?.replicas.map((each) => each.health)
          .join() === health
      );
    },
    LONG,
  );

const CATALOGUE = JSON.stringify({
  services: { catalogue: { ports: [{ port: 8000, protocol: 'http' }], subsets: { v2: { version: '2' } } } },
});

test('a replica whose proxy is not ready gets nothing until it is again, but for the last', async () => {
  const statuses: Record<string, number> = {};
  const readiness = createHttpServer(({ socket }, response) => {
    response.writeHead(statuses[socket.localAddress!] ?? 200).end();
  });
  readiness.listen(0, '0.0.0.0');
  await once(readiness, 'listening');
  const plane = await startPlane(CATALOGUE, {
    probeInterval: 20,
    probePort: (readiness.address() as AddressInfo).port,
    lease: 3_600_000,
  });
  const caller = startProxy(plane, 'catalogue');
  const { replica, secret } = plane.registry.join({
    service: 'catalogue',
    name: 'catalogue-2',
    address: '127.0.0.2',
    labels: { version: '2' },
    ports: [],
    phase: 'ready',
  });
  const all = 'outbound|8000||catalogue';
  await told(caller, all, 'healthy,healthy');
  statuses['127.0.0.2'] = 503;
  await told(caller, all, 'healthy,unhealthy');
  await told(caller, 'outbound|8000|v2|catalogue', 'healthy');

  // Of all that fail none is taken out; people see what is wrong.
  statuses['127.0.0.1'] = 503;
  await shown(plane, 'catalogue', 'unhealthy,unhealthy');
  await told(caller, all, 'healthy,healthy');
  const names = () => caller.last?.names?.['catalogue']?.join();
  await eventually('its name is answered with all', () => names() === '127.0.0.1,127.0.0.2', LONG);

  // What says itself that it is not ready is no last resort.
  plane.registry.renew(replica.id, secret, 'starting');
  await told(caller, all, 'healthy,unhealthy');
  plane.registry.renew(replica.id, secret, 'draining');
  await told(caller, all, 'healthy,draining');
  await told(caller, 'outbound|8000|v2|catalogue', 'draining');

  plane.registry.renew(replica.id, secret, 'ready');
  await told(caller, all, 'healthy,healthy');
  statuses['127.0.0.1'] = 204;
  await told(caller, all, 'healthy,unhealthy');
  statuses['127.0.0.2'] = 204;
  await told(caller, all, 'healthy,healthy');
  await caller.close();
  await plane.close();
  readiness.close();
});

test('an endpoint of the policy is probed by a connection to its port; the last one stays', async () => {
  const database = await serve(createServer());
  const { port } = database;
  const endpoints = ['127.0.0.1', '127.0.0.2'];
  const policy = { services: { database: { ports: [{ port, protocol: 'tcp' }], endpoints } } };
  const plane = await startPlane(JSON.stringify(policy), { probeInterval: 20 });
  const caller = startProxy(plane, 'front');
  const cluster = `outbound|${port}||database`;
  await told(caller, cluster, 'healthy,unhealthy');
  await shown(plane, 'database', 'healthy,unhealthy');
  await database.close();
  await shown(plane, 'database', 'unhealthy,unhealthy');
  await told(caller, cluster, 'healthy,healthy');
  await using _again = await serve(createServer(), port);
  await told(caller, cluster, 'healthy,unhealthy');
  await caller.close();
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
    onFailure: (error) => assert.unreachable(String(error)),
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

test('a result that cannot be noted, or a target that cannot be named, ends only its own probe', async () => {
  const failures: string[] = [];
  let looked = 0;
  const target: Target = { id: 'dead', address: '127.0.0.1', port: await freePort() };
  const probes = new Probes({
    interval: 1,
    timeout: 30_000,
    targets: () => {
      if (++looked === 1) throw new Error('no targets');
      return [target];
    },
    onResult: () => {
      throw new Error('no note');
    },
    onFailure: (error) => failures.push((error as Error).message),
  });
  await eventually('failures of both kinds', () => failures.length >= 3, LONG);
  probes.close();
  assert.equal(failures.slice(0, 3), ['no targets', 'no note', 'no note']);
});

test('an address that is gone is forgotten with its failures', async () => {
  let targets: Target[] = [];
  const results: string[] = [];
  let looked = 0;
  const dead: Target = { id: 'dead', address: '127.0.0.1', port: await freePort() };
  const probes = new Probes({
    onFailure: (error) => assert.unreachable(String(error)),
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
