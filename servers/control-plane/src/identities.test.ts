/** Identities over time and against each other: renewed in use, and never another's. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { request as httpsRequest } from 'node:https';
import { checkServerIdentity, connect } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { echo } from '#proxy/testing/apps.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import { makeRequest } from '#mesh/identity/csr.ts';
import { EnrolledIdentity } from '#mesh/identity/enrolled.ts';
import { Enrolment, EnrolmentError } from '#mesh/identity/enrolment.ts';
import { SHOP, startPod, towards } from '../../../sidecars/mesh-proxy/src/testing/mesh.ts';
import { GrpcStream } from '#mesh/xds/grpc.ts';
import { encodeRequest } from '#mesh/xds/requests.ts';
import { CDS } from '#mesh/xds/store.ts';
import { createLog } from '#kit/telemetry/log.ts';
import { openAuthorityFiles } from './authority/store.ts';
import { Tokens } from './registry/tokens.ts';
import { JOIN_TOKEN, startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const LONG = { within: 120_000 };
const POLICY = JSON.stringify({
  services: {
    front: { ports: [{ port: 8080, protocol: 'http' }] },
    shop: { ports: [{ port: 8000, protocol: 'http' }] },
  },
});
const enrolmentOf = ({ ports, roots }: Pick<TestPlane, 'ports' | 'roots'>): Enrolment =>
  new Enrolment({
    host: 'localhost',
    port: ports.enrolment,
    token: JOIN_TOKEN,
    service: 'front',
    roots: async () => await Promise.resolve(roots),
  });
const log = createLog('identities', 'fatal');

/** Serial number of the certificate that a port shows now. */
async function shown({ roots }: TestPlane, port: number, protocol: string): Promise<string> {
  const socket = connect({ host: 'localhost', port, ca: roots, ALPNProtocols: [protocol] });
  await once(socket, 'secureConnect');
  // Who shows no certificate of its own is sent away after the handshake.
  socket.on('error', () => {});
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).serialNumber;
}

test('the control plane renews its own certificate on both ports, and its streams go on', async () => {
  const plane = await startPlane(POLICY, { leafLifetime: 6000 });
  const front = startProxy(plane, 'front');
  await eventually('configured', () => front.last, LONG);
  const { since } = plane.discovery.clients[0]!;
  const enrolment = async (): Promise<string> => await shown(plane, plane.ports.enrolment, 'http/1.1');
  const before = await enrolment();
  await eventually('enrolment shows another', async () => (await enrolment()) !== before, LONG);
  await eventually(
    'both ports show the same',
    async () => (await shown(plane, plane.ports.mtls, 'h2')) === (await enrolment()),
    LONG,
  );
  assert.equal(
    plane.discovery.clients.map((client) => client.since),
    [since],
  );
  await front.close();
  await plane.close();
});

test('an authority that was lost is followed by another, whose root proxies find by their token', async () => {
  const lost = await startPlane(POLICY);
  const { directory, ports, roots } = lost;
  const front = startProxy(lost, 'front');
  await eventually('configured', () => front.last, LONG);
  await lost.close();
  rmSync(join(directory, 'data'), { recursive: true });
  const next = await startPlane(POLICY.replace('8000', '8001'), { directory, ports });
  assert.is.not(next.roots, roots);
  await eventually('it is configured by the next one', () => JSON.stringify(front.last).includes('8001'), LONG);
  assert.is(front.identity.current?.trustBundle, next.roots);
  await eventually('and registered there', () => next.registry.replicas.length === 1, LONG);
  await front.close();
  await next.close();
});

test('roots of a server without the join token are not trusted, and it never sees the token', async () => {
  const mesh = await startPlane(POLICY);
  const stranger = await startPlane(POLICY, { tokens: Tokens.parse('all * a-join-token-of-somebody-else') });
  const enrolment = enrolmentOf({ ports: stranger.ports, roots: mesh.roots });
  const { request } = await makeRequest();
  const answer = await enrolment.certificate('front', request).then(String, String);
  assert.match(answer, /who answers does not show that it knows the join token/);
  assert.equal(
    stranger.seen.filter((each) => each.startsWith('refusal')),
    [],
  );
  await mesh.close();
  await stranger.close();
});

test('while one root follows another, certificates of both are accepted, and proxies have both', async () => {
  const before = await startPlane(POLICY);
  const { directory } = before;
  const { key, request } = await makeRequest();
  const former = await enrolmentOf(before).certificate('front', request);
  await before.close();
  // As the README has it: the next root is made elsewhere, the former one stays among those that are trusted.
  const authority = join(directory, 'data', 'authority');
  const made = join(directory, 'next');
  await openAuthorityFiles(made, 'mesh.test');
  renameSync(join(authority, 'root.crt'), join(authority, 'further-roots.crt'));
  for (const name of ['root.crt', 'root.key', 'intermediate.crt', 'intermediate.key'])
    renameSync(join(made, name), join(authority, name));
  const plane = await startPlane(POLICY, { directory });
  assert.is(plane.roots.split('BEGIN CERTIFICATE').length, 3, 'two roots');
  const stream = new GrpcStream({
    host: 'localhost',
    port: plane.ports.mtls,
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    tls: { ca: plane.roots, cert: former.chain, key },
    verify: () => undefined,
    onMessage: () => answered.resolve('configured'),
    onEnd: (reason) => answered.resolve(reason),
  });
  const answered = Promise.withResolvers<string>();
  const node = { id: 'front~one', service: 'front' };
  stream.send(encodeRequest({ type: CDS, version: '', nonce: '', names: [], node }));
  assert.is(await answered.promise, 'configured');
  stream.close();
  const front = startProxy(plane, 'front');
  await eventually('a proxy has both', () => front.identity.current?.trustBundle === plane.roots, LONG);
  await front.close();
  await plane.close();
});

test('a service that asks for certificates without end is told to wait, and another is not', async () => {
  const plane = await startPlane(POLICY, { limits: { service: 1, peer: 1000, all: 1000 } });
  const enrolment = enrolmentOf(plane);
  const { request } = await makeRequest();
  const ask = async (service: string): Promise<string> =>
    await enrolment.certificate(service, request).then(
      () => 'issued',
      (error: Error) => error.message,
    );
  const answers: string[] = [];
  for (let number = 0; number < 200 && !answers.some((answer) => answer !== 'issued'); number++)
    answers.push(await ask('front'));
  assert.ok(answers.length > 60, `${answers.length}`);
  assert.match(answers.at(-1)!, /the service front gets 60\/min certificates: wait/);
  assert.is(await ask('shop'), 'issued');
  assert.ok(plane.seen.includes('refusal: certificate-rate'));
  await plane.close();
});

test('a proxy renews, each time with another key, while requests go on', async () => {
  const plane = await startPlane(POLICY);
  const enrolment = enrolmentOf(plane);
  // Told to end soon, so that it is renewed often; it lasts, so that no machine is too slow.
  const certificate: Enrolment['certificate'] = async (...of) => ({
    ...(await enrolment.certificate(...of)),
    notAfter: Date.now() + 2000,
  });
  const open = (service: string): EnrolledIdentity =>
    new EnrolledIdentity({ enrolment: { certificate }, service, log, random: () => 0 });
  const [caller, called] = [open('front'), open('shop')];
  const keys = new Set<string>();
  caller.onChange(({ key }) => {
    keys.add(key);
  });
  await eventually('both have an identity', () => caller.current && called.current, LONG);
  await using app = await serve(echo);
  await using server = await startPod('shop', {
    plane: { identity: called },
    configuration: { inbound: { mtls: 'STRICT' } },
  });
  server.meant.inbound = { address: '127.0.0.1', port: app.port };
  await using client = await startPod('front', {
    plane: { identity: caller },
    configuration: towards([server.plane.inboundPort]),
  });
  client.meant.outbound = SHOP;
  const request = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n';
  const kept = await connected(client.plane.outboundPort);
  const answers: string[] = [];
  let asked = 0;
  await eventually(
    'three renewals',
    async () => {
      kept.send(request);
      asked++;
      await kept.until(({ text }) => text.split('HTTP/1.1 200').length === asked + 1);
      answers.push(
        (await exchange(client.plane.outboundPort, request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).slice(
          0,
          12,
        ),
      );
      return keys.size >= 4;
    },
    LONG,
  );
  kept.socket.destroy();
  assert.equal([...new Set(answers)], ['HTTP/1.1 200']);
  assert.equal([...client.errors, ...server.errors], []);
  for (const identity of [caller, called]) identity.close();
  await plane.close();
});

test('a certificate is renewed at half of its life; an absent control plane is asked again', async () => {
  const waits: number[] = [];
  let fail = false;
  let asked = 0;
  const { key, request } = await makeRequest();
  assert.ok(key.includes('PRIVATE KEY') && request.includes('CERTIFICATE REQUEST'));
  const plane = await startPlane(POLICY);
  const enrolment = enrolmentOf(plane);
  const identity = new EnrolledIdentity({
    enrolment: {
      certificate: async (...of) => {
        asked++;
        if (fail) throw new EnrolmentError('nobody is there');
        return await enrolment.certificate(...of);
      },
    },
    service: 'front',
    log: {
      info: (fields: { renewal_s?: number }) => waits.push(fields.renewal_s ?? -1),
      warn: () => {},
    } as unknown as typeof log,
    random: () => 0,
  });
  await eventually('the first', () => waits.length > 0, LONG);
  // Of 24 hours, in seconds; the request itself took a moment.
  assert.ok(Math.abs(waits[0]! - 12 * 3600) < 600, String(waits[0]));
  identity.close();
  fail = true;
  const before = asked;
  const other = new EnrolledIdentity({
    enrolment: {
      certificate: async (...of) => {
        if (asked++ < before + 2) throw new EnrolmentError('nobody is there');
        return await enrolment.certificate(...of);
      },
    },
    service: 'front',
    log,
  });
  await eventually('there in the end', () => other.current, LONG);
  assert.is(asked, before + 3);
  other.close();
  await plane.close();
});

/** Open a stream with a service's certificate that says it is another. @returns why it ended */
async function streamAs(plane: TestPlane, certified: string, said: string): Promise<string> {
  const { key, request } = await makeRequest();
  const { chain } = await enrolmentOf(plane).certificate(certified, request);
  const { promise, resolve } = Promise.withResolvers<string>();
  const stream = new GrpcStream({
    host: 'localhost',
    port: plane.ports.mtls,
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    tls: { ca: plane.roots, cert: chain, key },
    verify: (certificate) => checkServerIdentity('localhost', certificate),
    onMessage: () => resolve('configured'),
    onEnd: resolve,
  });
  stream.send(
    encodeRequest({ type: CDS, version: '', nonce: '', names: [], node: { id: `${said}~one`, service: said } }),
  );
  const end = await promise;
  stream.close();
  return end;
}

test('a node that says it is another service than its certificate gets nothing', async () => {
  const plane = await startPlane(POLICY);
  assert.match(await streamAs(plane, 'front', 'shop'), /status 7: .*says that it is shop, and its certificate front/);
  assert.is(await streamAs(plane, 'front', 'front'), 'configured');
  await plane.close();
});

test("a token for every service gets no certificate and no place of the control plane's own", async () => {
  const plane = await startPlane(POLICY);
  const { request } = await makeRequest();
  const enrolment = enrolmentOf(plane);
  const refused = async (ask: Promise<unknown>): Promise<number | undefined> =>
    await ask.then(
      () => 200,
      (error: EnrolmentError) => error.status,
    );
  assert.is(await refused(enrolment.certificate('control-plane', request)), 403);
  const claim = { name: 'x', address: '192.0.2.1', labels: {}, ports: [], phase: 'ready' } as const;
  assert.is(await refused(enrolment.join({ ...claim, service: 'control-plane' })), 403);
  assert.is(await refused(enrolment.certificate('front', 'no request')), 422);
  for (const address of ['fe80::1%eth0', 'shop', ''])
    assert.is(await refused(enrolment.join({ ...claim, service: 'front', address })), 422, address);
  assert.equal(plane.registry.replicas, []);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asking = httpsRequest(
      { host: 'localhost', port: plane.ports.enrolment, path: '/v1/certificates', method: 'POST', ca: plane.roots },
      ({ statusCode }) => resolve(statusCode),
    );
    asking.on('error', reject);
    asking.setHeader('content-type', 'application/json');
    asking.end(JSON.stringify({ service: 'front', request }));
  });
  assert.is(status, 401);
  await plane.close();
});

test('a service cannot register a host that the policy gives to another, whose callers go on', async () => {
  const ports = [{ port: 8000, protocol: 'http' }] as const;
  const policyOf = (timeout: string): string =>
    JSON.stringify({ services: { database: { hosts: ['db'], ports, routes: [{ timeout }] }, front: {} } });
  const plane = await startPlane(policyOf('1s'));
  const enrolment = enrolmentOf(plane);
  const claim = { name: 'db-1', address: '192.0.2.1', labels: {}, ports, phase: 'ready' } as const;
  const answer = await enrolment.join({ ...claim, service: 'db' }).then(String, (error: EnrolmentError) => error);
  assert.instance(answer, EnrolmentError);
  assert.is((answer as EnrolmentError).status, 409);
  assert.match((answer as EnrolmentError).message, /db is a host of the service database/);
  assert.ok(plane.seen.includes('refusal: name-taken'));
  const front = startProxy(plane, 'front');
  await eventually('configured', () => front.last, LONG);
  // It may have registered before the policy said so.
  plane.registry.join({ ...claim, service: 'db' });
  plane.setPolicy(policyOf('2s'));
  await eventually('the policy is in force', () => JSON.stringify(front.last).includes('2000'), LONG);
  // A data path refuses what gives a domain to two, and with it all routes of the port.
  const domains = front.last!.outbound.listeners.flatMap(({ virtualHosts = [] }) =>
    virtualHosts.flatMap((host) => host.domains),
  );
  assert.equal(domains.toSorted(), ['database', 'database:8000', 'db', 'db:8000']);
  await front.close();
  await plane.close();
});

test('who has no room is told which limit is in the way, and how to raise it', async () => {
  const plane = await startPlane(POLICY, { limits: { service: 1, peer: 3, all: 2 } });
  const enrolment = enrolmentOf(plane);
  const join = async (service: string, number: number): Promise<string> =>
    await enrolment
      .join({ service, name: `x-${number}`, address: `192.0.2.${number}`, labels: {}, ports: [], phase: 'ready' })
      .then(
        () => 'taken',
        (error: EnrolmentError) => `${error.status} ${error.message}`,
      );
  assert.is(await join('front', 1), 'taken');
  assert.match(
    await join('front', 2),
    /^503 there are 1 replicas of the service front, .*CONTROL_MAX_REPLICAS_PER_SERVICE .*raise it, .*\(30 s\) lapse$/,
  );
  assert.is(await join('shop', 3), 'taken');
  // Two spellings of one address are one.
  const spelt = { service: 'shop', labels: {}, ports: [], phase: 'ready' } as const;
  for (const address of ['fd00::1', 'FD00:0::1']) await enrolment.join({ ...spelt, name: 'x-3', address });
  assert.is(plane.registry.replicas.at(-1)!.address, 'fd00::1');
  assert.match(await join('other', 4), /in all, as many as CONTROL_MAX_REPLICAS of/);
  assert.equal(
    plane.seen.filter((each) => each.startsWith('refusal')),
    ['refusal: service-full', 'refusal: full'],
  );
  await plane.close();
  const small = await startPlane(POLICY, { limits: { service: 5, peer: 1, all: 5 } });
  const other = enrolmentOf(small);
  const claim = { service: 'front', labels: {}, ports: [], phase: 'ready' } as const;
  await other.join({ ...claim, name: 'a', address: '192.0.2.1' });
  // Whatever it says its address is, it comes from one.
  const again = await other.join({ ...claim, name: 'b', address: '192.0.2.2' }).then(String, String);
  assert.match(again, /from (127\.0\.0\.1|::1), as many as CONTROL_MAX_REPLICAS_PER_ADDRESS/);
  await small.close();
});

test.run();
