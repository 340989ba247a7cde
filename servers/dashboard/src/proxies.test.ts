/** What the proxies of both ends say of the last requests, put together. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '#kit/testing/server.ts';
import type { Replica } from './control-plane.ts';
import { Proxies, type LogEntry } from './proxies.ts';

/** How long a caller's proxy waits for the called one to be asked at the same time, in milliseconds. */
const TOGETHER = 200;

test('a request that is refused while both ends are asked has its cause', async () => {
  const entry: LogEntry = { time: '2026-11-21T10:00:00.000Z', source: 'front', destination: 'orders', traceId: '1' };
  const refused: LogEntry[] = [];
  let calledIsAsked = (): void => {};
  const asked = new Promise<void>((resolve) => (calledIsAsked = resolve));
  const say = (response: ServerResponse, entries: readonly LogEntry[]): void => {
    response.end(JSON.stringify(entries));
  };
  await using caller = await serve((_incoming, response) => {
    void Promise.race([asked, new Promise((resolve) => setTimeout(resolve, TOGETHER))]).then(() => {
      refused.push({ ...entry, direction: 'inbound', status: 403, flags: 'UAEX', cause: 'not allowed' });
      say(response, [{ ...entry, direction: 'outbound', status: 403, flags: '-' }]);
    });
  });
  // All proxies listen on the same port: this one on another address.
  const called = createServer((_incoming, response) => {
    say(response, refused);
    calledIsAsked();
  }).listen(caller.port, '127.0.0.2');
  await once(called, 'listening');
  called.unref();
  const proxies = new Proxies({ metrics: caller.port, admin: caller.port });
  const replica = (address: string): Replica => ({ service: '', name: '', address, healthy: true });
  const requests = await proxies.requests(
    { callers: [replica('127.0.0.1')], called: [replica('127.0.0.2')] },
    { from: 'front', to: 'orders' },
  );
  assert.equal(
    requests.map(({ status, flags, cause }) => [status, flags, cause]),
    [['403', 'UAEX', 'not allowed']],
  );
  called.close();
  called.closeAllConnections();
});

test.run();
