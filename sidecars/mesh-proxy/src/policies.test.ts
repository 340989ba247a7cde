/** What policies do, shown by what reaches the applications. */
import { createServer as createTcp } from 'node:net';
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { refused, serve, type TestServer } from '#kit/testing/server.ts';
import { freePort } from '#kit/testing/ports.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import type { Configuration } from '#mesh/model/configuration.ts';
import type { RateLimit } from '#mesh/model/policy.ts';
import type { Route } from '#mesh/model/route.ts';
import { configurationOf, SHOP, startPod, towards, type TestPod, type TowardsOptions } from './testing/mesh.ts';

/** An application that counts, and answers as it is told. */
interface CountedApp extends TestServer {
  readonly seen: { method: string; url: string; headers: Record<string, unknown>; body: string }[];
}

async function counted(
  answer: (response: ServerResponse, count: number) => void = (response) => void response.end('ok'),
): Promise<CountedApp> {
  const seen: CountedApp['seen'] = [];
  const server = await serve((incoming, response) => {
    let body = '';
    incoming.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      seen.push({ method: incoming.method!, url: incoming.url!, headers: incoming.headers, body });
      answer(response, seen.length);
    });
  });
  return Object.assign(server, { seen });
}

const status =
  (code: number) =>
  (response: ServerResponse): void =>
    void response.writeHead(code).end(String(code));

/** A pod whose application calls the service `shop`, in the clear. */
async function caller(ports: readonly number[], options: Omit<TowardsOptions, 'meshed'> = {}): Promise<TestPod> {
  const pod = await startPod('front', { configuration: towards(ports, { ...options, meshed: false }) });
  pod.meant.outbound = SHOP;
  return pod;
}

const get = (pod: TestPod, path = '/', headers = ''): Promise<string> =>
  exchange(pod.plane.outboundPort, `GET ${path} HTTP/1.1\r\nHost: shop\r\n${headers}Connection: close\r\n\r\n`);
const flagsOf = (pod: TestPod): string => pod.outbound.ends.at(-1)!.cause.flags.join(',');
const causeOf = (pod: TestPod): string => pod.outbound.ends.at(-1)!.cause.sentence ?? '';

test('a retry goes to another endpoint, and the application behind counts it', async () => {
  await using bad = await counted(status(503));
  await using good = await counted();
  const route: Partial<Route> = { retry: { on: ['5xx'], attempts: 2 } };
  await using pod = await caller([bad.port, good.port], { route, cluster: { policy: 'ROUND_ROBIN' } });
  for (let request = 0; request < 10; request++) assert.match(await get(pod), /^HTTP\/1\.1 200 /);
  assert.is(good.seen.length, 10);
  assert.ok(bad.seen.length > 0 && bad.seen.length <= 10);
});

test('a body is sent again with a retry, up to 64 KiB', async () => {
  await using app = await counted((response, count) => status(count === 1 ? 503 : 200)(response));
  await using pod = await caller([app.port], { route: { retry: { on: ['5xx'] } } });
  const post = (body: string): Promise<string> =>
    exchange(
      pod.plane.outboundPort,
      `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  assert.match(await post('x'.repeat(10_000)), /^HTTP\/1\.1 200 /);
  assert.equal(
    app.seen.map(({ body }) => body.length),
    [10_000, 10_000],
  );
  app.seen.length = 0;
  assert.match(await post('x'.repeat(100_000)), /^HTTP\/1\.1 503 /);
  assert.is(app.seen.length, 1);
});

test('when retries are used up, the flag and the sentence say so', async () => {
  await using app = await counted(status(503));
  await using pod = await caller([app.port], { route: { retry: { on: ['gateway-error'], attempts: 2 } } });
  assert.match(await get(pod), /^HTTP\/1\.1 503 /);
  assert.is(app.seen.length, 3);
  assert.match(flagsOf(pod), /URX/);
});

test('the retry budget bounds what is added to a service that fails', async () => {
  await using app = await counted(status(503));
  const cluster = { retryBudget: { percent: 0, minimum: 0 } };
  await using pod = await caller([app.port], { route: { retry: { on: ['5xx'], attempts: 5 } }, cluster });
  for (let request = 0; request < 5; request++) await get(pod);
  assert.is(app.seen.length, 5);
  assert.match(flagsOf(pod), /UO/);
});

test('an endpoint that refuses connections is not fatal where another is', async () => {
  await using good = await counted();
  const nobody = await freePort();
  assert.ok(await refused(nobody));
  await using pod = await caller([nobody, good.port], {
    route: { retry: { on: ['connect-failure'], attempts: 1 } },
    cluster: { policy: 'ROUND_ROBIN' },
  });
  for (let request = 0; request < 6; request++) assert.match(await get(pod), /^HTTP\/1\.1 200 /);
  assert.is(good.seen.length, 6);
});

test('without an endpoint, and without a listener at one, the client reads why', async () => {
  await using empty = await caller([]);
  const none = await get(empty);
  assert.match(none, /^HTTP\/1\.1 503 /);
  assert.match(none, /shop has no healthy endpoint/);
  assert.is(flagsOf(empty), 'UH');
  const nobody = await freePort();
  await using pod = await caller([nobody]);
  const answer = await get(pod);
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, new RegExp(`Connecting to 127.0.0.1:${nobody} of shop failed: nobody listens there`));
  assert.is(flagsOf(pod), 'UF');
});

test('a timeout ends a request that takes too long', async () => {
  await using app = await counted(() => {});
  await using pod = await caller([app.port], { route: { timeout: 100 } });
  const answer = await get(pod);
  assert.match(answer, /^HTTP\/1\.1 504 /);
  assert.match(answer, /did not answer in time \(100 ms\)/);
  assert.is(flagsOf(pod), 'UT');
});

test('a client that takes its time to send a request does not use up the time of its tries', async () => {
  await using app = await counted((response, count) => status(count === 1 ? 503 : 200)(response));
  await using pod = await caller([app.port], { route: { timeout: 4000, retry: { on: ['5xx'] } } });
  const talk = await connected(pod.plane.outboundPort);
  talk.send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbo');
  const startedAt = performance.now();
  await eventually('its time would be over', () => performance.now() - startedAt > 4300);
  talk.send('dy');
  assert.match(await talk.until(({ closed }) => closed), /^HTTP\/1\.1 200 /);
  assert.is(app.seen.length, 2);
});

test('a try that takes too long is made again elsewhere', async () => {
  await using slow = await counted(() => {});
  await using quick = await counted();
  await using pod = await caller([slow.port, quick.port], {
    route: { retry: { on: ['5xx'], attempts: 1, perTryTimeout: 1500 } },
    cluster: { policy: 'ROUND_ROBIN' },
  });
  for (let request = 0; request < 4; request++) assert.match(await get(pod), /^HTTP\/1\.1 200 /);
  assert.is(quick.seen.length, 4);
  assert.ok(slow.seen.length >= 1);
});

test('an endpoint that fails five times in a row is left out', async () => {
  await using bad = await counted(status(500));
  await using good = await counted();
  await using pod = await caller([bad.port, good.port], {
    cluster: { policy: 'ROUND_ROBIN', outlier: { consecutive5xx: 5, maxEjectionPercent: 50 } },
  });
  for (let request = 0; request < 40; request++) await get(pod);
  assert.is(bad.seen.length, 5);
  assert.is(good.seen.length, 35);
});

test('a circuit breaker limits the requests under way, and those that wait', async () => {
  const waiting: ServerResponse[] = [];
  await using app = await counted((response) => void waiting.push(response));
  await using pod = await caller([app.port], { cluster: { limits: { maxConnections: 1, maxPendingRequests: 1 } } });
  const first = get(pod);
  await eventually('the first is at the application', () => waiting.length === 1);
  const second = get(pod);
  await eventually('the second waits', () => pod.plane.runtime.clusters.get('shop')?.limits.pending === 1);
  const third = await get(pod);
  assert.match(third, /^HTTP\/1\.1 503 /);
  assert.match(third, /as much under way as its circuit breaker allows/);
  assert.is(flagsOf(pod), 'UO');
  assert.is(app.seen.length, 1);
  waiting[0]!.end('one');
  assert.match(await first, /one$/);
  await eventually('the second is at the application', () => waiting.length === 2);
  waiting[1]!.end('two');
  assert.match(await second, /two$/);
});

test('who waits for a connection and goes away leaves no place taken', async () => {
  const waiting: ServerResponse[] = [];
  await using app = await counted((response) => void waiting.push(response));
  await using pod = await caller([app.port], { cluster: { limits: { maxConnections: 1, maxPendingRequests: 5 } } });
  const { limits } = pod.plane.runtime.clusters.get('shop')!;
  const first = get(pod);
  await eventually('the first is at the application', () => waiting.length === 1);
  const gone = await connected(pod.plane.outboundPort);
  gone.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
  await eventually('it waits', () => limits.pending === 1);
  gone.socket.destroy();
  await eventually('it does not wait any more', () => limits.pending === 0);
  waiting[0]!.end('one');
  await first;
  await eventually('all places are free', () => limits.requests === 0 && limits.connections === 0);
});

test('a rate limit answers 429 and asks nobody', async () => {
  await using app = await counted();
  await using pod = await caller([app.port], { route: { rateLimit: { maxTokens: 3, fillInterval: 3_600_000 } } });
  const answers = [];
  for (let request = 0; request < 5; request++) answers.push((await get(pod)).slice(9, 12));
  assert.equal(answers, ['200', '200', '200', '429', '429']);
  assert.is(app.seen.length, 3);
  assert.is(flagsOf(pod), 'RL');
});

test('a rate limit goes on when the configuration changes, and begins anew when its figures do', async () => {
  await using app = await counted();
  const limit = { maxTokens: 3, fillInterval: 3_600_000 };
  const base = towards([app.port], { meshed: false });
  const [listener] = base.outbound!.listeners;
  /** Two routes with the same limit, and others before them. */
  const routes = (rateLimit: RateLimit, before: readonly Route[] = []): Partial<Configuration> => {
    const clusters = [{ cluster: 'shop', weight: 1 }];
    const limited: Route[] = [
      { name: 'named', match: { path: { prefix: '/named' } }, clusters, rateLimit },
      { match: { path: { prefix: '/' } }, clusters, rateLimit },
    ];
    const host = { name: 'shop', domains: ['*'], routes: [...before, ...limited] };
    return { ...base, outbound: { ...base.outbound!, listeners: [{ ...listener!, virtualHosts: [host] }] } };
  };
  await using pod = await startPod('front', { configuration: routes(limit) });
  pod.meant.outbound = SHOP;
  const statuses = async (path: string, count: number): Promise<string> => {
    const answers = [];
    for (let request = 0; request < count; request++) answers.push((await get(pod, path)).slice(9, 12));
    return answers.join(' ');
  };
  const apply = (parts: Partial<Configuration>): void => pod.plane.apply(configurationOf({ version: '2', ...parts }));
  assert.is(await statuses('/named', 2), '200 200');
  assert.is(await statuses('/', 1), '200');
  apply(routes({ ...limit, tokensPerFill: 1 }, [{ match: { path: { exact: '/new' } }, reply: { status: 204 } }]));
  assert.is(await statuses('/named', 2), '200 429', 'with what it had left, whatever is before it now');
  assert.is(await statuses('/', 3), '200 200 429', 'each route has its own');
  assert.throws(() => apply(routes({ ...limit, maxTokens: 0 })), /above 0/);
  assert.is(await statuses('/named', 1), '429', 'a configuration that is refused changes nothing');
  apply(routes({ ...limit, maxTokens: 1 }));
  assert.is(await statuses('/named', 2), '200 429');
});

test('the rate limit of a port of the application goes on as well', async () => {
  await using app = await counted();
  const inbound = (...others: number[]): Configuration =>
    configurationOf({
      inbound: {
        mtls: 'PERMISSIVE',
        ports: [
          ...others.map((port) => ({ port })),
          { port: app.port, rateLimit: { maxTokens: 2, fillInterval: 3_600_000 } },
        ],
      },
    });
  await using pod = await startPod('shop', { configuration: inbound() });
  pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const ask = async (): Promise<string> =>
    (await exchange(pod.plane.inboundPort, 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n')).slice(9, 12);
  assert.is(await ask(), '200');
  pod.plane.apply(inbound(1));
  assert.equal([await ask(), await ask()], ['200', '429']);
});

test('faults are injected: an abort, a delay, and only where the headers fit', async () => {
  await using app = await counted();
  const fault = { abort: { percent: 100, status: 418 }, headers: [{ name: 'x-fault', value: { exact: 'yes' } }] };
  await using pod = await caller([app.port], { route: { fault } });
  assert.match(await get(pod), /^HTTP\/1\.1 200 /);
  assert.match(await get(pod, '/', 'X-Fault: yes\r\n'), /^HTTP\/1\.1 418 /);
  assert.is(app.seen.length, 1);
  assert.is(flagsOf(pod), 'FI');
  await using late = await caller([app.port], { route: { fault: { delay: { percent: 100, duration: 300 } } } });
  const before = performance.now();
  assert.match(await get(late), /^HTTP\/1\.1 200 /);
  assert.ok(performance.now() - before >= 290);
  assert.is(flagsOf(late), 'DI');
});

test('a split sends as many as its weights say, and a header goes before it', async () => {
  await using one = await counted();
  await using two = await counted();
  const base = towards([one.port], { meshed: false });
  const [listener] = base.outbound!.listeners;
  const second = {
    ...base.clusters![0]!,
    name: 'two',
    endpoints: [{ address: '127.0.0.1', port: two.port, meshed: false }],
  };
  const routes: Route[] = [
    { match: { headers: [{ name: 'x-version', value: { exact: '2' } }] }, clusters: [{ cluster: 'two', weight: 1 }] },
    {
      match: {},
      clusters: [
        { cluster: 'shop', weight: 80 },
        { cluster: 'two', weight: 20 },
      ],
    },
  ];
  await using pod = await startPod('front', {
    configuration: {
      clusters: [...base.clusters!, second],
      outbound: {
        unknown: 'REGISTRY_ONLY',
        listeners: [{ ...listener!, virtualHosts: [{ name: 'shop', domains: ['shop'], routes }] }],
      },
    },
  });
  pod.meant.outbound = SHOP;
  const talk = await connected(pod.plane.outboundPort);
  for (let request = 1; request <= 500; request++) {
    talk.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    await talk.until(({ text }) => text.split('HTTP/1.1 200').length > request);
  }
  talk.socket.destroy();
  assert.is(one.seen.length + two.seen.length, 500);
  // Six standard deviations of 500 draws at 20 %.
  assert.ok(Math.abs(two.seen.length - 100) < 54, String(two.seen.length));
  const before = two.seen.length;
  for (let request = 0; request < 5; request++) await get(pod, '/', 'X-Version: 2\r\n');
  assert.is(two.seen.length, before + 5);
  const unknown = await exchange(pod.plane.outboundPort, 'GET / HTTP/1.1\r\nHost: else\r\nConnection: close\r\n\r\n');
  assert.match(unknown, /^HTTP\/1\.1 502 /);
  assert.match(unknown, /else on port 8080 is not known to the mesh/);
  assert.is(flagsOf(pod), 'NR');
  assert.match(causeOf(pod), /REGISTRY_ONLY/);
});

test('a connection that is kept open follows the routes that come later', async () => {
  await using one = await counted();
  await using two = await counted((response, count) => status(count === 1 ? 503 : 200)(response));
  await using pod = await caller([one.port]);
  const talk = await connected(pod.plane.outboundPort);
  const ask = async (answers: number): Promise<void> => {
    talk.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    await talk.until(({ text }) => text.split('HTTP/1.1 200').length > answers);
  };
  await ask(1);
  const retry: Partial<Route> = { retry: { on: ['5xx'], attempts: 1 } };
  pod.plane.apply(configurationOf({ version: '2', ...towards([two.port], { meshed: false, route: retry }) }));
  await ask(2);
  talk.socket.destroy();
  assert.is(one.seen.length, 1, 'the former endpoint gets nothing more');
  assert.is(two.seen.length, 2, 'the new endpoint was tried again by the new route');
});

test('a mirror gets a copy, and its answers are nobody’s', async () => {
  await using app = await counted();
  await using shadow = await counted(status(500));
  const base = towards([app.port], { meshed: false, route: { mirror: [{ cluster: 'shadow', percent: 100 }] } });
  await using pod = await startPod('front', {
    configuration: {
      ...base,
      clusters: [
        ...base.clusters!,
        { name: 'shadow', endpoints: [{ address: '127.0.0.1', port: shadow.port, meshed: false }] },
      ],
    },
  });
  pod.meant.outbound = SHOP;
  assert.match(await get(pod, '/a'), /^HTTP\/1\.1 200 /);
  const posted = await exchange(
    pod.plane.outboundPort,
    'POST /b HTTP/1.1\r\nHost: shop:8080\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  );
  assert.match(posted, /^HTTP\/1\.1 200 /);
  await eventually('both copies are there', () => shadow.seen.length === 2);
  assert.equal(
    shadow.seen.map(({ method, url, body, headers }) => [method, url, body, headers['host']]),
    [
      ['GET', '/a', '', 'shop-shadow'],
      ['POST', '/b', 'hello', 'shop-shadow:8080'],
    ],
  );
});

test('method, target and authority are matched by the names that xDS has for them', async () => {
  await using app = await counted();
  const only = (name: string, exact: string, code: number, invert = false): Route => ({
    match: { headers: [{ name, value: { exact }, ...(invert && { invert }) }] },
    reply: { status: code },
  });
  const routes = [
    only(':method', 'POST', 201),
    only(':path', '/a?b=c', 202),
    only(':authority', 'other', 203),
    only('Host', 'third', 204),
    only(':method', 'GET', 205, true),
    { match: {}, reply: { status: 206 } },
  ];
  const { outbound, clusters } = towards([app.port], { meshed: false });
  const [listener] = outbound!.listeners;
  const listeners = [{ ...listener!, virtualHosts: [{ name: 'shop', domains: ['*'], routes }] }];
  await using pod = await startPod('front', {
    configuration: { clusters: clusters!, outbound: { unknown: 'ALLOW_ANY', listeners } },
  });
  pod.meant.outbound = SHOP;
  for (const [line, host, code] of [
    ['POST /', 'shop', 201],
    ['GET /a?b=c', 'shop', 202],
    ['GET /', 'other', 203],
    ['GET /', 'third', 204],
    ['PUT /', 'shop', 205],
    ['GET /', 'shop', 206],
  ] as const) {
    const text = `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    assert.match(await exchange(pod.plane.outboundPort, text), `HTTP/1.1 ${code} `, line);
  }
});

test('a ring hash goes by the target and the authority, too', async () => {
  await using one = await counted();
  await using two = await counted();
  const route: Partial<Route> = { hash: [{ header: ':path' }] };
  await using pod = await caller([one.port, two.port], { route, cluster: { policy: 'RING_HASH' } });
  for (let round = 0; round < 3; round++)
    for (let path = 0; path < 8; path++) assert.match(await get(pod, `/${path}`), /^HTTP\/1\.1 200 /);
  for (const { seen } of [one, two]) {
    const urls = seen.map(({ url }) => url);
    for (const url of new Set(urls)) assert.is(urls.filter((each) => each === url).length, 3, url);
  }
});

test('headers and the path are rewritten', async () => {
  await using app = await counted((response) => {
    response.setHeader('X-Secret', '1');
    response.end('ok');
  });
  await using pod = await caller([app.port], {
    route: {
      match: { path: { prefix: '/old' } },
      rewrite: { prefix: '/new', authority: 'other:1' },
      requestHeaders: { set: { 'X-Set': 'a' }, add: { 'X-Added': 'b' }, remove: ['X-Removed'] },
      responseHeaders: { remove: ['X-Secret'], set: { 'X-Answer': 'c' } },
    },
  });
  const answer = await get(pod, '/old/x?y=/old', 'X-Removed: 1\r\nX-Set: z\r\n');
  assert.match(answer, /X-Answer: c/i);
  assert.not.match(answer, /X-Secret/i);
  const [seen] = app.seen;
  assert.is(seen?.url, '/new/x?y=/old');
  assert.is(seen?.headers['host'], 'other:1');
  assert.is(seen?.headers['x-set'], 'a');
  assert.is(seen?.headers['x-added'], 'b');
  assert.is(seen?.headers['x-removed'], undefined);
  assert.match(await get(pod, '/else'), /^HTTP\/1\.1 404 /);
});

test('a ring hash keeps a header’s value at one endpoint', async () => {
  const apps = await Promise.all([counted(), counted(), counted()]);
  await using pod = await caller(
    apps.map(({ port }) => port),
    { cluster: { policy: 'RING_HASH' }, route: { hash: [{ header: 'x-user' }] } },
  );
  for (let user = 0; user < 30; user++)
    for (let request = 0; request < 2; request++) await get(pod, `/${user}`, `X-User: user-${user}\r\n`);
  for (const { seen } of apps) {
    assert.ok(seen.length > 0);
    for (const { url } of seen) assert.is(seen.filter((each) => each.url === url).length, 2);
  }
  for (const app of apps) await app.close();
});

test('a connection that is not HTTP is not passed on where only what is known may be', async () => {
  await using app = await serve(createTcp((socket) => socket.end('hello')));
  const { outbound } = towards([], { meshed: false });
  await using pod = await startPod('front', {
    configuration: { outbound: { ...outbound!, unknown: 'REGISTRY_ONLY', listeners: [] } },
  });
  pod.meant.outbound = { address: '127.0.0.1', port: app.port };
  const talk = await connected(pod.plane.outboundPort);
  await talk.until(({ closed }) => closed);
  talk.socket.destroy();
  assert.is(talk.text, '');
  assert.is(app.connections(), 0);
  assert.equal(pod.outbound.relays[0]?.flags, ['NR']);
});

test.run();
