/** Connections of the hostile neighbour to the shop, and its identity. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { certify } from '#kit/testing/certify.ts';
import { makeRequest } from '#mesh/identity/csr.ts';
import { Enrolment } from '#mesh/identity/enrolment.ts';
import { closed, opened } from '../client.ts';
import type { Random } from '../random.ts';
import type { AttackContext } from '../suite.ts';
import { judge } from './judge.ts';
import { identityOf } from './shop.ts';

export const SHOP = 'shop';
export const CONTROL_PLANE = 'control-plane';
/** Longest that a client waits for an answer that may not come, in milliseconds. */
const LONGEST_WAIT = 500;

/** The control plane, as who has the join token in /join sees it. */
export const enrolment = async (service: string): Promise<Enrolment> =>
  new Enrolment({
    service,
    host: CONTROL_PLANE,
    port: 15_013,
    token: (await readFile('/join/token', 'utf8')).trim(),
    roots: () => readFile('/trust/root.crt', 'utf8'),
  });

/** Key and certificates of the pod's own service. */
export async function enrol(service: string): Promise<Required<Pick<ConnectionOptions, 'key' | 'cert' | 'ca'>>> {
  const { key, request } = await makeRequest();
  const { chain, trustBundle } = await (await enrolment(service)).certificate(service, request);
  return { key, cert: chain, ca: trustBundle };
}

let own: ReturnType<typeof enrol> | undefined;
let forged: ReturnType<typeof certify> | undefined;

/** The neighbour's identity, one that it made for itself, or none. */
async function anyIdentity(random: Random): Promise<ConnectionOptions> {
  const kind = random.below(4);
  if (kind === 0) return {};
  if (kind < 3) return await (own ??= enrol('hostile'));
  return await (forged ??= certify({ altNames: [{ type: 'url', value: identityOf('front') }] }));
}

/** A connection over TLS, as a proxy makes one; undefined when it was refused. */
export async function dialTls(port: number, { random, signal }: AttackContext): Promise<TLSSocket | undefined> {
  const socket = connect({
    ...(await anyIdentity(random)),
    host: SHOP,
    port,
    servername: random.pick(['shop', 'front', '']),
    rejectUnauthorized: false,
    ALPNProtocols: [random.pick(['mesh-tcp', 'mesh-tcp', 'mesh-http/1.1', 'mesh-h2', 'http/1.1'])],
  });
  return await opened(socket, 'secureConnect', signal);
}

/** Send a text in pieces, wait for what is answered, and judge it. */
export async function tell(
  socket: Socket | undefined,
  text: string,
  port: number,
  { random, signal }: AttackContext,
): Promise<void> {
  if (socket === undefined) return;
  let answered = '';
  socket.setEncoding('latin1').on('data', (part: string) => (answered += part));
  for (let at = 0; at < text.length && !socket.destroyed;) {
    const next = at + 1 + random.below(text.length);
    socket.write(text.slice(at, next), 'latin1');
    at = next;
    await new Promise(setImmediate);
  }
  if (random.chance(0.2)) socket.end();
  await closed(socket, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT)]));
  socket.destroy();
  judge(answered, text, port);
}

/** Read whatever comes, until it ends or the signal says so. */
export async function drain(socket: Socket | undefined, text: string, signal: AbortSignal): Promise<void> {
  if (socket === undefined) return;
  socket.resume().write(text, 'latin1');
  if (!socket.destroyed) await once(socket, 'close', { signal }).catch(() => {});
}
