/** Services, subsets and weights under the names that objects of JavaScript have anyway. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_POLICY, makeSplit, MeshStates, SplitRefused } from './mesh.ts';
import type { Policy } from '../policy/types.ts';

const shop = {
  subsets: { constructor: { version: '1' }, v2: { version: '2' } },
  routes: [
    {
      name: 'main',
      to: [
        { subset: 'constructor', weight: 80 },
        { subset: 'v2', weight: 20 },
      ],
    },
  ],
};
const policy = { ...EMPTY_POLICY, services: { shop } } as unknown as Policy;

test('a split says the weight of a subset by its own name', () => {
  assert.throws(
    () => makeSplit(policy, 'shop', 'main', { v2: 5 }),
    (error: unknown) => error instanceof SplitRefused && error.status === 422,
  );
  assert.equal(makeSplit(policy, 'shop', 'main', { constructor: 1, v2: 5 } as never).weights['v2'], 5);
  assert.throws(() => makeSplit(policy, 'constructor', 'main', { v2: 5 }), /no route main of constructor/);
});

test('a service that registers under such a name has no policy', () => {
  const replica = { service: 'constructor', name: 'one', address: '192.0.2.1', labels: {}, ports: [], phase: 'ready' };
  const saved = { ...replica, id: 'x', expires: 0, probe: 'unknown', leaseDigest: '' } as const;
  const { state } = new MeshStates().next({
    trustDomain: 'mesh.test',
    namespace: 'shop',
    policy,
    splits: [],
    replicas: [saved as never],
    resolved: new Map(),
    probed: new Map(),
  });
  assert.equal(state.services.find(({ name }) => name === 'constructor')!.policy, {});
});

test.run();
