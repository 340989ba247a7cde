import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '#kit/testing/server.ts';
import type { EngineApi } from '../../scripts/lib/engine-api.ts';
import type { Container } from './containers.ts';
import { UsageReader } from './usage.ts';

/** An engine without figures. */
const engine = { get: () => Promise.reject(new Error('none')) } as unknown as EngineApi;

/** A running container at an address, whose image says where its admin port is. */
const container = (address: string, port: string): Container =>
  ({
    Id: 'a',
    Config: { Env: [`ADMIN_PORT=${port}`] },
    State: { Running: true, Paused: false },
    NetworkSettings: { Networks: { pod: { IPAddress: address } } },
  }) as unknown as Container;

test('a sidecar is asked at its admin port, and what is no port makes no other address of it', async () => {
  const asked: string[] = [];
  await using server = await serve((request, response) => {
    asked.push(request.url!);
    response.end();
  });
  const read = async (address: string, port: string) => {
    const pod = container(address, port);
    return (await new UsageReader().read(engine, pod, pod)).ready;
  };
  assert.is(await read('127.0.0.1', String(server.port)), true);
  assert.equal(asked.toSorted(), ['/metrics', '/readyz']);
  for (const hostile of [`9901@127.0.0.1:${server.port}`, `${server.port}/elsewhere?`, `${server.port}#`])
    assert.is(await read(hostile.includes('@') ? '127.0.0.2' : '127.0.0.1', hostile), null, hostile);
  assert.is(asked.length, 2);
});

test.run();
