import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listenTestStore } from './bulk-store.ts';
import { eventually } from './eventually.ts';

const BULK = '{"create":{"_index":"i","_id":"1"}}\n{"message":"a line"}\n';

test('a sender that is killed within a request leaves nothing behind, and the store goes on', async () => {
  const { store, server, url, port, close } = await listenTestStore();
  const begun = once(server, 'request') as Promise<[IncomingMessage]>;
  const sender = connect(port, '127.0.0.1');
  sender.write(`POST /_bulk HTTP/1.1\r\nhost: store\r\ncontent-length: ${BULK.length}\r\n\r\n${BULK.slice(0, 20)}`);
  const [request] = await begun;
  sender.destroy();
  await eventually('the request is cut', () => request.destroyed);
  assert.is(store.counts.requests, 0);
  const answer = await fetch(`${url}/_bulk`, { method: 'POST', body: BULK });
  assert.equal([answer.status, store.counts.created], [200, 1]);
  await close();
});

test.run();
