/** What each thing of a compose file becomes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exported, type Manifest } from './test-project.ts';
import { mistakesIn } from './test-schema.ts';

const test = suite('export');

const PAUSE = '{ image: "registry.k8s.io/pause:3.10", labels: { dev.sidecar-stacks.role: pod } }';
/** A project of one service. */
const one = (lines: string, rest = ''): Record<string, string> => ({
  'compose.yaml': `name: one\nservices:\n  web:\n    image: nginx:1.29\n    restart: always\n${lines.replaceAll(/^/gm, '    ')}\n${rest}`,
});
/** Its one container. */
const container = (lines: string, rest = ''): Manifest =>
  exported(one(lines, rest)).pod('web')['containers'][0] as Manifest;

const POD = `
name: shop
services:
  shop-pod:
    image: registry.k8s.io/pause:3.10
    ports: ["127.0.0.1:8443:8443", "9000-9001:9000-9001/udp"]
    networks: { default: { aliases: [shop] } }
  proxy:
    image: sidecar-stacks/tls:1.2
    network_mode: service:shop-pod
    environment: { PROXY_PORT: "8000" }
    restart: unless-stopped
    stop_grace_period: 4s
    healthcheck: { test: [CMD, /sidecar/healthcheck, /startupz], interval: 10s, start_period: 30s }
    depends_on: { migrate: { condition: service_completed_successfully } }
    labels: { dev.sidecar-stacks.role: sidecar }
  agent:
    image: agent:1
    network_mode: service:shop-pod
    restart: always
    depends_on: { proxy: { condition: service_healthy } }
    labels: { dev.sidecar-stacks.role: sidecar }
  migrate:
    image: shop:7
    command: migrate --all 'with space'
  web:
    image: shop:7
    network_mode: service:shop-pod
    restart: always
    stop_grace_period: 1m30s
    depends_on: { agent: { condition: service_started } }
`;

test('a pod group is one workload: no pause container, one-shots and sidecars first, in order', () => {
  const { objects, pod } = exported({ 'compose.yaml': POD });
  assert.equal([...objects.keys()], ['Service shop-pod', 'Service shop', 'Service shop-published', 'Deployment shop']);
  const { initContainers, containers } = pod('shop') as { initContainers: Manifest[]; containers: Manifest[] };
  assert.equal(
    initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
    [
      ['migrate', undefined],
      ['proxy', 'Always'],
      ['agent', 'Always'],
    ],
  );
  assert.equal(
    containers.map(({ name }) => name),
    ['web'],
  );
  assert.equal(initContainers[0]!['args'], ['migrate', '--all', 'with space']);
});

test('a name that several pods have is one Service, which leads to each of them', () => {
  const replica = (name: string): string => `  ${name}-pod:
    image: registry.k8s.io/pause:3.10
    networks: { default: { aliases: [books] } }
  ${name}:
    image: books:1
    network_mode: service:${name}-pod
    restart: always
`;
  const { objects } = exported({ 'compose.yaml': `name: shop\nservices:\n${replica('one')}${replica('two')}` });
  assert.equal(
    [...objects.keys()],
    ['Service books', 'Service one-pod', 'Deployment one', 'Service two-pod', 'Deployment two'],
  );
  const { selector } = objects.get('Service books')!['spec'] as { selector: Record<string, string> };
  for (const name of ['one', 'two']) {
    const { template, selector: own } = objects.get(`Deployment ${name}`)!['spec'] as Manifest;
    const { labels } = template['metadata'] as { labels: Record<string, string> };
    for (const [label, value] of Object.entries(selector)) assert.is(labels[label], value, label);
    for (const [label, value] of Object.entries(own['matchLabels'] as Record<string, string>))
      assert.is(labels[label], value, label);
  }
  assert.not.equal(selector, { 'app.kubernetes.io/part-of': 'shop' }, 'no other pod is meant');
});

test('a sidecar of this house is asked at its admin port', () => {
  const { initContainers } = exported({ 'compose.yaml': POD }).pod('shop') as { initContainers: Manifest[] };
  const proxy = initContainers.find(({ name }) => name === 'proxy')!;
  assert.equal(proxy['startupProbe'].httpGet, { path: '/startupz', port: 9901 });
  assert.equal(proxy['livenessProbe'].httpGet, { path: '/healthz', port: 9901 });
  assert.equal(proxy['readinessProbe'].httpGet, { path: '/readyz', port: 9901 });
  assert.is(initContainers.find(({ name }) => name === 'migrate')!['startupProbe'], undefined);
});

test('an admin port that listens inside alone is asked inside', () => {
  const inside = POD.replace('PROXY_PORT: "8000"', 'PROXY_PORT: "8000", ADMIN_ADDRESS: 127.0.0.1');
  const { initContainers } = exported({ 'compose.yaml': inside }).pod('shop') as { initContainers: Manifest[] };
  assert.equal(initContainers[1]!['livenessProbe'].exec, { command: ['/sidecar/healthcheck', '/healthz'] });
});

test('plain sidecars are ordinary containers, asked by a command', () => {
  const { pod } = exported({ 'compose.yaml': POD }, { style: 'plain', bare: true });
  const { initContainers, containers } = pod('shop') as { initContainers: Manifest[]; containers: Manifest[] };
  assert.equal(
    [initContainers, containers].map((list) => list.map(({ name }) => name)),
    [['migrate'], ['proxy', 'agent', 'web']],
  );
  assert.is(containers[0]!['restartPolicy'], undefined);
  assert.equal(containers[0]!['readinessProbe'].exec, { command: ['/sidecar/healthcheck', '/readyz'] });
});

test('names lead to the pod, published ports to a Service; sidecars get the longer grace period', () => {
  const { objects, pod } = exported({ 'compose.yaml': POD });
  for (const name of ['shop-pod', 'shop']) assert.is(objects.get(`Service ${name}`)?.['spec'].clusterIP, 'None');
  assert.equal(
    objects
      .get('Service shop-published')
      ?.['spec'].ports.map(({ port, targetPort, protocol }: Manifest) => [port, targetPort, protocol]),
    [
      [8443, 8443, 'TCP'],
      [9000, 9000, 'UDP'],
      [9001, 9001, 'UDP'],
    ],
  );
  // 90 s, and the agent's 10 s, which nobody said.
  assert.is(pod('shop')['terminationGracePeriodSeconds'], 100);
});

test('comments name the line that a part comes from', () => {
  const [file] = exported({ 'compose.yaml': POD }).files.filter(({ path }) => path === 'base/shop.yaml');
  const lines = POD.split('\n');
  const lineOf = (text: string): number => lines.findIndex((line) => line.includes(text)) + 1;
  assert.match(file!.text, new RegExp(`image: agent:1 # compose\\.yaml:${lineOf('image: agent:1')}\\n`));
  assert.match(
    file!.text,
    new RegExp(`# compose\\.yaml:${lineOf('networks: { default')}\\napiVersion: v1\\nkind: Service`),
  );
  assert.match(file!.text, new RegExp(`- name: PROXY_PORT # compose\\.yaml:${lineOf('PROXY_PORT')}\\n`));
});

const KINDS: readonly (readonly [string, string, string])[] = [
  ['a service that goes on', 'restart: always', 'Deployment'],
  ['one whose volume is to last', 'restart: always\n    volumes: ["data:/data"]', 'StatefulSet'],
  ['one that ends', 'restart: "no"', 'Job'],
  ['one that is tried again until it succeeds', 'restart: on-failure:3', 'Job'],
  ['one whose volume is in memory', 'restart: always\n    volumes: ["scratch:/data"]', 'Deployment'],
];
for (const [what, lines, kind] of KINDS)
  test(`${what} is a ${kind}, and a bare pod with --kind pod`, () => {
    const files = {
      'compose.yaml': `name: one\nservices:\n  web:\n    image: nginx:1.29\n    ${lines}\nvolumes: { data: , scratch: { driver_opts: { type: tmpfs, o: "size=2m,uid=7" } } }\n`,
    };
    const { objects } = exported(files);
    assert.ok(objects.has(`${kind} web`), [...objects.keys()].join());
    const bare = exported(files, { bare: true });
    assert.ok(bare.objects.has('Pod web'), [...bare.objects.keys()].join());
    if (kind === 'Job') assert.is(objects.get('Job web')!['spec'].template.spec.restartPolicy, 'OnFailure');
    for (const object of [...objects.values(), ...bare.objects.values()]) assert.equal(mistakesIn(object), []);
  });

test('a one-shot that several pods wait for is a Job, and what they share a claim', () => {
  const { objects, noted } = exported({
    'compose.yaml': `
name: two
services:
  keys: { image: "keys:1", volumes: ["keys:/keys"] }
  a: { image: "a:1", restart: always, volumes: ["keys:/keys:ro"], depends_on: { keys: { condition: service_completed_successfully } } }
  b: { image: "b:1", restart: always, volumes: ["keys:/keys:ro"], depends_on: { keys: { condition: service_completed_successfully } } }
volumes: { keys: }
`,
  });
  assert.ok(objects.has('Job keys'));
  assert.equal(objects.get('PersistentVolumeClaim keys')?.['spec'].accessModes, ['ReadWriteMany']);
  assert.ok(noted.includes('shared-volume') && noted.includes('order-of-pods'));
  assert.is(objects.get('Deployment a')?.['spec'].strategy.type, 'Recreate');
});

test('a one-shot that needs its pod to run stays outside of it', () => {
  const { objects } = exported({
    'compose.yaml': `
name: seed
services:
  db: { image: "db:1", restart: always }
  seed: { image: "db:1", depends_on: { db: { condition: service_healthy } } }
  db-watch: { image: "db:1", restart: always, network_mode: service:db, depends_on: { seed: { condition: service_completed_successfully } } }
`,
  });
  assert.ok(objects.has('Job seed'), [...objects.keys()].join());
});

test('what a service may do is its securityContext', () => {
  const made = container(
    'user: "101:102"\nread_only: true\ncap_drop: [ALL]\ncap_add: [CAP_NET_BIND_SERVICE]\nsecurity_opt: [no-new-privileges:true]\nmem_limit: 1.5g\ncpus: 0.5\nmem_reservation: 64mb\ngroup_add: ["4", adm, nosuch]',
  );
  assert.equal(made['securityContext'], {
    runAsNonRoot: true,
    runAsUser: 101,
    runAsGroup: 102,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  assert.equal(made['resources'], {
    limits: { cpu: '500m', memory: String(1.5 * 1024 ** 3) },
    requests: { memory: '64Mi' },
  });
  assert.is(container('user: root')['securityContext'].runAsNonRoot, undefined);
  assert.is(container('user: www-data:www-data')['securityContext'].runAsUser, 33);
  assert.is(container('user: etcd')['securityContext'].runAsUser, undefined);
});

test('who listens on a port below 1024 may do so without being root, as with docker', () => {
  const sysctls = (lines: string): unknown => exported(one(lines)).pod('web')['securityContext']?.sysctls;
  const low = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }];
  assert.equal(sysctls('ports: ["8080:80"]'), low);
  assert.equal(sysctls('expose: [443]'), low);
  assert.is(sysctls('ports: ["80:8080"]'), undefined);
  const pause = 'services:\n  web-pod: { image: "p:1", labels: { dev.sidecar-stacks.role: pod }, expose: ["80"] }\n';
  const joined = '  web: { image: "w:1", network_mode: "service:web-pod" }\n';
  const { pod } = exported({ 'compose.yaml': pause + joined });
  assert.equal(pod('web')['securityContext']?.sysctls, low, "said at the pod's pause service");
  const own = { name: 'net.ipv4.ip_unprivileged_port_start', value: '500' };
  assert.equal(sysctls('ports: ["8080:80"]\nsysctls: { net.ipv4.ip_unprivileged_port_start: 500 }'), [own]);
});

test('what are two volumes in compose are two in the pod, though their names are alike', () => {
  const { pod } = exported({
    'compose.yaml': `
services:
  web-pod: { image: "p:1", labels: { dev.sidecar-stacks.role: pod } }
  a: { image: "a:1", network_mode: "service:web-pod", tmpfs: [/b/c], volumes: ["a-x:/data", "a_x:/more", "a-d:/d"] }
  a-b: { image: "a:1", network_mode: "service:web-pod", tmpfs: [/c], volumes: ["a-x:/data"] }
  a_d: { image: "a:1", network_mode: "service:web-pod", tmpfs: [/e], volumes: ["a-d:/d"] }
volumes: { a-x: , a_x: { driver_opts: { type: tmpfs, device: tmpfs } }, a-d: }
`,
  });
  const { containers } = pod('web');
  const at = (service: number, path: string): string =>
    containers[service].volumeMounts.find(({ mountPath }: { mountPath: string }) => mountPath === path).name;
  const distinct = [at(0, '/b/c'), at(0, '/data'), at(0, '/more'), at(0, '/d'), at(1, '/c'), at(2, '/e')];
  assert.is(new Set(distinct).size, distinct.length, distinct.join(' '));
  assert.is(at(1, '/data'), at(0, '/data'));
  assert.is(at(2, '/d'), at(0, '/d'));
});

test('a name that no Service can have is told, with what it is found as', () => {
  const named = (alias: string) =>
    exported({
      'compose.yaml': `services: { web: { image: "w:1", networks: { default: { aliases: ["${alias}"] } } } }`,
    });
  assert.ok(named('shop.example').noted.includes('service-name'));
  assert.ok(named('my_shop').noted.includes('service-name'));
  assert.not.ok(named('shop').noted.includes('service-name'));
});

test('a health check is a startup and a readiness probe; nothing is restarted for it', () => {
  const made = container(
    'healthcheck: { test: "curl -f http://localhost/ && true", interval: 1500ms, timeout: 3s, retries: 4, start_period: 9s, start_interval: 2s }',
  );
  const exec = { command: ['/bin/sh', '-c', 'curl -f http://localhost/ && true'] };
  assert.equal(made['startupProbe'], { exec, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 9 });
  assert.equal(made['readinessProbe'], { exec, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 4 });
  assert.is(made['livenessProbe'], undefined);
  for (const off of ['healthcheck: { disable: true, test: [CMD, x] }', 'healthcheck: { test: [NONE] }'])
    assert.is(container(off)['readinessProbe'], undefined);
});

test('what the compose file does not say of an image that is built here, its Dockerfile does', () => {
  const built = (lines: string, dockerfile: string): Manifest =>
    exported({ ...one(`build: ./web\n${lines}`), 'web/Dockerfile': dockerfile }).pod('web')[
      'containers'
    ][0] as Manifest;
  const DOCKERFILE = `FROM debian
USER 101:102
HEALTHCHECK --interval=7s --timeout=2s --start-period=4s --start-interval=100ms --retries=5 CMD ["check", "me"]
`;
  const made = built('', DOCKERFILE);
  assert.is(made['securityContext'].runAsUser, 101);
  assert.equal(made['startupProbe'], {
    exec: { command: ['check', 'me'] },
    periodSeconds: 1,
    timeoutSeconds: 2,
    failureThreshold: 9,
  });
  assert.equal(made['readinessProbe'], {
    exec: { command: ['check', 'me'] },
    periodSeconds: 7,
    timeoutSeconds: 2,
    failureThreshold: 5,
  });
  assert.is(built('user: "7:7"', DOCKERFILE)['securityContext'].runAsUser, 7);
  assert.is(built('healthcheck: { disable: true }', DOCKERFILE)['readinessProbe'], undefined);
  const kit = built('', 'FROM debian\nENV ADMIN_PORT=9971\nHEALTHCHECK CMD ["/sidecar/healthcheck", "/startupz"]\n');
  assert.equal(kit['livenessProbe'].httpGet, { path: '/healthz', port: 9971 });
});

const PROBED = (targets: string): string => `
name: probed
services:
  pod: ${PAUSE}
  probe:
    image: sidecar-stacks/probe:1.0
    network_mode: service:pod
    pid: service:pod
    restart: always
    environment: { PROBE_TARGETS: ${JSON.stringify(targets)} }
    labels: { dev.sidecar-stacks.role: sidecar }
  web:
    image: web:1
    command: [python3, /srv/web.py]
    network_mode: service:pod
    pid: service:pod
    restart: always
    depends_on: { probe: { condition: service_healthy } }
`;

test("the probe sidecar's targets become liveness probes, and it is needed no more", () => {
  const { pod, refused, noted } = exported({
    'compose.yaml': PROBED(
      '[{ name: shop, process: web.py, livenessProbe: { httpGet: { port: 8000, path: /ok }, periodSeconds: 2, failureThreshold: 5 } }]',
    ),
  });
  assert.equal(refused, []);
  const { initContainers, containers, shareProcessNamespace } = pod('web');
  assert.is(initContainers, undefined);
  assert.is(shareProcessNamespace, true);
  assert.equal(containers[0].livenessProbe, {
    httpGet: { path: '/ok', port: 8000 },
    initialDelaySeconds: 0,
    periodSeconds: 2,
    timeoutSeconds: 1,
    failureThreshold: 5,
    terminationGracePeriodSeconds: 30,
  });
  assert.ok(noted.includes('probe-from-outside'));
});

for (const [what, targets] of [
  ['a process', '[{ name: web, livenessProbe: { process: {} } }]'],
  ['nobody in the pod', '[{ name: other, livenessProbe: { tcpSocket: { port: 1 } } }]'],
  ['nothing that can be read', '{'],
])
  test(`a probe sidecar with a target that is ${what} stays`, () => {
    const { pod, noted } = exported({ 'compose.yaml': PROBED(targets!) });
    assert.equal(
      pod('web')['initContainers'].map(({ name }: Manifest) => name),
      ['probe'],
    );
    assert.ok(noted.some((code) => code.startsWith('probe-target')));
  });

test('secrets are Secrets, their file is for its owner, and what is not here is named', () => {
  const { objects, files, noted, pod } = exported({
    'compose.yaml': `
name: secret
services:
  web: { image: "web:1", restart: always, secrets: [password, { source: key, target: /etc/key.pem }, vault] }
secrets: { password: { file: ./password }, key: { file: ./key }, vault: { external: true } }
`,
    password: 'swordfish',
    key: 'a\u0000b',
  });
  assert.equal(objects.get('Secret password')?.['stringData'], { password: 'swordfish' });
  assert.equal(objects.get('Secret key')?.['data'], { 'key.pem': Buffer.from('a\u0000b').toString('base64') });
  assert.ok(!objects.has('Secret vault') && noted.includes('made-elsewhere'));
  assert.equal(
    files.filter(({ secret }) => secret).map(({ path }) => path),
    ['base/secrets.yaml'],
  );
  assert.equal(
    pod('web')['containers'][0].volumeMounts.map(({ mountPath, subPath }: Manifest) => [mountPath, subPath]),
    [
      ['/run/secrets/password', 'password'],
      ['/etc/key.pem', 'key.pem'],
      ['/run/secrets/vault', 'vault'],
    ],
  );
  for (const object of objects.values()) assert.equal(mistakesIn(object), []);
});

test('a folder of files keeps its shape and its programs', () => {
  const { objects, pod } = exported({
    ...one('volumes: ["./site:/srv:ro"]\ntmpfs: ["/run:uid=33,size=8m", /tmp]\nshm_size: 32m'),
    'site/index.html': 'hello\n',
    'site/deep/er/page.html': 'deep\n',
  });
  assert.equal(Object.keys(objects.get('ConfigMap site')!['data']), ['deep_er_page.html', 'index.html']);
  const { volumes } = pod('web') as { volumes: Manifest[] };
  assert.equal(volumes[0]!['configMap'].items, [
    { key: 'deep_er_page.html', path: 'deep/er/page.html' },
    { key: 'index.html', path: 'index.html' },
  ]);
  assert.equal(
    volumes.slice(1).map(({ emptyDir }) => emptyDir),
    [
      { medium: 'Memory', sizeLimit: '8Mi' },
      { medium: 'Memory', sizeLimit: '64Mi' },
      { medium: 'Memory', sizeLimit: '32Mi' },
    ],
  );
});

test('a pod is another one when what it mounts changes', () => {
  const digest = (text: string): unknown =>
    exported({ ...one('volumes: ["./a.conf:/etc/a.conf:ro"]'), 'a.conf': text }).objects.get('Deployment web')!['spec']
      .template.metadata.annotations['sidecar-stacks.dev/configuration'];
  assert.is.not(digest('one'), digest('two'));
  assert.is(digest('one'), digest('one'));
});

test('variables keep their dollars, and those of env_file stand below', () => {
  const { pod } = exported({
    ...one(
      'env_file: [base.env]\nenvironment: { A: "$$(HOME) $$$$", B: own }\ncommand: [sh, -c, "echo $$(date) $$HOME"]',
    ),
    'base.env': 'B=file\nC=only\n',
  });
  const [{ env, args }] = pod('web')['containers'];
  assert.equal(
    env.map(({ name, value }: Manifest) => [name, value]),
    [
      ['B', 'own'],
      ['C', 'only'],
      ['A', '$$(HOME) $$$'],
    ],
  );
  assert.equal(args, ['sh', '-c', 'echo $$(date) $HOME']);
});

const REFUSED: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'the socket of the engine',
    'volumes: ["/var/run/docker.sock:/var/run/docker.sock"]',
    'engine-socket',
    /service account/,
  ],
  ['a path of the machine', 'volumes: ["/srv/data:/data"]', 'host-path', /named volume/],
  ['a home folder', 'volumes: ["~/data:/data"]', 'host-path', /named volume/],
  ['a folder to write to', 'volumes: [".:/data"]', 'host-path', /:ro/],
  ['a path that leads out of the project', 'volumes: ["../../../../../../etc:/data:ro"]', 'host-path', /named volume/],
  ['a file that is not there', 'volumes: ["./missing:/data:ro"]', 'host-path', /not there/],
  ["the machine's network", 'network_mode: host', 'host-network', /ports:/],
  ["the machine's processes", 'pid: host', 'host-pid', /service:NAME/],
  ['a container of another project', 'network_mode: container:other', 'external-container', /service:NAME/],
  ['the address of the machine', 'extra_hosts: ["host.docker.internal:host-gateway"]', 'host-gateway', /ExternalName/],
  ['a device', 'devices: [/dev/kvm]', 'devices', /device plugin/],
  ["another's volumes", 'volumes_from: [web]', 'volumes-from', /volumes:/],
  ['an env_file that is not there', 'env_file: [nowhere.env]', 'env-file', /nowhere\.env/],
];
for (const [what, lines, code, instead] of REFUSED)
  test(`${what} is refused with what to do instead`, () => {
    const { findings } = exported(one(lines));
    const refusal = findings.find((each) => each.level === 'refused');
    assert.is(refusal?.code, code);
    assert.match(refusal!.message, instead);
    assert.is(
      refusal!.at.line,
      one(lines)
        ['compose.yaml']!.split('\n')
        .findIndex((line) => line.includes(lines.split(':')[0]!)) + 1,
    );
  });

for (const [what, image, code] of [
  ['an image without a version', 'image: nginx', 'latest'],
  ['the latest image', 'image: "registry.example:5000/nginx:latest"', 'latest'],
  ['a build without a name', 'build: .', 'no-image'],
])
  test(`${what} is refused`, () => {
    assert.equal(exported({ 'compose.yaml': `name: x\nservices: { web: { ${image}, restart: always } }\n` }).refused, [
      code,
    ]);
  });

test('an image by its digest is a version', () => {
  const digest = `nginx@sha256:${'0'.repeat(64)}`;
  assert.equal(
    exported({ 'compose.yaml': `name: x\nservices: { web: { image: "${digest}", restart: always } }\n` }).refused,
    [],
  );
});

test('shared memory across pods, and one port twice in a pod, are refused', () => {
  const across = exported({
    'compose.yaml':
      'name: x\nservices: { a: { image: "a:1", ipc: shareable }, b: { image: "b:1", ipc: "service:a" } }\n',
  });
  assert.equal(across.refused, ['ipc-across-pods']);
  const inside = exported({
    'compose.yaml':
      'name: x\nservices: { a: { image: "a:1", ipc: shareable, restart: always }, b: { image: "b:1", network_mode: "service:a", ipc: "service:a", restart: always } }\n',
  });
  assert.equal(inside.refused, []);
  const proxies = (port: string): readonly string[] =>
    exported({
      'compose.yaml': `name: x
services:
  pod: ${PAUSE}
  a: { image: "sidecar-stacks/tls:1", network_mode: "service:pod", restart: always, environment: { PROXY_PORT: "80" } }
  b: { image: "sidecar-stacks/tls:1", network_mode: "service:pod", restart: always, environment: { PROXY_PORT: "80", TLS_LISTEN_PORT: "9443", ADMIN_PORT: "${port}" } }
`,
    }).refused;
  assert.equal(proxies('9901'), ['port-clash']);
  assert.equal(proxies('9902'), []);
});

test('limits of the cluster are notes, and so is every key without a counterpart', () => {
  const { noted, refused, findings } = exported(
    one(
      'pids_limit: 64\ninit: true\nlogging: { driver: fluentd }\nmac_address: 02:42:ac:11:00:02\nnetworks: [front, back]\nx-mine: 1',
      'networks: { front: , back: }',
    ),
  );
  assert.equal(refused, []);
  for (const code of ['pids-limit', 'init', 'no-counterpart', 'networks']) assert.ok(noted.includes(code), code);
  assert.match(findings.map(({ message }) => message).join('\n'), /podPidsLimit/);
});

test('a file that cannot be read is refused, and hides nothing', () => {
  const { refused } = exported({
    'compose.yaml': 'name: x\nservices: { web: { image: "a:1", extends: { file: other.yaml, service: b } } }\n',
  });
  assert.ok(refused.includes('unreadable'), refused.join());
});

test('an image that compose never pulls is never pulled by a kubelet, until a registry is named', () => {
  assert.is(container('pull_policy: never')['imagePullPolicy'], 'Never');
  assert.is(container('')['imagePullPolicy'], 'IfNotPresent');
  const pushed = exported(one('pull_policy: never'), { registry: 'registry.example' }).pod('web')['containers'];
  assert.is((pushed[0] as Manifest)['imagePullPolicy'], 'IfNotPresent');
});

test.run();
