/** What is told of requests adds up with what was asked, and joins the traces of the applications. */
import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParameters } from '#kit/contract/parameters.ts';
import { tracingParameters, tracingSettings } from '#kit/tracing/parameters.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { LogLines } from '#kit/testing/log-lines.ts';
import { ECS_VERSION, ecsFields } from '#kit/telemetry/ecs.ts';
import { serve } from '#kit/testing/server.ts';
import { connected, exchange, RawClient } from '#proxy/testing/raw-client.ts';
import { serveTap } from '../admin/tap.ts';
import { contract } from '../contract.ts';
import type { Configuration, Telemetry as TelemetryModel } from '#mesh/model/configuration.ts';
import { MeshTls } from '../security/contexts.ts';
import { versionAlpn } from '../security/peer-version.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { credentialsOf, idOf, TestIdentity } from '../testing/identities.ts';
import { configurationOf, SHOP, startPod, towards, type TestPod } from '../testing/mesh.ts';
import type { AccessEntry } from './access-log.ts';
import { RequestMetrics } from './request-metrics.ts';
import { MAX_SERIES } from './series.ts';
import { Telemetry } from './telemetry.ts';

interface Told {
  readonly telemetry: Telemetry;
  readonly lines: (Omit<AccessEntry, 'time'> & { readonly began: string })[];
  readonly metrics: () => Promise<string>;
  readonly pod: TestPod;
}

/** A pod with telemetry as the program has it. */
async function tellingPod(
  service: string,
  configuration: Partial<Configuration>,
  model: TelemetryModel = {},
  tracing = NO_TRACING,
): Promise<Told & AsyncDisposable> {
  const registry = new Registry();
  const metrics = createMetrics(contract.metrics, registry);
  const lines: Told['lines'] = [];
  const [json, ecs] = [new LogLines(contract.logs, 'json'), new LogLines(contract.logs, 'ecs')];
  const info = (entry: Told['lines'][0], msg: string): void => {
    const at = new Date().toISOString();
    json.check({ level: 'info', time: at, sidecar: service, ...entry, msg });
    const named = { 'ecs.version': ECS_VERSION, 'log.level': 'info', '@timestamp': at, 'service.name': service };
    ecs.check({ ...named, ...ecsFields({ ...entry }), message: msg });
    lines.push(entry);
  };
  const log = { info, warn: () => {} } as unknown as Logger;
  const principal = idOf(service);
  const self = () => ({ name: service, namespace: 'shop', version: '1', principal });
  const telemetry = new Telemetry({
    log,
    metrics,
    self,
    accessLog: true,
    tracing,
    scope: { name: 'mesh-proxy', version: '0.0.0' },
  });
  telemetry.update(configurationOf({ telemetry: model }));
  const pod = await startPod(service, {
    configuration,
    plane: {
      version: '1',
      outbound: { host: '127.0.0.1', port: 0, telemetry: telemetry.outbound },
      inbound: { host: '127.0.0.1', port: 0, telemetry: telemetry.inbound },
    },
  });
  return {
    telemetry,
    lines,
    metrics: async () => {
      telemetry.publish();
      return registry.metrics();
    },
    pod,
    async [Symbol.asyncDispose]() {
      await telemetry.close();
      await pod[Symbol.asyncDispose]();
    },
  };
}

const NO_TRACING = tracingSettings(
  readParameters(tracingParameters, { env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } }).values,
);

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';

test('both sides count each request once, under Istio’s names, and write it down', async () => {
  await using app = await serve((incoming, response) => {
    incoming.resume();
    response.statusCode = incoming.url === '/bad' ? 500 : 200;
    response.end('hello');
  });
  await using server = await tellingPod('shop', { inbound: { mtls: 'STRICT' } });
  server.pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const workload = { name: 'shop', namespace: 'shop', version: '2' };
  const service = { name: 'shop', namespace: 'shop', host: 'shop' };
  const endpoints = [{ address: '127.0.0.1', port: server.pod.plane.inboundPort, meshed: true, workload }];
  await using client = await tellingPod('front', towards([], { cluster: { endpoints, service } }));
  client.pod.meant.outbound = SHOP;
  for (let request = 0; request < 5; request++) await exchange(client.pod.plane.outboundPort, GET);
  await exchange(client.pod.plane.outboundPort, GET.replace('/a?b=c', '/bad'));
  await eventually('both have written down six', () => client.lines.length === 6 && server.lines.length === 6);
  for (const [told, reporter, source, destination] of [
    [client, 'source', '1', '2'],
    [server, 'destination', '1', '1'],
  ] as const) {
    const text = await told.metrics();
    const lineOf = (code: number): string =>
      text
        .split('\n')
        .find((line) => line.startsWith('istio_requests_total') && line.includes(`response_code="${code}"`)) ?? '';
    assert.match(lineOf(200), /} 5$/);
    assert.match(lineOf(500), /} 1$/);
    for (const label of [
      `reporter="${reporter}"`,
      'source_workload="front"',
      `source_version="${source}"`,
      `source_principal="${idOf('front')}"`,
      'destination_workload="shop"',
      `destination_version="${destination}"`,
      `destination_principal="${idOf('shop')}"`,
      'destination_service_name="shop"',
      'request_protocol="http"',
      'connection_security_policy="mutual_tls"',
      'response_flags="-"',
    ])
      assert.ok(lineOf(200).includes(label), `${label} in ${lineOf(200)}`);
    assert.match(
      text,
      /^istio_request_duration_milliseconds_bucket\{(?=[^}]*le="\+Inf")(?=[^}]*response_code="200")[^}]*} 5$/m,
    );
    assert.match(text, /^istio_request_duration_milliseconds_count\{[^}]*response_code="200"[^}]*} 5$/m);
    const direction = told === client ? 'outbound' : 'inbound';
    for (const [code, count] of [
      ['2xx', 5],
      ['5xx', 1],
    ] as const)
      assert.ok(
        text.includes(
          `mesh_request_duration_seconds_count{direction="${direction}",method="GET",code="${code}"} ${count}\n`,
        ),
        `${direction} ${code}`,
      );
    assert.match(text, /^istio_response_bytes_sum\{[^}]*response_code="200"[^}]*} 25$/m);
  }
  const [line] = client.lines;
  assert.is(line?.path, '/a?b=c');
  assert.is(line?.status, 200);
  assert.is(line?.mtls, true);
  assert.is(line?.cause, undefined);
  assert.match(client.lines.at(-1)?.cause ?? '', /itself answered 500/);
  assert.is(client.telemetry.last.list().length, 6);
});

test('releases of one caller are counted apart, whichever of them called first', async () => {
  await using app = await serve((incoming, response) => {
    incoming.resume();
    response.end('hello');
  });
  await using server = await tellingPod('shop', { inbound: { mtls: 'STRICT' } });
  server.pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const { key, chain, trustBundle } = await credentialsOf('front');
  for (const version of [undefined, '7', '8', '7']) {
    const socket = connectTls({
      port: server.pod.plane.inboundPort,
      host: '127.0.0.1',
      key,
      cert: chain,
      ca: trustBundle,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['mesh-http/1.1', ...versionAlpn(version)],
    });
    const talk = new RawClient(socket);
    talk.send(GET);
    await talk.until(({ text }) => text.includes('hello'), 30_000);
    socket.destroy();
  }
  await eventually('all are written down', () => server.lines.length === 4);
  const counted = [
    ...(await server.metrics()).matchAll(/^istio_requests_total\{.*source_version="([^"]*)".*} (\d+)$/gm),
  ];
  assert.equal(
    counted.map(([, version, count]) => `${version}: ${count}`),
    ['unknown: 1', '7: 2', '8: 1'],
  );
});

test('a gRPC answer of headers alone has its status; a new release is reported at once', async () => {
  await using app = await serve(
    createHttp2((incoming, response) => {
      incoming.resume();
      // Trailers-Only: the head ends the stream, and has the status.
      incoming.on('end', () => response.stream.respond({ 'grpc-status': '14' }, { endStream: true }));
    }),
  );
  await using server = await tellingPod('shop', {});
  server.pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const endpoint = { address: '127.0.0.1', port: server.pod.plane.inboundPort, meshed: true };
  const of = (version: string): Partial<Configuration> =>
    towards([], { cluster: { endpoints: [{ ...endpoint, workload: { name: 'shop', namespace: 'shop', version } }] } });
  await using client = await tellingPod('front', of('2'));
  client.pod.meant.outbound = SHOP;
  const tapped: AccessEntry[] = [];
  for (const { telemetry } of [client, server]) telemetry.watchers.add((entry) => tapped.push(entry));
  const session = connectHttp2(`http://127.0.0.1:${client.pod.plane.outboundPort}`);
  const call = async (): Promise<void> => {
    const fields = { ':path': '/echo/Say', ':method': 'POST', te: 'trailers', 'content-type': 'application/grpc' };
    const stream = session.request(fields);
    stream.resume().end('hello');
    await once(stream, 'end');
  };
  try {
    await call();
    await eventually('both have told', () => tapped.length === 2);
    for (const { protocol, grpcStatus, status } of tapped)
      assert.equal([protocol, grpcStatus, status], ['gRPC', '14', 200]);
    client.pod.plane.apply(configurationOf({ ...of('3'), version: 'newer' }));
    await call();
    await eventually('both have told again', () => tapped.length === 4);
  } finally {
    session.close();
  }
  const text = await client.metrics();
  for (const version of ['2', '3'])
    assert.match(
      text,
      new RegExp(
        `^istio_requests_total\\{(?=[^}]*grpc_response_status="14")[^}]*destination_version="${version}"[^}]*} 1$`,
        'm',
      ),
    );
});

test('spans of both proxies are one trace with the application’s, and reach the collector', async () => {
  interface SpanTold {
    traceId: string;
    spanId: string;
    parentSpanId?: string;
    kind: number;
    name: string;
    startTimeUnixNano: string;
  }
  const spans: SpanTold[] = [];
  await using collector = await serve((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      const parsed = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: typeof spans }[] }[] };
      spans.push(...parsed.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)));
      response.end('{}');
    });
  });
  const seen: (string | undefined)[] = [];
  await using app = await serve((incoming, response) => {
    seen.push(incoming.headers['traceparent'] as string | undefined);
    response.end();
  });
  const tracing = { tracing: { endpoint: `${collector.url}/v1/traces`, percent: 100 } };
  await using server = await tellingPod('shop', {}, tracing);
  server.pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  const route = { match: { path: { exact: '/a' } } };
  await using client = await tellingPod('front', towards([server.pod.plane.inboundPort], { route }), tracing);
  client.pod.meant.outbound = SHOP;
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await exchange(client.pod.plane.outboundPort, GET.replace('Connection', `traceparent: ${parent}\r\nConnection`));
  await eventually('both spans are there', () => spans.length === 2);
  const [out, inn] = [spans.find(({ kind }) => kind === 3)!, spans.find(({ kind }) => kind === 2)!];
  assert.is(out.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.is(inn.traceId, out.traceId);
  assert.is(out.parentSpanId, 'b7ad6b7169203331');
  assert.is(inn.parentSpanId, out.spanId);
  assert.is(seen[0], `00-${out.traceId}-${inn.spanId}-01`);
  assert.is(client.lines[0]?.traceId, out.traceId);
  // Whole milliseconds would show a call within the mesh as over before it began.
  assert.not.ok(inn.startTimeUnixNano.endsWith('000000'), inn.startTimeUnixNano);
  assert.equal([out.name, inn.name], ['GET /a', 'GET'], 'the route is the caller’s');
});

test('a connection that is no HTTP is a span, whose trace begins at the proxy', async () => {
  await using collector = await startCollector();
  await using app = await serve(createTcp((socket) => void socket.pipe(socket)));
  const tracing = { tracing: { endpoint: `${collector.url}/v1/traces`, percent: 100 } };
  await using pod = await tellingPod('front', towards([app.port], { meshed: false, protocol: 'tcp' }), tracing);
  pod.pod.meant.outbound = SHOP;
  const talk = await connected(pod.pod.plane.outboundPort);
  talk.send('hello');
  await talk.until(({ text }) => text === 'hello');
  talk.socket.end();
  const span = await eventually('it has come', () => collector.spans[0], { within: 60_000 });
  assert.equal([span.name, span.kind, span.parentSpanId || undefined], ['TCP', 'client', undefined]);
  const { attributes } = span;
  assert.equal(
    ['network.transport', 'mesh.received_bytes', 'mesh.sent_bytes'].map((name) => attributes[name]),
    ['tcp', 5, 5],
  );
});

test('a policy that traces traces nothing where OTEL_SDK_DISABLED is set', async () => {
  await using collector = await startCollector();
  await using app = await serve((_incoming, response) => response.end());
  const tracing = { tracing: { endpoint: `${collector.url}/v1/traces`, percent: 100 } };
  const disabled = tracingSettings(readParameters(tracingParameters, { env: { OTEL_SDK_DISABLED: 'true' } }).values);
  await using pod = await tellingPod('front', towards([app.port], { meshed: false }), tracing, disabled);
  pod.pod.meant.outbound = SHOP;
  await exchange(pod.pod.plane.outboundPort, GET);
  await eventually('it is over', () => pod.lines.length === 1);
  // The end sends what waits.
  await pod.telemetry.close();
  assert.is(collector.requests.length, 0);
});

test('tap shows requests as they happen, to who may watch', async () => {
  const watchers = new Set<(entry: AccessEntry) => void>();
  const identity = new TestIdentity(await credentialsOf('shop'));
  const log = { info: () => {} } as unknown as Logger;
  const server = await serveTap({
    host: '127.0.0.1',
    port: 0,
    identity,
    tls: new MeshTls(identity),
    log,
    allowed: () => [idOf('watcher')],
    watchers,
  });
  const { key, chain, trustBundle } = await credentialsOf('watcher');
  const { port } = server.address() as { port: number };
  const checkServerIdentity = (): undefined => undefined;
  const socket = connectTls({ port, host: '127.0.0.1', key, cert: chain, ca: trustBundle, checkServerIdentity });
  await once(socket, 'secureConnect');
  const talk = new RawClient(socket);
  talk.send('GET /tap HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('somebody watches', () => watchers.size === 1);
  for (const watcher of watchers) watcher({ path: '/seen' } as AccessEntry);
  await talk.until(({ text }) => text.includes('{"path":"/seen"}'), 30_000);
  talk.socket.destroy();
  await eventually('nobody watches', () => watchers.size === 0);
  server.close();
});

test('bytes of an open connection count while they pass, and once', async () => {
  await using app = await serve(createTcp((socket) => void socket.pipe(socket)));
  await using pod = await tellingPod('front', towards([app.port], { meshed: false, protocol: 'tcp' }));
  pod.pod.meant.outbound = SHOP;
  const counted = async (name: string): Promise<number> => {
    const lines = (await pod.metrics()).split('\n').filter((line) => line.startsWith(`istio_tcp_${name}_total{`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const talk = await connected(pod.pod.plane.outboundPort);
  for (const round of [1, 2]) {
    talk.send('hello');
    await talk.until(({ text }) => text.length === 5 * round);
    assert.equal([await counted('sent_bytes'), await counted('received_bytes')], [5 * round, 5 * round]);
    assert.is(await counted('connections_closed'), 0);
  }
  talk.send('!');
  await talk.until(({ text }) => text.endsWith('!'));
  talk.socket.destroy();
  await eventually('it is closed', async () => (await counted('connections_closed')) === 1, { within: 60_000 });
  assert.equal([await counted('sent_bytes'), await counted('received_bytes')], [11, 11]);
});

test('the metrics of requests have a bounded size, and all requests are counted', () => {
  const registry = new Registry();
  const requests = new RequestMetrics(createMetrics(contract.metrics, registry));
  const side = (workload: string) => ({ workload, namespace: 'shop', version: '1', principal: idOf(workload) });
  const common = {
    direction: 'outbound',
    grpcStatus: undefined,
    flags: '-',
    requestBytes: 1,
    responseBytes: 1,
  } as const;
  const service = { service: 's', serviceName: 's', serviceNamespace: 'shop', mtls: true };
  for (let caller = 0; caller < 20 * MAX_SERIES; caller++) {
    const peers = { source: side('front'), destination: side(`service-${caller}`), ...service };
    requests.onRequest({ ...common, peers, status: 200 }, 'http', 1);
  }
  const text = registry.metrics();
  assert.ok(text.length < 5_000_000, `${text.length} characters`);
  const counts = text.split('\n').filter((line) => line.startsWith('istio_requests_total{'));
  assert.is(counts.length, MAX_SERIES + 1);
  assert.is(
    counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0),
    20 * MAX_SERIES,
  );
});

test.run();
