/** The same over IPv6: redirected, and the original destination read right, by the kernel and not by golden rules. */
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { buildImages, imageOf } from '#kit/testing/images.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { idOf } from './testing/identities.ts';
import { docker, EMPTY, ended, get, Pods } from './testing/pods.ts';
import { frontOfShop } from './testing/shop.ts';

const test = suite('a pod of the mesh, over IPv6');
const DNS = 'MESH_DNS_PORT=15053';
const pods = new Pods({ init: [DNS, 'MESH_IPV6=true'], proxy: [DNS, 'MESH_LISTEN_ADDRESS=::'] });
/** Nobody has these addresses: only what knows the names finds the way. */
const NOWHERE = { ipv4: '240.0.0.1', ipv6: '2001:db8::5' };

const APPLICATION = `
  import { createServer } from 'node:http';
  import { createServer as createTcp } from 'node:net';
  createServer((request, response) =>
    response.end(JSON.stringify({ ...request.headers, at: request.socket.localAddress }))).listen(8080, '::');
  createTcp((socket) => socket.end('220 welcome at ' + socket.localAddress)).listen(7000, '::');
`;
/** What a URL answers, by the family that is asked for. */
const getBy = (family: 4 | 6, url: string): string => `
  import { request } from 'node:http';
  request(${JSON.stringify(url)}, { family: ${family} }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk)).on('end', () => console.log(response.statusCode, text));
  }).on('error', (error) => console.log(error.code)).end();
`;

/** A network of IPv6, and pods that have addresses of it. @returns why there is none */
async function open(): Promise<string | undefined> {
  const id = randomBytes(7).toString('hex');
  // RFC 4193: a prefix that nobody else has.
  const subnet = `fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}:${id.slice(10, 14)}::/64`;
  try {
    await pods.createNetwork('--ipv6', '--subnet', subnet);
  } catch (error) {
    return `the engine makes no network of IPv6: ${(error as Error).message.trim().split('\n').at(-1)}`;
  }
  const interfaces = `console.log(Object.values(os.networkInterfaces()).flat().map(({ address }) => address).join(' '))`;
  const seen = await docker('run', '--rm', '--network', pods.name, 'sidecar-stacks/node:26', 'node', '-e', interfaces);
  if (seen.includes('fd')) return undefined;
  await pods.close();
  return `containers get no address of IPv6: ${seen}`;
}

await buildImages();
const missing = await open();
const check = missing === undefined ? test : (name: string): void => skipped(name, missing);

let shop = { ipv4: '', ipv6: '' };
let stranger = { ipv4: '', ipv6: '' };

if (missing === undefined) {
  test.before(async () => {
    await pods.pod('front');
    stranger = await pods.pod('stranger');
    shop = await pods.pod('shop');
    await pods.app('shop', APPLICATION);
    await pods.mesh('shop', EMPTY);
    await pods.mesh(
      'front',
      frontOfShop({
        address: shop.ipv6,
        domains: ['shop', 'shop.mesh', `[${shop.ipv6}]`],
        // As people may write it.
        written: inFull(shop.ipv6),
        named: [NOWHERE.ipv4, NOWHERE.ipv6],
      }),
    );
  });
  test.after(() => pods.close());
}

/** All eight groups of an address, in capital letters. */
function inFull(address: string): string {
  const [before = '', after = ''] = address.toUpperCase().split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(before), groups(after)];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last].join(':');
}

for (const family of [6, 4] as const)
  check(`a request over IPv${family} is captured at both ends, and arrives by mTLS with its identity`, async () => {
    const answer = await pods.inPod('front', getBy(family, 'http://shop:8080/a'));
    assert.match(answer, /^200 /);
    assert.match(answer, `URI=${idOf('front')}`);
    assert.match(answer, `"at":"${shop.ipv6}"`);
  });

check('an address in brackets is a host as others are', async () => {
  const answer = await pods.inPod('front', get(`http://[${shop.ipv6}]:8080/`));
  assert.match(answer, /^200 /);
  assert.match(answer, `URI=${idOf('front')}`);
});

check('a server that speaks first is known by the original destination alone', async () => {
  const talk = `
    import { connect } from 'node:net';
    connect({ host: 'shop', port: 7000, family: 6 }).on('data', (text) => console.log(String(text)));
  `;
  assert.is(await pods.inPod('front', talk), `220 welcome at ${shop.ipv6}`);
});

check('names of the mesh have addresses of both families, and lead somewhere by both', async () => {
  const program = `
    import { resolve4, resolve6 } from 'node:dns/promises';
    console.log(JSON.stringify([await resolve4('shop.mesh'), await resolve6('shop.mesh')]));
  `;
  assert.equal(JSON.parse(await pods.inPod('front', program)), [[NOWHERE.ipv4], [NOWHERE.ipv6]]);
  for (const family of [6, 4] as const)
    assert.match(await pods.inPod('front', getBy(family, 'http://shop.mesh:8080/a')), /^200 /, `IPv${family}`);
});

check('in the clear nobody comes in over IPv6, and is told why', async () => {
  const answer = await pods.inPod('stranger', get(`http://[${shop.ipv6}]:8080/`));
  assert.match(answer, /^403 /);
  assert.match(answer, /only mTLS of the mesh/);
});

check('the application reaches itself by its own addresses, and by those of loopback', async () => {
  for (const host of [`[${shop.ipv6}]`, '[::1]', shop.ipv4, '127.0.0.1'])
    assert.match(await pods.inPod('shop', get(`http://${host}:8080/`)), /^200 /, host);
});

check('a destination of IPv6 that nobody knows is reached as without a mesh', async () => {
  const listening = `
    import { createServer } from 'node:http';
    createServer(({ socket }, response) => response.end(socket.localAddress + ' ' + socket.localPort)).listen(9000, '::');
  `;
  await pods.inPod('stranger', listening, '--detach');
  await eventually('the stranger answers', async () => {
    const answer = await pods.inPod('front', get(`http://[${stranger.ipv6}]:9000/`));
    assert.is(answer, `200 ${stranger.ipv6} 9000`);
    return true;
  });
});

check('a link-local neighbour is reached directly', async () => {
  const own = `
    import { networkInterfaces } from 'node:os';
    console.log(networkInterfaces().eth0.find(({ address }) => address.startsWith('fe80')).address);
  `;
  const address = await pods.inPod('stranger', own);
  const talk = `
    import { connect } from 'node:net';
    const socket = connect({ host: '${address}%eth0', port: 9000, timeout: 20_000 });
    socket.on('connect', () => console.log('connected')).on('timeout', () => console.log('silence'));
    for (const event of ['connect', 'timeout', 'error']) socket.on(event, () => socket.destroy());
  `;
  assert.is(await pods.inPod('front', talk), 'connected');
});

check('a proxy that listens on IPv4 alone has rules for it alone', async () => {
  assert.is((await pods.init('stranger')).code, 0);
  // What is not redirected goes where it was meant to go.
  assert.match(await pods.inPod('stranger', get(`http://[${shop.ipv6}]:8080/`)), /^403 /);
  assert.is((await pods.init('stranger', 'MESH_ACTION=remove')).code, 0);
});

check('without the capability it says so for IPv6 too', async () => {
  const { code, text } = await ended(
    '--cap-drop',
    'ALL',
    '--env',
    'MESH_IPV6=true',
    '--network',
    pods.network('stranger'),
    imageOf('mesh-init'),
  );
  assert.is(code, 70);
  assert.match(text, /NET_ADMIN is missing/);
});

test.run();
