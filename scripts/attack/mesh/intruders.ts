/** Neighbours that want in as somebody else, or to where nobody of the network comes. */
import { createSocket } from 'node:dgram';
import { dial, several } from '../client.ts';
import { anyPath } from '../paths.ts';
import type { Random } from '../random.ts';
import type { AttackContext } from '../suite.ts';
import { dialTls, SHOP, tell } from './client.ts';
import { MEMBERS, OPEN } from './judge.ts';
import { identityOf } from './shop.ts';

const CLIENTS = 16;
/** What HTTP servers skip, and what begins other protocols. */
const DISGUISES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\n\n\n',
  ' ',
  '\t',
  '\0',
  '\u00ff',
  '\u00ef\u00bb\u00bf',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'SSH-2.0-OpenSSH\r\n',
  'EHLO a\r\n',
  '\x16\x03\x01\x00\x05',
  '\x05\x01\x00',
];
const NAMES = [
  'X-Forwarded-Client-Cert',
  'x-forwarded-client-cert',
  'X_Forwarded_Client_Cert',
  'X-Forwarded-Client-Cert ',
  'X-Forwarded-Client-Cert\t',
  ' X-Forwarded-Client-Cert',
];
const CLAIM = `By=${identityOf('shop')};URI=${identityOf('front')}`;

/** A request that says who it comes from. */
function request(random: Random, path = '/forged'): string {
  const method = random.pick(['GET', 'HEAD', 'POST', 'get', 'DELETE', 'G']);
  const name = random.pick(NAMES);
  const connection = random.chance(0.2) ? `Connection: close, ${name.trim()}\r\n` : '';
  const end = random.pick(['\r\n', '\r\n', '\n']);
  return [
    `${method} ${path} HTTP/1.${random.below(2)}`,
    'Host: shop',
    `${name}: ${CLAIM}`,
    `${connection}X-Forwarded-For: 127.0.0.1`,
    '',
    '',
  ].join(end);
}

/** Requests of HTTP behind bytes that do not look like it. */
export async function disguises(context: AttackContext): Promise<void> {
  const { random, signal } = context;
  await several(CLIENTS, async () => {
    const port = random.pick([OPEN, OPEN, MEMBERS]);
    const before = Array.from({ length: random.below(4) }, () => random.pick(DISGUISES)).join('');
    await tell(await dial(port, signal, SHOP), before + request(random) + request(random), port, context);
  });
}

/** The same within TLS, with certificates of others, and protocols that only proxies speak. */
export async function certificates(context: AttackContext): Promise<void> {
  const { random } = context;
  await several(CLIENTS, async () => {
    const port = random.pick([OPEN, MEMBERS]);
    const before = random.chance(0.5) ? random.pick(DISGUISES) : '';
    await tell(await dialTls(port, context), before + request(random), port, context);
  });
}

/** Ways to write a path that is refused. */
export async function paths(context: AttackContext): Promise<void> {
  const { random, signal } = context;
  await several(CLIENTS, async () => {
    const path = anyPath(random, random.pick(['/', '/public/', '/admin', '/%61dmin/', '/x/../admin/']));
    await tell(await dial(OPEN, signal, SHOP), request(random, path), OPEN, context);
  });
}

/** Packets that are for loopback and for another network when they are in the pod; see `forge` in compose.yaml. */
export async function destinations(context: AttackContext): Promise<void> {
  const { random, signal } = context;
  await several(4, async () => {
    const port = random.pick([9001, 9002]);
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(2000)]);
    await tell(await dial(port, waiting, SHOP), 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n', port, context);
  });
}

const DNS = 15_053;

/** Questions for the pod's resolver, which is the pod's alone. */
export async function questions({ random, signal }: AttackContext): Promise<void> {
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => answers++).on('error', () => {});
  for (let round = 0; round < 300 && !signal.aborted; round++) {
    const name = `a${random.below(1e9)}`;
    const query = Buffer.from(
      `..\x01\0\0\x01\0\0\0\0\0\0${String.fromCharCode(name.length)}${name}\0\0\x01\0\x01`,
      'latin1',
    );
    socket.send(random.chance(0.9) ? query : random.bytes(random.below(100)), DNS, SHOP);
    if (round % 50 === 0) await new Promise(setImmediate);
  }
  await several(20, async () => {
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(2000)]);
    const connection = await dial(DNS, waiting, SHOP);
    if (connection !== undefined) answers++;
    connection?.destroy();
  });
  socket.close();
  if (answers > 0) throw new Error("the pod's resolver answers to the network");
}
