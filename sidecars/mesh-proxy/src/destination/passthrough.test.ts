/** What is passed on to one address has the proxy's own limits, and no others. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import type { ClusterEnvironment } from '../cluster/cluster.ts';
import { MeshCluster } from '../cluster/cluster.ts';
import { Passthrough } from './passthrough.ts';

const environment: ClusterEnvironment = {
  sweeper: new Sweeper(1000),
  maxHeaderSize: 1024,
  idleTimeout: 1000,
  meshTls: () => {
    throw new Error('it is in the clear');
  },
  isOwn: () => false,
  onEjection: () => {},
};

test('an application takes as many connections as its proxy does: MESH_MAX_CONNECTIONS counts', () => {
  const { limits } = new Passthrough('inbound', environment).to({ address: '127.0.0.1', port: 1883 });
  for (const connects of [false, true])
    for (let count = 0; count < 5000; count++) {
      const place = limits.enter(connects, () => new AbortController().signal);
      assert.ok(place !== undefined && !(place instanceof Promise), `connection ${count} is refused`);
    }
});

test('a cluster without a connect timeout uses the parameter of the proxy', () => {
  const model = { name: 'shop', endpoints: [] };
  assert.is(new MeshCluster(model, environment).connectTimeout, undefined);
  assert.is(new MeshCluster({ ...model, connectTimeout: 70 }, environment).connectTimeout, 70);
  const passed = new Passthrough('inbound', environment).to({ address: '127.0.0.1', port: 1 });
  assert.is(passed.connectTimeout, undefined);
});

test.run();
