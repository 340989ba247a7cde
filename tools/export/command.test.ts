/** The command: what it writes, what it leaves, and what it says. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, parseAllDocuments } from 'yaml';
import { mistakesIn } from './test-schema.ts';
import { main } from '../main.ts';
import { identify } from '../identify/identify.ts';
import { planUp } from '../up/plan.ts';

const test = suite('export: the command');

const SHOP = `
name: shop
services:
  web: { image: "shop/web:1", build: ., restart: always, ports: ["8080:80"], volumes: ["data:/data"], secrets: [key], environment: { SELF: "http://localhost:8080/" } }
  api: { image: "example/api:2", restart: always, deploy: { replicas: 3 } }
volumes: { data: }
secrets: { key: { file: ./key } }
`;

function inFolder(files: Readonly<Record<string, string>>) {
  const folder = temporaryDirectory('export');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    let [out, err] = ['', ''];
    const code = await main(['export', ...args], {
      folder,
      environment: {},
      out: (text) => void (out += text),
      err: (text) => void (err += text),
    });
    return { code, out, err };
  };
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  return { folder, put, run, read };
}

test('writes a base and an overlay, and says how to apply them', async () => {
  const { folder, run, read } = inFolder({ 'compose.yaml': SHOP, key: 'k' });
  const { code, out } = await run('-o', 'out', '--registry', 'registry.example/team', '--namespace', 'shop');
  assert.is(code, 0);
  assert.match(out, /^out: 8 files\nkubectl apply -k out\/overlays\/cluster\n$/);
  assert.equal(readdirSync(join(folder, 'out/base')), [
    '.gitignore',
    'api.yaml',
    'kustomization.yaml',
    'secrets.yaml',
    'web.yaml',
  ]);
  assert.is(statSync(join(folder, 'out/base/secrets.yaml')).mode & 0o777, 0o600);
  assert.match(read('out/base/.gitignore'), /^# Written by .*\nsecrets.yaml\n$/);
  const overlay = parse(read('out/overlays/cluster/kustomization.yaml')) as Record<string, unknown>;
  assert.is(overlay['namespace'], 'shop');
  assert.equal(overlay['images'], [
    { name: 'example/api', newTag: '2' },
    { name: 'shop/web', newName: 'registry.example/team/shop/web', newTag: '1' },
  ]);
  assert.equal(overlay['replicas'], [
    { name: 'web', count: 1 },
    { name: 'api', count: 3 },
  ]);
  assert.match(read('out/overlays/cluster/storage.yaml'), /name: data[\s\S]*storage: 1Gi/);
  assert.match(read('out/overlays/cluster/hosts-web.yaml'), /env\/0\/value\n\s+value: http:\/\/localhost:8080\//);
});

test('what up wrote is exported where it is named, and told where it is not', async () => {
  const { folder, put, run } = inFolder({
    'compose.yaml':
      'services:\n  web: { image: "acme/web:1", restart: always, ports: ["8080:80"], x-sidecars: [tls] }\n',
  });
  put('compose.sidecars.yaml', planUp({ folder, files: [], environment: {} }).after!);
  const both = ['-f', 'compose.yaml', '-f', 'compose.sidecars.yaml'];
  const { code, out, err } = await run(...both, '--dry-run');
  assert.is(code, 0, err);
  assert.match(out, /targetPort: 8443/);
  assert.match(out, /image: sidecar-stacks\/tls:[\d.]+-export-\w+\.web-tls/i);
  assert.not.match(err, /left out/);
  const without = await run('--dry-run');
  assert.not.match(without.out, /web-tls/);
  assert.match(without.err, new RegExp(`left out.*: ${both.join(' ')}\n`));
  put('.env', 'COMPOSE_FILE=compose.yaml:compose.sidecars.yaml');
  assert.is((await run('--dry-run')).out, out);
});

test('a second export changes the base, and nothing that is yours', async () => {
  const { put, run, read, folder } = inFolder({ 'compose.yaml': SHOP, key: 'k' });
  await run('-o', 'out');
  put('out/overlays/cluster/kustomization.yaml', 'mine');
  put('out/base/notes.yaml', 'mine, too');
  put('compose.yaml', SHOP.replace(/^ {2}api:.*\n/m, '').replace('web:1', 'web:2'));
  const { out } = await run('-o', 'out');
  assert.match(out, /left as they are/);
  assert.is(read('out/overlays/cluster/kustomization.yaml'), 'mine');
  assert.is(read('out/base/notes.yaml'), 'mine, too');
  assert.match(read('out/base/web.yaml'), /shop\/web:2/);
  assert.not.ok(existsSync(join(folder, 'out/base/api.yaml')), 'what an earlier export wrote and this one does not');
});

test('a component is written once, and an overlay that does not name it yet is told how', async () => {
  const { put, run, read } = inFolder({ 'compose.yaml': SHOP, key: 'k' });
  await run('-o', 'out');
  const { err } = await run('-o', 'out', '--with', 'disruption,ingress');
  assert.match(err, /overlays\/cluster\/kustomization\.yaml:\ncomponents:\n {2}- \.\.\/\.\.\/components\/ingress\n/);
  put('out/components/ingress/ingress.yaml', 'mine');
  put('out/overlays/cluster/kustomization.yaml', 'components:\n  - ../../components/ingress\n');
  const again = await run('-o', 'out', '--with', 'disruption', '--with', 'ingress');
  assert.is(read('out/components/ingress/ingress.yaml'), 'mine');
  assert.match(again.err, /components\/disruption/);
  assert.not.match(again.err, /components\/ingress/);
});

test('components that are none, or lack a namespace, are refused', async () => {
  const { run } = inFolder({ 'compose.yaml': SHOP, key: 'k' });
  const said = async (...args: string[]): Promise<string> => (await run(...args)).err;
  assert.match(await said('--with', 'ingres'), /--with takes ingress or gateway or .*, not "ingres"/);
  assert.match(await said('--with', 'pod-security'), /needs --namespace/);
});

test('--dry-run prints everything and writes nothing', async () => {
  const { folder, run } = inFolder({ 'compose.yaml': SHOP, key: 'k' });
  const { code, out } = await run('--dry-run');
  assert.is(code, 0);
  assert.match(out, /^# --- base\/kustomization\.yaml\n/);
  assert.match(out, /kind: StatefulSet/);
  assert.equal(readdirSync(folder).toSorted(), ['compose.yaml', 'key']);
});

test('what is refused is said with its line, and nothing is written', async () => {
  const { folder, run } = inFolder({ 'compose.yaml': SHOP.replace('"data:/data"', '"/srv:/data"'), key: 'k' });
  const { code, out, err } = await run();
  assert.is(code, 1);
  assert.is(out, '');
  assert.match(err, /^compose\.yaml:4: refused: service web mounts \/srv of this machine/m);
  assert.not.ok(existsSync(join(folder, 'kubernetes')));
});

test('a file, a folder, a stack by its name, and files laid over one another', async () => {
  const { folder, run } = inFolder({
    'stacks/shop/compose.yaml': SHOP,
    'stacks/shop/key': 'k',
    'stacks/shop/more.yaml': 'services: { api: { deploy: { replicas: 5 } } }\n',
  });
  for (const args of [
    ['shop'],
    ['stacks/shop'],
    ['stacks/shop/compose.yaml'],
    ['-f', 'stacks/shop/compose.yaml', '-f', 'stacks/shop/more.yaml'],
  ]) {
    const { code, out, err } = await run(...args, '--dry-run');
    assert.is(code, 0, err);
    assert.match(out, args.length > 2 ? /replicas: 5/ : /replicas: 3/, args.join(' '));
  }
  assert.is((await run('shop')).code, 0);
  assert.ok(existsSync(join(folder, 'stacks/shop/kubernetes/base/web.yaml')), 'beside the compose file');
});

test('a wrong command line is told', async () => {
  const { run } = inFolder({ 'compose.yaml': SHOP });
  for (const [args, says] of [
    [['--to', 'nomad'], /--to takes kubernetes/],
    [['--sidecars', 'none'], /native or plain/],
    [['--kind', 'CronJob'], /--kind takes pod/],
    [['nowhere'], /nothing at nowhere/],
    [['--namespace', 'A b'], /--namespace/],
    [['--registry', 'http://x'], /--registry/],
    [['a', 'b'], /one project/],
    [['--what'], /what/],
  ] as const) {
    const { code, err } = await run(...args);
    assert.is(code, 2, args.join(' '));
    assert.match(err, says);
  }
});

test('what is exported is known again: the sidecar of the manifest is a native sidecar', async () => {
  const { folder, run } = inFolder({
    'compose.yaml': `
name: shop
services:
  pod: { image: "registry.k8s.io/pause:3.10", labels: { dev.sidecar-stacks.role: pod } }
  tls: { image: "sidecar-stacks/tls:1", network_mode: "service:pod", restart: always, environment: { PROXY_PORT: "80" } }
  web: { image: "shop/web:1", network_mode: "service:pod", restart: always, depends_on: [tls] }
`,
  });
  await run('-o', 'out');
  const [group] = identify(['out/base'], { base: folder, environment: {} }).groups;
  assert.equal(
    group!.containers.map((each) => [each.name, each.class]),
    [
      ['tls', 'native-sidecar'],
      ['web', 'app'],
    ],
  );
});

test('refusals end with the options that solve them, and those do', async () => {
  const compose = `
name: shop
services:
  web: { build: ., restart: always, volumes: ["./data:/data", "/srv/x:/x:ro"] }
  api: { build: ., image: "shop/api", restart: always }
  db: { image: postgres, restart: always }
`;
  const { run, put, read } = inFolder({ 'compose.yaml': compose });
  put('data/file', 'x');
  const { code, err } = await run('-o', 'out');
  assert.is(code, 1);
  assert.match(err, /5 refused, nothing written/);
  const flags = /^Written with: (.*)$/m.exec(err)![1]!;
  for (const flag of ['--tag VERSION', '--allow-floating', '--host-paths volume'])
    assert.ok(flags.includes(flag), flags);
  const args = flags.replace('VERSION', '1.4.2').split(' ');
  const done = await run('-o', 'out', ...args);
  assert.is(done.code, 0, done.err);
  assert.match(done.err, /postgres, which is another image each time/);
  assert.match(done.err, /stands for \.\/data and begins empty/);
  assert.match(read('out/base/web.yaml'), /image: shop-web:1\.4\.2/);
  assert.match(read('out/base/api.yaml'), /image: shop\/api:1\.4\.2/);
  for (const file of ['web', 'api', 'db'])
    for (const object of parseAllDocuments(read(`out/base/${file}.yaml`))) assert.equal(mistakesIn(object.toJS()), []);
});

test('--host-paths node takes the paths of each node, files too', async () => {
  const { run, read } = inFolder({
    'compose.yaml': 'services: {web: {image: "x:1", restart: always, volumes: ["/etc/hostname:/h:ro", "/srv/x:/x"]}}',
  });
  const { code } = await run('-o', 'out', '--host-paths', 'node');
  assert.is(code, 0);
  assert.match(read('out/base/web.yaml'), /path: \/etc\/hostname[^\n]*\n +type: File/);
  assert.match(read('out/base/web.yaml'), /path: \/srv\/x[^\n]*\n +type: DirectoryOrCreate/);
  for (const object of parseAllDocuments(read('out/base/web.yaml'))) assert.equal(mistakesIn(object.toJS()), []);
});

test('a home folder becomes a claim, and never the path of a node', async () => {
  const { run, read } = inFolder({
    'compose.yaml': 'services: {web: {image: "x:1", restart: always, volumes: ["~/data:/data"]}}',
  });
  assert.match((await run('-o', 'out')).err, /Written with: --host-paths volume\n/);
  assert.is((await run('-o', 'out', '--host-paths', 'node')).code, 1);
  const { code, err } = await run('-o', 'out', '--host-paths', 'volume');
  assert.is(code, 0, err);
  assert.match(err, /stands for ~\/data and begins empty/);
  for (const object of parseAllDocuments(read('out/base/web.yaml'))) assert.equal(mistakesIn(object.toJS()), []);
});

test('what cannot be solved by an option is counted', async () => {
  const { run } = inFolder({
    'compose.yaml': 'services: {web: {image: x, restart: always, network_mode: host}}',
  });
  const { err } = await run('-o', 'out');
  assert.match(err, /2 refused, nothing written.\nAll but 1 solved with: --allow-floating\n/);
});

test.run();
