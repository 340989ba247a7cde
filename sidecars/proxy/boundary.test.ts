/** Whatever throws ends what it belonged to, is counted and logged, and nothing else happens. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { Http1Downstream } from './downstream/http1.ts';
import { Sweeper } from './loop/sweeper.ts';

const POST =
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n';

/** Methods of the client's side, each of which throws once. */
const DOWNSTREAM = ['onResponse', 'onData', 'onEnd', 'onClientData', 'onClientEnd', 'onDrain', 'sweep'] as const;

for (const method of DOWNSTREAM) {
  test(`what ${method} throws ends its connection, and no other`, async () => {
    await using app = await serve(echo);
    let armed = false;
    await using proxy = await startProxy(app.port, {
      settings: { idleTimeout: method === 'sweep' ? 200 : 30_000 },
      // The body waits for the filter, so that it is asked for by onDrain.
      filters: [{ onRequest: () => new Promise((resolve) => void setTimeout(resolve, 20)) }],
      listener: {
        serve: (context, info) => {
          const handler = new Http1Downstream(context, info);
          const original = handler[method].bind(handler) as (...args: unknown[]) => unknown;
          Object.assign(handler, {
            [method]: (...args: unknown[]) => {
              if (!armed) return original(...args);
              armed = false;
              throw new Error('boom');
            },
          });
          return handler;
        },
      },
    });
    const other = await connected(proxy.port);
    armed = true;
    const talk = await connected(proxy.port);
    talk.send(method === 'sweep' ? POST.slice(0, -10) : POST);
    if (method === 'onClientEnd') talk.socket.end();
    await talk.until(({ closed }) => closed);
    talk.socket.destroy();
    assert.equal([armed, proxy.stats.internalErrors, proxy.errors.length], [false, 1, 1]);
    if (!other.closed) {
      other.send(POST);
      assert.match(await other.until(({ closed }) => closed), '"body":"abc"');
    }
    other.socket.destroy();
    await eventually('nothing is left', () => proxy.stats.open === 0 && proxy.stats.inFlight === 0);
    assert.is(proxy.endpoint.active, 0);
  });
}

for (const method of ['responded', 'requestEnded', 'upstreamFailed'] as const) {
  test(`what stats.${method} throws ends its exchange, and no other`, async () => {
    await using app = await serve((request, response) => {
      if (request.url === '/cut') request.socket.destroy();
      else echo(request, response);
    });
    await using proxy = await startProxy(app.port);
    const original = proxy.stats[method].bind(proxy.stats) as (value: never) => void;
    let armed = true;
    proxy.stats[method] = (value?: unknown) => {
      original(value as never);
      if (!armed) return;
      armed = false;
      throw new Error('boom');
    };
    const talk = await connected(proxy.port);
    talk.send(`GET ${method === 'upstreamFailed' ? '/cut' : '/'} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await talk.until(({ closed }) => closed);
    talk.socket.destroy();
    assert.equal([armed, proxy.stats.internalErrors], [false, 1]);
    const next = await connected(proxy.port);
    next.send(POST);
    assert.match(await next.until(({ closed }) => closed), '"body":"abc"');
    next.socket.destroy();
    await eventually('nothing is left', () => proxy.stats.open === 0 && proxy.stats.inFlight === 0);
  });
}

test('a member that throws does not keep the others from their deadlines', () => {
  const sweeper = new Sweeper(1000);
  const heard: string[] = [];
  const bad = {
    sweep: () => {
      throw new Error('boom');
    },
    onInternalError: () => void heard.push('error'),
  };
  const good = { sweep: () => void heard.push('swept'), onInternalError: () => {} };
  sweeper.add(bad);
  sweeper.add(good);
  sweeper.sweepAll();
  assert.equal(heard, ['error', 'swept']);
  sweeper.remove(bad);
  sweeper.remove(good);
});

test('a deadline counts from now, also when nobody has waited for a long time', async () => {
  const sweeper = new Sweeper(1000);
  await eventually('time has passed', () => performance.now() - sweeper.now > 100);
  assert.is(sweeper.after(1000) - performance.now() >= 1000, true);
});

test.run();
