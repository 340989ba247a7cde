/** What only namespaces show: rules, original destinations, and that nothing passes the proxies by. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import type { Configuration } from './model/configuration.ts';
import { credentialsOf, idOf } from './testing/identities.ts';

const test = suite('a pod of the mesh');
const run = promisify(execFile);
const RUN = `mesh-test-${randomUUID().slice(0, 8)}`;
const TAG = process.env['IMAGE_TAG'] || 'dev';
const NODE = 'sidecar-stacks/node:26';
const directory = temporaryDirectory('mesh');
const containers: string[] = [];

async function docker(...args: readonly string[]): Promise<string> {
  return (await run('docker', [...args], { timeout: 120_000 })).stdout.trim();
}

/** @returns its exit code and what it wrote */
async function ended(...args: readonly string[]): Promise<{ code: number; text: string }> {
  try {
    return { code: 0, text: await docker('run', '--rm', ...args) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: `${stdout}${stderr}` };
  }
}

async function start(name: string, ...args: readonly string[]): Promise<void> {
  containers.push(`${RUN}-${name}`);
  const common = ['--detach', '--init', '--name', `${RUN}-${name}`, '--label', 'dev.sidecar-stacks.stack=mesh-test'];
  await docker('run', ...common, ...args);
}

const of = (pod: string): string => `container:${RUN}-${pod}`;
const HARDENED = ['--cap-drop', 'ALL', '--read-only'];
const INIT = [...HARDENED, '--cap-add', 'NET_ADMIN'];

const init = (pod: string, ...env: readonly string[]): ReturnType<typeof ended> =>
  ended(...INIT, '--network', of(pod), ...env.flatMap((each) => ['--env', each]), `sidecar-stacks/mesh-init:${TAG}`);

const DNS = ['MESH_DNS_PORT=15053'];

/** A pod with its proxy, which is ready. */
async function mesh(pod: string, configuration: Configuration): Promise<void> {
  const files = join(directory, pod);
  mkdirSync(files, { recursive: true });
  const { key, chain, trustBundle } = await credentialsOf(pod);
  for (const [file, text] of Object.entries({
    'tls.key': key,
    'tls.crt': chain,
    'ca.crt': trustBundle,
    'mesh.json': JSON.stringify(configuration),
  })) {
    writeFileSync(join(files, file), text);
    // The proxy is another user here.
    chmodSync(join(files, file), 0o644);
  }
  chmodSync(directory, 0o755);
  chmodSync(files, 0o755);
  const { code, text } = await init(pod, ...DNS);
  assert.is(code, 0, text);
  await start(
    `${pod}-proxy`,
    ...HARDENED,
    `--network=${of(pod)}`,
    `--volume=${files}:/mesh:ro`,
    '--env=MESH_CONFIG=/mesh/mesh.json',
    '--env=MESH_IDENTITY_DIR=/mesh',
    ...DNS.map((each) => `--env=${each}`),
    `sidecar-stacks/mesh-proxy:${TAG}`,
  );
  await eventually(
    `the proxy of ${pod} is ready`,
    async () => (await docker('exec', `${RUN}-${pod}-proxy`, '/sidecar/healthcheck', '/startupz')) !== undefined,
    { within: 60_000, every: 250 },
  );
}

/** What an application of a pod gets, as another user than the proxy. */
const inPod = (pod: string, program: string): Promise<string> =>
  docker('exec', '--user', '1000', `${RUN}-${pod}`, 'node', '--input-type=module', '--eval', program);
const get = (url: string): string =>
  `const r = await fetch(${JSON.stringify(url)}); console.log(r.status, await r.text())`;

const APPLICATION = `
  import { createServer } from 'node:http';
  import { createServer as createTcp } from 'node:net';
  createServer((request, response) => response.end(JSON.stringify(request.headers))).listen(8080);
  createTcp((socket) => socket.end('220 welcome')).listen(7000);
`;

let address = '';

test.before(async () => {
  await docker('network', 'create', '--label', 'dev.sidecar-stacks.stack=mesh-test', RUN);
  for (const pod of ['front', 'shop', 'stranger'])
    await start(pod, '--network', RUN, '--network-alias', pod, '--user', '65534', NODE, 'sleep', 'infinity');
  address = await docker(
    'inspect',
    '--format',
    `{{(index .NetworkSettings.Networks "${RUN}").IPAddress}}`,
    `${RUN}-shop`,
  );
  await start(
    'shop-app',
    '--network',
    of('shop'),
    '--user',
    '1000',
    NODE,
    'node',
    '--input-type=module',
    '--eval',
    APPLICATION,
  );
  const empty: Configuration = {
    version: '1',
    outbound: { unknown: 'ALLOW_ANY', listeners: [] },
    inbound: { mtls: 'STRICT' },
    clusters: [],
  };
  await mesh('shop', empty);
  const cluster = (port: number): Configuration['clusters'][0] => ({
    name: `shop:${port}`,
    endpoints: [{ address, port, meshed: true }],
    mtls: { identities: [idOf('shop')] },
  });
  await mesh('front', {
    ...empty,
    outbound: {
      unknown: 'ALLOW_ANY',
      listeners: [
        {
          name: 'shop',
          port: 8080,
          virtualHosts: [
            {
              name: 'shop',
              domains: ['shop', 'shop.mesh'],
              routes: [{ match: {}, clusters: [{ cluster: 'shop:8080', weight: 1 }] }],
            },
          ],
        },
        { name: 'shop-mail', port: 7000, addresses: [address], tcp: [{ cluster: 'shop:7000', weight: 1 }] },
      ],
    },
    clusters: [cluster(8080), cluster(7000)],
    // Nobody has this address: only what knows the name finds the way.
    names: { 'shop.mesh': ['240.0.0.1'] },
  });
});

test.after(async () => {
  if (containers.length > 0) await docker('rm', '--force', ...containers);
  await docker('network', 'rm', RUN);
});

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
  await docker(
    'exec',
    '--detach',
    '--user',
    '1000',
    `${RUN}-stranger`,
    'node',
    '--input-type=module',
    '--eval',
    listening,
  );
  await eventually('the stranger answers', async () => {
    assert.is(await inPod('front', get('http://stranger:9000/')), '200 strange');
    return true;
  });
});

test('the rules may be loaded again, and removed: nothing else of the namespace changes', async () => {
  const tables = async (): Promise<string> =>
    (
      await ended(
        ...INIT,
        '--network',
        of('front'),
        '--entrypoint',
        'nft',
        `sidecar-stacks/mesh-init:${TAG}`,
        'list',
        'ruleset',
      )
    ).text;
  const before = await tables();
  assert.match(before, /table inet sidecar_stacks_mesh/);
  assert.is((await init('front', ...DNS)).code, 0);
  const without = (text: string): string => text.replace(/counter packets \d+ bytes \d+/g, '');
  assert.is(without(await tables()), without(before));
  assert.is((await init('front', 'MESH_ACTION=remove')).code, 0);
  assert.is((await init('front', 'MESH_ACTION=remove')).code, 0);
  const after = await tables();
  assert.not.match(after, /sidecar_stacks_mesh/);
  // Docker's own, where it has any.
  const others = (text: string): string[] => [...text.matchAll(/^table \S+ (?!sidecar_stacks)\S+/gm)].map(String);
  assert.equal(others(after), others(before));
  const answer = await inPod('front', get('http://shop:8080/a'));
  assert.match(answer, /^403 /, 'it goes past the proxy now, and the other side refuses it');
  assert.is((await init('front')).code, 0);
});

test('without the capability it says so, and fails', async () => {
  const { code, text } = await ended(
    '--cap-drop',
    'ALL',
    '--network',
    of('stranger'),
    `sidecar-stacks/mesh-init:${TAG}`,
  );
  assert.is(code, 70);
  assert.match(text, /NET_ADMIN is missing/);
});

test.run();
