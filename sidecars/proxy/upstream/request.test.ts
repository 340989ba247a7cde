/** Where a request goes: the endpoints of a cluster, tries, and what the cluster hears of them. */
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { listening, serve } from '#kit/testing/server.ts';
import { echo, rawApp } from '#proxy/testing/apps.ts';
import { startProxy } from '#proxy/testing/proxy.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import type { Cluster, Endpoint } from './cluster.ts';
import type { RetryPolicy } from './retry.ts';

const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const post = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;

/** Endpoints in their order, none twice; what the cluster hears is written down. */
function inOrder(endpoints: readonly Endpoint[], heard: string[]): Cluster {
  const name = (endpoint: Endpoint): string => String(endpoints.indexOf(endpoint));
  return {
    pick: ({ tried }) => endpoints.find((endpoint) => !tried.includes(endpoint)),
    onConnect: (endpoint) => void heard.push(`${name(endpoint)} connected`),
    onConnectFailure: (endpoint, reason) => void heard.push(`${name(endpoint)} ${reason}`),
    onTryEnd: (endpoint, outcome, duration) => {
      assert.is(duration >= 0 && duration < 10_000, true);
      heard.push(`${name(endpoint)} ${'status' in outcome ? outcome.status : outcome.failure}`);
    },
  };
}

const retry = (over: Partial<RetryPolicy> = {}): RetryPolicy => ({
  perTryTimeout: Infinity,
  maxBody: 64 * 1024,
  again: ({ failure, response, tries }) =>
    tries < 3 && (failure !== undefined || response!.status === 503) ? 1 : undefined,
  ...over,
});

test('a request is retried elsewhere, with its body, until one counts; the cluster hears of each', async () => {
  const heard: string[] = [];
  const nobody = await freePort();
  await using busy = await serve((_request, response) => {
    response.writeHead(503).end('busy');
  });
  await using app = await serve(echo);
  for (const body of ['', 'abc', 'x'.repeat(50_000)]) {
    const endpoints: Endpoint[] = [];
    await using proxy = await startProxy(app.port, {
      filters: [{ onRequest: (each) => void (each.retry = retry()) }],
      cluster: (endpointTo) => {
        endpoints.push(endpointTo(nobody), endpointTo(busy.port), endpointTo(app.port));
        return inOrder(endpoints, heard);
      },
    });
    const answer = await exchange(proxy.port, post(body));
    assert.is(answer.slice(9, 12), '200');
    assert.is((JSON.parse(answer.slice(answer.indexOf('{'))) as { body: string }).body, body);
    assert.equal(heard.splice(0), ['0 ECONNREFUSED', '0 connect', '1 connected', '1 503', '2 connected', '2 200']);
    assert.equal(
      endpoints.map(({ active }) => active),
      [0, 0, 0],
    );
    assert.equal([proxy.stats.inFlight, proxy.stats.statuses], [0, [200]]);
  }
});

test('a body that is too long to be kept is sent once, and the first answer counts', async () => {
  let asked = 0;
  await using busy = await serve((request, response) => {
    asked++;
    request.resume();
    request.on('end', () => response.writeHead(503).end('busy'));
  });
  await using proxy = await startProxy(busy.port, {
    filters: [{ onRequest: (each) => void (each.retry = retry({ maxBody: 1000 })) }],
  });
  const answer = await exchange(proxy.port, post('x'.repeat(100_000)));
  assert.equal([answer.slice(9, 12), asked], ['503', 1]);
});

test('a try that takes too long is given up for another', async () => {
  const heard: string[] = [];
  const silent = await rawApp((socket) => socket.resume());
  await using app = await serve(echo);
  await using proxy = await startProxy(app.port, {
    filters: [{ onRequest: (each) => void (each.retry = retry({ perTryTimeout: 1500 })) }],
    cluster: (endpointTo) => inOrder([endpointTo(silent.port), endpointTo(app.port)], heard),
  });
  assert.is((await exchange(proxy.port, LAST)).slice(9, 12), '200');
  assert.equal(heard, ['0 connected', '0 response_timeout', '1 connected', '1 200']);
  silent.close();
});

test('all tries together take no longer than they may', async () => {
  await using busy = await serve((_request, response) => {
    response.writeHead(503).end('busy');
  });
  await using proxy = await startProxy(busy.port, {
    settings: { connectTimeout: 100 },
    filters: [
      {
        onRequest: (each) => {
          each.retry = retry({ again: () => 50 });
          each.timeout = 300;
        },
      },
    ],
  });
  const begun = performance.now();
  // The time is up between two tries, or within one.
  assert.match((await exchange(proxy.port, LAST)).slice(9, 12), /^50[34]$/);
  assert.is(performance.now() - begun < 20_000, true);
  assert.is(busy.connections() > 0, true);
});

test('a client that goes away between two tries takes the request along', async () => {
  await using busy = await serve((_request, response) => {
    response.writeHead(503).end('busy');
  });
  const asked: string[] = [];
  await using proxy = await startProxy(busy.port, {
    filters: [
      {
        onRequest: (each) =>
          void (each.retry = retry({
            again: ({ tries }) => {
              asked.push(each.request.path);
              return each.request.path === '/gone' ? 100 : tries === 1 ? 300 : undefined;
            },
          })),
      },
    ],
  });
  const talk = await connected(proxy.port);
  talk.send(LAST.replace('/', '/gone'));
  await eventually('a try', () => asked.length === 1);
  talk.socket.destroy();
  await eventually('the end', () => proxy.stats.inFlight === 0);
  // Its second try, had there been one, would have come before this one's.
  await exchange(proxy.port, LAST);
  assert.equal(asked, ['/gone', '/', '/']);
  assert.is(proxy.endpoint.active, 0);
});

test('without an endpoint the answer is 503; what a cluster throws is our own fault, and 500', async () => {
  for (const [pick, status] of [
    [() => undefined, '503'],
    [
      () => {
        throw new Error('boom');
      },
      '500',
    ],
  ] as const) {
    await using proxy = await startProxy(1, { cluster: () => ({ pick }) });
    assert.is((await exchange(proxy.port, LAST)).slice(9, 12), status);
    assert.is(proxy.stats.inFlight, 0);
  }
});

test('a filter sends a request to another cluster', async () => {
  await using app = await serve(echo);
  await using other = await serve((_request, response) => void response.end('other'));
  let elsewhere: Cluster | undefined;
  await using proxy = await startProxy(app.port, {
    cluster: (endpointTo) => {
      elsewhere = { pick: () => endpointTo(other.port) };
      return { pick: () => endpointTo(app.port) };
    },
    filters: [{ onRequest: (each) => void (each.cluster = elsewhere!) }],
  });
  assert.match(await exchange(proxy.port, LAST), /other$/);
});

test('TLS to the endpoint: server name, ALPN, both certificates; an untrusted one gets nothing', async () => {
  const authority = await certify({ subject: 'CN=authority', ca: true });
  const server = await certify({ names: ['app.test'], issuer: authority });
  const client = await certify({ subject: 'CN=proxy', issuer: authority });
  const seen: string[] = [];
  const app = createTlsServer(
    { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] },
    (socket: TLSSocket) => {
      socket.on('error', () => {});
      seen.push(
        `${String(socket.servername)} ${String(socket.alpnProtocol)} ${String(socket.getPeerCertificate().subject.CN)}`,
      );
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
        if (!heard.includes('\r\n\r\n')) return;
        heard = '';
        const body = Buffer.alloc(300_000, 'z');
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.write(body);
      });
    },
  );
  const port = await listening(app);
  for (const [names, expected] of [
    [{ ca: authority.cert, servername: 'app.test', cert: client.cert, key: client.key }, '200'],
    [{ ca: authority.cert, servername: 'wrong.test', cert: client.cert, key: client.key }, '503'],
    [{ servername: 'app.test', cert: client.cert, key: client.key }, '503'],
  ] as const) {
    await using proxy = await startProxy(port, { tls: { ...names, ALPNProtocols: ['http/1.1'] } });
    for (const round of [1, 2]) {
      const answer = await exchange(proxy.port, LAST);
      assert.is(answer.slice(9, 12), expected);
      if (expected === '200') assert.is(answer.length - answer.indexOf('\r\n\r\n') - 4, 300_000, `round ${round}`);
    }
    assert.equal([proxy.stats.inFlight, proxy.stats.internalErrors], [0, 0]);
  }
  assert.is(seen[0], 'app.test http/1.1 proxy');
  app.close();
});

test('trailers pass both ways, announced or not, and te: trailers is told', async () => {
  let heard = '';
  const app = await rawApp((socket) => {
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.includes('X-Up: 1\r\n\r\n'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Down: 2\r\n\r\n');
    });
  });
  for (const tee of [false, true]) {
    heard = '';
    await using proxy = await startProxy(app.port, {
      filters: tee ? [{ onResponse: (each) => each.tee({ onData() {}, onEnd() {}, onAbort() {} }) }] : [],
    });
    const answer = await exchange(
      proxy.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\nX-Up: 1\r\n\r\n',
      ({ text }) => text.includes('X-Down'),
    );
    assert.match(answer, /\r\n\r\n3\r\nabc\r\n0\r\nX-Down: 2\r\n\r\n$/);
    assert.match(heard, /\r\nTE: trailers\r\nConnection: TE\r\n\r\n/);
  }
  app.close();
});

test.run();
