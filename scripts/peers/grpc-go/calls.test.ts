/** grpc-go, unmodified, as a client of the control plane. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { status } from '@grpc/grpc-js';
import { eventually } from '#kit/testing/eventually.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { startBackends, type Backend } from '../../../servers/control-plane/src/testing/grpc.ts';
import { startPlane, type TestPlane } from '../../../servers/control-plane/src/testing/plane.ts';
import { findPeer, notBuilt } from '../../lib/go-program.ts';

const LONG = { within: 120_000, every: 50 };
const PROGRAM = await findPeer('grpc-go');
const README = join(import.meta.dirname, '../../../servers/control-plane/README.md');
const SAY = '/test.Echo/Say';
const ZONE = 'topology.kubernetes.io/zone';

interface Running {
  readonly plane: TestPlane;
  readonly backends: Backend[];
  /** What came of calls, each by the address that answered or by its status. */
  readonly call: (calls: number, method?: string) => Promise<Readonly<Record<string, number>>>;
  readonly set: (policy: object) => void;
  readonly join: (index: number, phase: 'ready' | 'draining') => void;
}

async function serving(
  count: number,
  zones: readonly string[],
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const plane = await startPlane('services: {}');
  const backends = await startBackends(count);
  const { port } = backends[0]!;
  const enroll = (index: number, phase: 'ready' | 'draining'): void =>
    void plane.registry.join({
      service: 'echo',
      name: `echo-${index}`,
      address: backends[index]!.address,
      labels: { version: String(index + 1), ...(zones[index] !== undefined && { [ZONE]: zones[index] }) },
      ports: [],
      phase,
    });
  const set = (policy: object): void =>
    plane.setPolicy(
      JSON.stringify({
        mesh: { mtls: 'DISABLE' },
        services: {
          echo: {
            ports: [{ port, protocol: 'grpc' }],
            subsets: { v1: { version: '1' }, v2: { version: '2' } },
            ...policy,
          },
        },
      }),
    );
  const bootstrap = JSON.stringify({
    xds_servers: [
      {
        server_uri: `127.0.0.1:${plane.ports.xds}`,
        channel_creds: [{ type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    node: { id: 'grpc-go', locality: { zone: 'here' } },
  });
  const call = async (calls: number, method = SAY): Promise<Readonly<Record<string, number>>> => {
    const env = { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: bootstrap };
    const args = [`xds:///echo:${port}`, String(calls), method];
    const { stdout } = await promisify(execFile)(PROGRAM!, args, { env, timeout: 100_000 });
    const counts: Record<string, number> = {};
    for (const outcome of JSON.parse(stdout) as string[]) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  };
  try {
    for (const index of backends.keys()) enroll(index, 'ready');
    set({});
    await work({ plane, backends, call, set, join: enroll });
  } finally {
    for (const each of backends) each.stop();
    await plane.close();
  }
}

if (PROGRAM === undefined) skipped('grpc-go as a client', notBuilt('grpc-go'));
else {
  test('round_robin: each of the backends gets its share', async () => {
    await serving(3, [], async ({ call, backends }) => {
      await eventually(
        'all answer',
        async () => {
          const counts = await call(90);
          return backends.every(({ address }) => (counts[address] ?? 0) >= 20);
        },
        LONG,
      );
    });
  });

  test('traffic_splitting and path_matching: by weight and by path', async () => {
    await serving(2, [], async ({ call, set, backends }) => {
      const [first, second] = backends.map(({ address }) => address) as [string, string];
      set({
        routes: [
          { match: { path: { exact: '/test.Echo/Other' } }, to: [{ subset: 'v2', weight: 1 }] },
          {
            to: [
              { subset: 'v1', weight: 80 },
              { subset: 'v2', weight: 20 },
            ],
          },
        ],
      });
      await eventually('the path decides', async () => (await call(20, '/test.Echo/Other'))[second] === 20, LONG);
      const counts = await call(1000);
      // Five standard deviations of 1,000 draws of 0.8 are 63.
      assert.ok(counts[first]! > 737 && counts[first]! < 863, JSON.stringify(counts));
    });
  });

  test('fault_injection, timeout and retry are those of the route', async () => {
    await serving(1, [], async ({ call, set, backends }) => {
      set({ routes: [{ to: [{ weight: 1 }], fault: { abort: { percent: 100, grpcStatus: 7 } } }] });
      await eventually('aborted', async () => (await call(5))['PermissionDenied'] === 5, LONG);
      const [backend] = backends;
      backend!.hold = true;
      set({ routes: [{ to: [{ weight: 1 }], timeout: '200ms' }] });
      await eventually('too late', async () => (await call(2))['DeadlineExceeded'] === 2, LONG);
      backend!.hold = false;
      backend!.fail = status.UNAVAILABLE;
      set({ routes: [{ to: [{ weight: 1 }], retry: { on: ['unavailable'], attempts: 2 } }] });
      await eventually(
        'three tries',
        async () => {
          const before = backend!.calls;
          const counts = await call(1);
          return counts['Unavailable'] === 1 && backend!.calls - before === 3;
        },
        LONG,
      );
    });
  });

  test('secondary_locality: the next zone is called while the nearest has no healthy backend', async () => {
    await serving(3, ['far', 'here', 'here'], async ({ call, set, join: enroll, backends }) => {
      set({ trafficDistribution: 'PreferSameZone' });
      const only = (indexes: readonly number[]) =>
        eventually(
          `only ${indexes.join()} are called`,
          async () => {
            const counts = await call(30);
            return indexes.reduce((sum, index) => sum + (counts[backends[index]!.address] ?? 0), 0) === 30;
          },
          LONG,
        );
      await only([1, 2]);
      enroll(1, 'draining');
      await only([2]);
      enroll(2, 'draining');
      await only([0]);
    });
  });

  test('ring hash: calls of one key stay at one backend', async () => {
    await serving(3, [], async ({ call, set }) => {
      set({ balancing: 'RING_HASH', routes: [{ to: [{ weight: 1 }], hash: [{ header: 'x-key' }] }] });
      await eventually(
        'answered',
        async () => Object.keys(await call(30)).every((key) => key.startsWith('127.')),
        LONG,
      );
    });
  });
}

test('the README names the version of grpc-go that is the client here', () => {
  const module = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');
  const [, version] = /google\.golang\.org\/grpc v(\d+\.\d+)/.exec(module)!;
  assert.ok(readFileSync(README, 'utf8').includes(`grpc-go ${version}`));
});

test.run();
