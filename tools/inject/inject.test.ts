import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { withComposeFile, withoutComposeFile } from './dotenv.ts';
import { labelled, planInjection, planRemoval, type Plan } from './inject.ts';
import { unusedPorts } from './publish.ts';
import { Refusal } from '../bundled/refusal.ts';
import type { Injection } from './request.ts';

const test = suite('inject: compose');

interface Folder {
  readonly folder: string;
  readonly plan: (...wanted: Partial<Injection>[]) => Plan;
  readonly keep: (plan: Plan) => void;
}
function inFolder<T>(files: Record<string, string>, use: (folder: Folder) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'inject-'));
  const target = { folder, files: [], environment: {} };
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return use({
      folder,
      plan: (...wanted) =>
        planInjection(
          target,
          wanted.map((each) => ({ sidecar: 'tls', into: 'web', set: {}, publish: [], share: [], ...each })),
        ),
      keep: ({ path, after }) => writeFileSync(path, after!),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
type Services = Record<string, Record<string, unknown>>;
/** The written services; tags are read as values. */
const written = ({ after }: Plan): Services =>
  (parse(after!, { logLevel: 'silent' }) as { services: Services }).services;
const planned = (compose: string, wanted: Partial<Injection> = {}): Services =>
  inFolder({ 'compose.yaml': compose }, ({ plan }) => written(plan(wanted)));
const refusal = (compose: string, wanted: Partial<Injection> = {}): string => {
  try {
    planned(compose, wanted);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return 'injected';
};

test('beside an application that is restarted, its pod and its sidecar are restarted always', () => {
  const policies = (files: Record<string, string>): unknown[] =>
    inFolder(files, ({ plan }) => {
      const { 'web-pod': pod, 'web-tls': tls } = written(plan({}));
      return [pod!['restart'], tls!['restart']];
    });
  const web = 'services: { web: { image: x, ports: ["80"]';
  assert.equal(policies({ 'compose.yaml': `${web}, restart: always } }` }), ['always', 'always']);
  assert.equal(policies({ 'compose.yaml': `${web}, restart: "no" } }` }), [undefined, 'unless-stopped']);
  assert.equal(policies({ 'compose.yaml': `${web}, deploy: { restart_policy: {} } } }` }), ['always', 'always']);
  const over = 'services: { web: { restart: unless-stopped } }';
  assert.equal(policies({ 'compose.yaml': `${web} } }`, 'compose.override.yaml': over }), ['always', 'always']);
});

test("what makes a network moves to the pod, with the service's names as aliases", () => {
  const { 'web-pod': pod, web } = planned(`services:
  web:
    image: x
    container_name: shop
    hostname: h
    ports: ["\${PORT:-80}:8080"]
    networks: {front: {aliases: [a], ipv4_address: 10.0.0.2}, back: }
    dns: [1.1.1.1]
    extra_hosts: ["x:1.2.3.4"]
    mac_address: "02:42:ac:11:65:43"
    sysctls: {net.core.somaxconn: 1024, kernel.msgmax: 1}
    links: ["db:database"]
  db: {image: y}`);
  assert.equal(pod!['networks'], {
    front: { aliases: ['web', 'shop', 'a'], ipv4_address: '10.0.0.2' },
    back: { aliases: ['web', 'shop'] },
  });
  assert.equal(pod!['ports'], ['${PORT:-80}:8080']);
  assert.equal(
    [pod!['hostname'], pod!['dns'], pod!['extra_hosts'], pod!['links']],
    ['h', ['1.1.1.1'], ['x:1.2.3.4'], ['db:database']],
  );
  assert.equal(pod!['sysctls'], { 'net.core.somaxconn': 1024 });
  assert.is(web!['network_mode'], 'service:web-pod');
  assert.equal(web!['ports'], []);
  assert.equal(web!['sysctls'], { 'kernel.msgmax': 1 });
  assert.equal(web!['depends_on'], {
    'web-pod': { condition: 'service_started', restart: true },
    'web-tls': { condition: 'service_healthy' },
    db: { condition: 'service_started' },
  });
});

test('images of sidecars are built, and never asked of a registry', () => {
  const services = planned('services: {web: {image: x, expose: [80]}}');
  assert.is(services['web-tls']!['pull_policy'], 'never');
});

test("who joined the service joins the pod, also by its container's name", () => {
  const services = planned(
    'services: {web: {image: x, expose: [80], container_name: shop}, a: {image: y, network_mode: "service:web"}, b: {image: y, network_mode: "container:shop"}, c: {image: y}}',
  );
  assert.equal(
    [services['a']!['network_mode'], services['b']!['network_mode'], services['c']],
    ['service:web-pod', 'service:web-pod', undefined],
  );
});

test("each replica is a whole pod under the service's name; one of them publishes a port", () => {
  const services = planned(
    `services:
  web:
    image: x
    environment: { A: "${'$'}{B}" }
    ports: ["8080:80", "9000-9009:81"]
    volumes: ["./data:/data"]
    depends_on: [db]
    deploy: { replicas: 2, labels: { a: b } }
  db: {image: y}`,
    { set: { PROXY_PORT: '80' } },
  );
  assert.equal(Object.keys(services), ['web-pod', 'web', 'web-tls', 'web-2-pod', 'web-2', 'web-2-tls']);
  assert.equal(
    [services['web-pod']!['ports'], services['web-2-pod']!['ports']],
    [['8080:80', '9000-9009:81'], ['9000-9009:81']],
  );
  assert.equal(services['web-2-pod']!['networks'], { default: { aliases: ['web'] } });
  assert.equal(services['web']!['deploy'], { replicas: 1, labels: { a: 'b' } });
  assert.equal(services['web-2'], {
    image: 'x',
    environment: { A: '${B}' },
    volumes: ['./data:/data'],
    depends_on: {
      db: { condition: 'service_started' },
      'web-2-pod': { condition: 'service_started', restart: true },
      'web-2-tls': { condition: 'service_healthy' },
    },
    deploy: { replicas: 1, labels: { a: 'b' } },
    network_mode: 'service:web-2-pod',
  });
});

test('hooks stay with their service and each of its replicas; included services are left alone', () => {
  const services = planned(
    'include: ["oci://docker.io/acme/db:1"]\nservices: {web: {image: x, scale: 2, expose: [80], pre_start: [{command: migrate}], pre_stop: [{command: drain}]}}',
  );
  assert.equal(
    ['pre_start', 'pre_stop'].flatMap((key) => services['web']![key] ?? []),
    [],
  );
  assert.equal(
    [services['web-2']!['pre_start'], services['web-2']!['pre_stop']],
    [[{ command: 'migrate' }], [{ command: 'drain' }]],
  );
});

test('a sidecar that looks at processes shares them', () => {
  const services = planned('services: {web: {image: x}}', { sidecar: 'topz' });
  assert.equal([services['web']!['pid'], services['web-topz']!['pid']], ['service:web-pod', 'service:web-pod']);
});

test("a shared path is the application's own mount, or a new volume", () => {
  const compose = 'services: {web: {image: x, volumes: ["./logs:/var/log/web"]}}';
  const shared = (path: string) =>
    planned(compose, {
      sidecar: 'log-shipper',
      set: { STORE_URL: 'http://store:9200', FILE_PATHS: `${path}/*.log` },
      share: [path],
    });
  assert.ok((shared('/var/log/web')['web-log-shipper']!['volumes'] as string[]).includes('./logs:/var/log/web'));
  const fresh = shared('/data');
  assert.equal(fresh['web']!['volumes'], ['web-shared-data:/data']);
});

test('a shared mount is found behind variables, and keeps what is said of it', () => {
  const mounts = [
    '${DATA_DIR:-./data}:/data:ro',
    '${HOST:?say where}:/srv/',
    { type: 'bind', source: './x', target: '/x' },
  ];
  const compose = `services: {web: {image: x, volumes: ${JSON.stringify(mounts)}}}`;
  const share = (path: string) => planned(compose, { sidecar: 'topz', share: [path] });
  for (const [path, mount] of [
    ['/data', mounts[0]],
    ['/srv', mounts[1]],
    ['/x/', mounts[2]],
  ] as const) {
    const services = share(path);
    assert.equal([services['web-topz']!['volumes'], services['web']!['volumes']], [[mount], undefined]);
  }
});

const topz = (path: string): Partial<Injection> => ({ sidecar: 'topz', share: [path] });
const REFUSED: [string, string, Partial<Injection>?][] = [
  ['replicas', 'services: {web: {image: x, expose: [80], container_name: w, deploy: {replicas: 3}}}'],
  ['replicas', 'services: {web: {image: x, expose: [80], scale: many}}'],
  ['network-mode-host', 'services: {web: {image: x, network_mode: host}}'],
  ['network-mode-none', 'services: {web: {image: x, network_mode: none}}'],
  ['network-mode-container', 'services: {web: {image: x, network_mode: "container:other"}}'],
  ['joins-another', 'services: {web: {image: x, network_mode: "service:db"}, db: {image: y}}'],
  ['provider', 'services: {web: {provider: {type: x}}}'],
  ['port-clash', 'services: {web: {image: x, expose: [8443]}}'],
  ['app-port', 'services: {web: {image: x}}'],
  ['app-port', 'services: {web: {image: x, expose: [80, 81]}}'],
  ['injected', 'services: {web: {image: x, ports: ["8080:${PORT:-80}"]}}'],
  ['label', 'services: {web: {image: x, expose: [80], labels: {dev.sidecar-stacks.inject: "false"}}}'],
  ['label', 'services: {web: {image: x, expose: [80], labels: ["dev.sidecar-stacks.inject=false"]}}'],
  ['share-below-mount', 'services: {web: {image: x, volumes: ["${D:-./d}:/data"]}}', topz('/data/logs')],
  ['share-above-mount', 'services: {web: {image: x, volumes: ["./d:/var/log"]}}', topz('/var')],
  ['share-unnamed', 'services: {web: {image: x, volumes: [/data]}}', topz('/data')],
  ['share-unnamed', 'services: {web: {image: x, tmpfs: /run}}', topz('/run')],
  ['share-unnamed', 'services: {web: {image: x, secrets: [key]}}', topz('/run/secrets/key')],
  ['share-twice', 'services: {web: {image: x, volumes: ["./a:/data", "./b:/data/"]}}', topz('/data')],
  ['share-volumes-from', 'services: {web: {image: x, volumes_from: [db]}, db: {image: y}}', topz('/data')],
  ['no-targets', 'services: {web: {image: x}}', { sidecar: 'probe' }],
  ['publish-twice', 'services: {web: {image: x, ports: ["${P:-8443}:80"]}}', { publish: ['127.0.0.1:8443:8443'] }],
  [
    'publish-twice',
    'services: {web: {image: x, expose: [80]}, db: {image: y, ports: [{target: 1, published: 8443}]}}',
    { publish: ['8443:8443'] },
  ],
  ['injected', 'services: {web: {image: x, ports: ["127.0.0.2:8443:80"]}}', { publish: ['127.0.0.1:8443:8443'] }],
  ['injected', 'services: {web: {image: x, ports: ["8443:80/udp", "81:80"]}}', { publish: ['8443:8443'] }],
  ['share-path', 'services: {web: {image: x}}', topz('data')],
  ['no-such-service', 'services: {other: {image: x}}'],
  ['no-such-sidecar', 'services: {web: {image: x, expose: [80]}}', { sidecar: 'tsl' }],
  ['pid', 'services: {web: {image: x, pid: host}}', { sidecar: 'topz' }],
];
for (const [reason, compose, wanted] of REFUSED)
  test(`is refused by name: ${reason} (${compose.slice(10, 60)})`, () => {
    assert.is(refusal(compose, wanted), reason);
  });

test('a parameter that the contract does not know, or not so, is named', () => {
  const compose = 'services: {web: {image: x, expose: [80]}}';
  for (const set of [{ TLS_MOD: 'http' }, { TLS_MODE: 'htp' }, { TLS_LISTEN_PORT: '99999' }])
    assert.throws(() => planned(compose, { set: set as Record<string, string> }), new RegExp(Object.keys(set)[0]!));
  planned(compose, { set: { TLS_MODE: '${MODE}' } });
});

test('injecting twice changes nothing; several sidecars share one pod; each is removed alone', () => {
  inFolder({ 'compose.yaml': 'services: {web: {image: x, expose: [80]}}' }, ({ folder, plan, keep }) => {
    const first = plan({});
    keep(first);
    assert.is(plan({}).after, first.after);
    const both = plan({ sidecar: 'topz' });
    keep(both);
    assert.equal(Object.keys(written(both)), ['web-pod', 'web', 'web-tls', 'web-topz']);
    const target = { folder, files: [], environment: {} };
    assert.is(planRemoval(target, ({ sidecar }) => sidecar === 'topz').after, first.after);
    assert.is(planRemoval(target).after, undefined);
    assert.equal(readdirSync(folder), ['compose.sidecars.yaml', 'compose.yaml']);
  });
});

test('a file of that name that somebody else wrote is left alone', () => {
  inFolder(
    { 'compose.yaml': 'services: {web: {image: x, expose: [80]}}', 'compose.sidecars.yaml': 'services: {}' },
    ({ plan }) => {
      assert.throws(
        () => plan({}),
        (error: unknown) => error instanceof Refusal && error.reason === 'not-ours',
      );
    },
  );
});

test('an override file that compose takes by itself is named; an existing COMPOSE_FILE is kept', () => {
  inFolder(
    {
      'docker-compose.yml': 'services: {web: {image: x}}',
      'docker-compose.override.yml': 'services: {web: {ports: ["8080"]}}',
    },
    ({ plan, folder }) => {
      assert.equal(plan({}).files, ['docker-compose.yml', 'docker-compose.override.yml']);
      assert.is.not(existsSync(join(folder, '.env')), true);
    },
  );
});

test('labels ask for sidecars', () => {
  inFolder(
    {
      'compose.yaml':
        'services: {a: {image: x, labels: {dev.sidecar-stacks.inject: "tls,topz"}}, b: {image: y, labels: ["dev.sidecar-stacks.inject=false"]}, c: {image: z}}',
    },
    ({ folder }) => {
      const found = labelled({ folder, files: [], environment: {} }, { set: {}, publish: [], share: [] });
      assert.equal(
        found.map(({ sidecar, into }) => [sidecar, into]),
        [
          ['tls', 'a'],
          ['topz', 'a'],
        ],
      );
    },
  );
});

test('.env is what it was, byte for byte, whatever it was', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('COMPOSE_FILE=a.yml:b.yml', 'A=1', '', '# x', 'export COMPOSE_FILE = "x"', 'A=1\r'),
  );
  const content = fc.option(
    fc
      .array(line, { minLength: 1 })
      .map((lines) => lines.join('\n'))
      .filter((text) => text !== ''),
    { nil: undefined },
  );
  fc.assert(
    fc.property(content, (before) => {
      const after = withComposeFile(before, ['compose.yaml', 'compose.sidecars.yaml']);
      assert.match(after, /^COMPOSE_FILE=compose.yaml:compose.sidecars.yaml$/m);
      assert.is(withComposeFile(after, ['compose.yaml', 'compose.sidecars.yaml']), after);
      assert.is(withoutComposeFile(after), before);
    }),
    { numRuns: 500 },
  );
});

test('a published port on which no sidecar listens is named', () => {
  const tls = { sidecar: 'tls', into: 'web', set: {}, share: [] };
  assert.equal(unusedPorts({ injections: [{ ...tls, publish: ['127.0.0.1:1:8443', '2:8443'] }] }), []);
  assert.match(unusedPorts({ injections: [{ ...tls, publish: ['1:9999'] }] })[0]!, /does not listen on port 9999/);
});

test('files of the user are never written', () => {
  const compose = 'services: {web: {image: x, expose: [80]}}';
  inFolder({ 'compose.yaml': compose }, ({ plan, folder }) => {
    plan({});
    assert.is(readFileSync(join(folder, 'compose.yaml'), 'utf8'), compose);
    assert.equal(readdirSync(folder), ['compose.yaml']);
  });
});

test.run();
