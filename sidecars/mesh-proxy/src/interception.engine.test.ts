/** What only namespaces show: rules, original destinations, and that nothing passes the proxies by. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { buildImages, imageOf } from '#kit/testing/images.ts';
import { idOf } from './testing/identities.ts';
import { EMPTY, ended, get, Pods } from './testing/pods.ts';
import { frontOfShop } from './testing/shop.ts';

const test = suite('a pod of the mesh');
const DNS = ['MESH_DNS_PORT=15053'];
const pods = new Pods({ init: DNS, proxy: DNS });
const inPod = (pod: string, program: string): Promise<string> => pods.inPod(pod, program);

const APPLICATION = `
  import { createServer } from 'node:http';
  import { createServer as createTcp } from 'node:net';
  createServer((request, response) => response.end(JSON.stringify(request.headers))).listen(8080);
  createTcp((socket) => socket.end('220 welcome')).listen(7000);
`;

let address = '';

test.before(async () => {
  await buildImages();
  await pods.createNetwork();
  for (const pod of ['front', 'stranger']) await pods.pod(pod);
  address = (await pods.pod('shop')).ipv4;
  await pods.app('shop', APPLICATION);
  await pods.mesh('shop', EMPTY);
  // Nobody has the address of the name: only what knows it finds the way.
  await pods.mesh('front', frontOfShop({ address, domains: ['shop', 'shop.mesh'], named: ['240.0.0.1'] }));
});

test.after(() => pods.close());

test('a request of an application that knows nothing arrives by mTLS, with the identity of its pod', async () => {
  const answer = await inPod('front', get('http://shop:8080/a'));
  assert.match(answer, /^200 /);
  assert.match(answer, `URI=${idOf('front')}`);
  assert.match(answer, /"host":"shop:8080"/);
});

test('a server that speaks first is heard', async () => {
  const talk = `
    import { connect } from 'node:net';
    connect(7000, 'shop').on('data', (text) => console.log(String(text)));
  `;
  assert.is(await inPod('front', talk), '220 welcome');
});

test('names of the mesh are found as those of the engine are, before and after', async () => {
  assert.match(await inPod('front', get('http://shop.mesh:8080/a')), /^200 /);
  const unknown = `import { lookup } from 'node:dns/promises'; console.log(await lookup('nobody.mesh').catch((e) => e.code))`;
  // What the engine's resolver asks outside for the pod does not come back to the proxy.
  assert.is(await inPod('front', unknown), await inPod('stranger', unknown));
});

test('in the clear nobody comes in, and is told why', async () => {
  const answer = await inPod('stranger', get(`http://${address}:8080/`));
  assert.match(answer, /^403 /);
  assert.match(answer, /only mTLS of the mesh/);
});

test('the application reaches itself by its own name, its own address and localhost', async () => {
  for (const host of ['shop', address, 'localhost'])
    assert.match(await inPod('shop', get(`http://${host}:8080/`)), /^200 /, host);
});

test('a destination that nobody knows is reached as without a mesh', async () => {
  const listening = `
    import { createServer } from 'node:http';
    createServer((request, response) => response.end('strange')).listen(9000);
  `;
  await pods.inPod('stranger', listening, '--detach');
  await eventually('the stranger answers', async () => {
    assert.is(await inPod('front', get('http://stranger:9000/')), '200 strange');
    return true;
  });
});

test('the rules may be loaded again, and removed: nothing else of the namespace changes', async () => {
  const tables = (): Promise<string> => pods.rules('front');
  const before = await tables();
  assert.match(before, /table inet sidecar_stacks_mesh/);
  assert.is((await pods.init('front', ...DNS)).code, 0);
  const without = (text: string): string => text.replace(/counter packets \d+ bytes \d+/g, '');
  assert.is(without(await tables()), without(before));
  assert.is((await pods.init('front', 'MESH_ACTION=remove')).code, 0);
  assert.is((await pods.init('front', 'MESH_ACTION=remove')).code, 0);
  const after = await tables();
  assert.not.match(after, /sidecar_stacks_mesh/);
  // Docker's own, where it has any.
  const others = (text: string): string[] => [...text.matchAll(/^table \S+ (?!sidecar_stacks)\S+/gm)].map(String);
  assert.equal(others(after), others(before));
  const answer = await inPod('front', get('http://shop:8080/a'));
  assert.match(answer, /^403 /, 'it goes past the proxy now, and the other side refuses it');
  assert.is((await pods.init('front')).code, 0);
});

test('without the capability it says so, and fails', async () => {
  const { code, text } = await ended('--cap-drop', 'ALL', '--network', pods.network('stranger'), imageOf('mesh-init'));
  assert.is(code, 70);
  assert.match(text, /NET_ADMIN is missing/);
});

test.run();
