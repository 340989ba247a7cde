/** What is kept of a request's body for another try: its bytes, in however many pieces they come. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { LENGTH } from '#proxy/http/message.ts';
import type { Request } from '#proxy/http/request.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import type { Cluster, Endpoint, ResponseUser } from './cluster.ts';
import { UpstreamRequest } from './request.ts';

const SIZE = 60_000;
const COUNT = 20;

test('bodies in pieces of a byte are kept for another try as their bytes', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const sent: string[] = [];
  const stream = { connected: true, write: () => true, cancel() {} };
  const endpoint = { active: 0, open: (_request: Request, start: string) => (sent.push(start), stream) };
  const cluster = { pick: () => endpoint as unknown as Endpoint } as unknown as Cluster;
  await using proxy = await startProxy(1);
  const requests = Array.from({ length: COUNT }, () => {
    const request = new UpstreamRequest(proxy.context, { requestDone: false } as ResponseUser, {
      request: { body: LENGTH } as Request,
      cluster,
      downstream: {} as DownstreamInfo,
      retry: { perTryTimeout: Infinity, maxBody: 64 * 1024, again: () => 0 },
      timeout: 60_000,
      sendsChunks: false,
    });
    request.begin('');
    return request;
  });
  const piece = Buffer.alloc(1);
  const before = used();
  for (let at = 0; at < SIZE; at++)
    for (const request of requests) {
      piece[0] = 97 + (at % 26);
      request.write(piece);
    }
  const more = used() - before;
  assert.ok(more < 2 * COUNT * SIZE, `${more} bytes are kept for ${COUNT * SIZE}`);
  requests[0]!.onUpstreamFailure('closed', 'test');
  const deadline = performance.now() + 60_000;
  while (sent.length === COUNT && performance.now() < deadline) await new Promise(setImmediate);
  assert.is(sent.at(-1)!.length, SIZE);
  assert.match(sent.at(-1)!, /^abcdefghijklmnopqrstuvwxyzabc/);
  for (const request of requests) request.cancel();
});

test.run();
