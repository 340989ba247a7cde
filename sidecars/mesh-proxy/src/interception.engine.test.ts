/** What only namespaces show: rules, original destinations, and that nothing passes the proxies by. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { buildImages, imageOf } from '#kit/testing/images.ts';
import { idOf } from './testing/identities.ts';
import { docker, EMPTY, ended, get, LABEL, NODE, Pods } from './testing/pods.ts';
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

const serving = (host: string, port: number): string =>
  `require('node:http').createServer((request, response) => response.end('reached')).listen(${port}, '${host}')`;
/** As `get`, for what may never answer. */
const attempt = (url: string): string =>
  `await fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(3000) }).then((r) => console.log(r.status), (e) => console.log('failed', e.message))`;
/** What a neighbour on the same bridge can do: send packets for other addresses to a pod's network card. */
const rewriting = (pod: string, destinations: Readonly<Record<number, string>>): string => {
  const each = (line: (port: string, to: string) => string): string =>
    Object.entries(destinations)
      .map(([port, to]) => line(port, to))
      .join('\n');
  return `table netdev forged {
    chain out {
      type filter hook egress device eth0 priority 0
      ${each((port, to) => `ip daddr ${pod} tcp dport ${port} ip daddr set ${to}`)}
    }
    chain in {
      type filter hook ingress device eth0 priority 0
      ${each((port, to) => `ip saddr ${to} tcp sport ${port} ip saddr set ${pod}`)}
    }
  }\n`;
};

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

test('a request of an unaware application arrives by mTLS, with the identity of its pod', async () => {
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

test('each start names the ports that others reach past the proxy', async () => {
  const { text } = await pods.init('stranger');
  assert.match(text, /others reach these ports past the proxy/);
  assert.match(text, '15000-15099');
  assert.not.match((await pods.init('stranger', 'MESH_ACTION=remove')).text, /past the proxy/);
});

test('a neighbour reaches nothing through a pod but what the pod itself takes from others', async () => {
  const back = `${pods.name}-back`;
  await docker('network', 'create', ...LABEL, back);
  try {
    const { ipv4 } = await pods.pod('open');
    await docker('network', 'connect', back, pods.container('open'));
    await pods.start('vault', '--network', back, NODE, 'node', '--eval', serving('0.0.0.0', 9002));
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const vault = await docker('inspect', '--format', format, pods.container('vault'));
    await pods.start(
      'open-private',
      '--network',
      pods.network('open'),
      NODE,
      'node',
      '--eval',
      serving('127.0.0.1', 9001),
    );
    await pods.start(
      'open-public',
      '--network',
      pods.network('open'),
      NODE,
      'node',
      '--eval',
      serving('0.0.0.0', 9003),
    );
    await pods.mesh('open', { ...EMPTY, inbound: { mtls: 'PERMISSIVE' } });
    await pods.pod('attacker');
    const rules = await pods.loads('attacker', rewriting(ipv4, { 9001: '127.0.0.1', 9002: vault }));
    assert.is(rules.code, 0, rules.text);
    for (const [url, reached] of [
      [`http://${vault}:9002/`, 'open'],
      ['http://127.0.0.1:9001/', 'open'],
    ] as const)
      await eventually('it answers in the pod itself', async () => {
        assert.is(await inPod(reached, get(url)), '200 reached');
        return true;
      });
    assert.is(await inPod('attacker', get(`http://${ipv4}:9003/`)), '200 reached');
    // 15053 is DNS, which the pod's own asks by loopback.
    for (const port of [9001, 9002, 15_053])
      assert.match(await inPod('attacker', attempt(`http://${ipv4}:${port}/`)), /^failed/, String(port));
  } finally {
    await docker('rm', '--force', pods.container('vault'));
    await docker('network', 'disconnect', '--force', back, pods.container('open'));
    await docker('network', 'rm', back);
  }
});

test('without the capability it says so, and fails', async () => {
  const { code, text } = await ended('--cap-drop', 'ALL', '--network', pods.network('stranger'), imageOf('mesh-init'));
  assert.is(code, 70);
  assert.match(text, /NET_ADMIN is missing/);
});

test.run();
