import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isLocal } from './context.ts';

test('a cluster is of this machine when its API server listens on a loopback address', () => {
  for (const server of [
    'https://127.0.0.1:6443',
    'https://localhost:6443',
    'https://[::1]:6443',
    'https://0.0.0.0:6443',
  ])
    assert.ok(isLocal(server), server);
  for (const server of [
    'https://10.0.0.1:6443',
    'https://cluster.example',
    'https://localhost.example',
    'https://127.example',
  ])
    assert.not.ok(isLocal(server), server);
});

test.run();
