/** Neighbours that want the proxy or the control plane to be busy, or full. */
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { makeRequest } from '#mesh/identity/csr.ts';
import { closed, dial, several } from '../client.ts';
import type { AttackContext } from '../suite.ts';
import { CONTROL_PLANE, drain, enrol, enrolment, SHOP } from './client.ts';
import { MEMBERS, OPEN } from './judge.ts';

/** Connections that say nothing, or begin a request or a handshake and do not go on. */
export async function beginnings({ random, signal }: AttackContext): Promise<void> {
  await several(400, async () => {
    const begun = random.pick([
      '',
      '\r\n',
      'GET / HTTP/1.1\r\nHost: shop\r\nX: ',
      '\x16\x03\x01\x02\x00\x01',
      'PRI * HTTP',
    ]);
    await drain(await dial(random.pick([OPEN, MEMBERS]), signal, SHOP), begun, signal);
  });
}

/** Clients that ask for much, and read nothing. */
export async function slowReaders({ signal }: AttackContext): Promise<void> {
  await several(200, async () => {
    const socket = await dial(OPEN, signal, SHOP);
    if (socket === undefined) return;
    socket.pause();
    socket.write('GET /large HTTP/1.1\r\nHost: shop\r\n\r\n');
    await closed(socket, signal);
  });
}

/** Heads of requests as long as they may be, and longer ones. */
export async function longHeads({ random, signal }: AttackContext): Promise<void> {
  await several(20, async () => {
    const field = `X-${random.below(1e9)}: ${'y'.repeat(random.below(70_000))}`;
    const path = `/${'p'.repeat(random.below(random.pick([100, 60_000])))}`;
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(1000)]);
    await drain(await dial(OPEN, signal, SHOP), `GET ${path} HTTP/1.1\r\nHost: shop\r\n${field}\r\n\r\n`, waiting);
  });
}

/** Requests for certificates and registrations, own and of others, as fast as they are answered. */
export async function enrolments({ random, signal }: AttackContext): Promise<void> {
  const control = await enrolment('hostile');
  const { request } = await makeRequest();
  await several(8, async () => {
    const service = random.pick(['hostile', 'front', 'shop']);
    if (signal.aborted) return;
    const name = `replica-${random.below(2000)}`;
    const taken = await (
      random.chance(0.5)
        ? control.certificate(service, request)
        : control.join({ service, name, labels: {}, ports: [], phase: 'ready' })
    ).catch(() => undefined);
    if (taken !== undefined && service !== 'hostile') throw new Error(`a token for hostile was taken for ${service}`);
  });
}

const STREAM = {
  ':method': 'POST',
  ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
  'content-type': 'application/grpc',
  te: 'trailers',
} as const;

/** Streams of configuration that stay: over mTLS by the own identity, and in the clear. */
export async function streams({ signal }: AttackContext): Promise<void> {
  const identity = await enrol('hostile').catch(() => undefined);
  const sessions: ClientHttp2Session[] = [];
  for (let each = 0; each < 20; each++) {
    const secure = each % 2 === 0 && identity !== undefined;
    const session = secure
      ? connectHttp2(`https://${CONTROL_PLANE}:15012`, identity)
      : connectHttp2(`http://${CONTROL_PLANE}:15010`);
    session.on('error', () => {});
    sessions.push(session);
    for (let stream = 0; stream < 100; stream++)
      session
        .request(STREAM)
        .on('error', () => {})
        .resume()
        .write(Buffer.alloc(5));
  }
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  for (const session of sessions) session.destroy();
}

/** Heads without end for the control plane's ports, and connections that say nothing. */
export async function controlPlanePorts({ random, signal }: AttackContext): Promise<void> {
  await several(200, async () => {
    const port = random.pick([8080, 15_010, 15_012, 15_013]);
    const begun = random.pick([
      '',
      'GET / HTTP/1.1\r\nX: ',
      '\x16\x03\x01\x02\x00\x01',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]);
    await drain(await dial(port, signal, CONTROL_PLANE), begun, signal);
  });
}
