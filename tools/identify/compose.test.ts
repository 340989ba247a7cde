import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { main } from '../main.ts';
import { parseTrees } from '../yaml/tree.ts';
import type { Answer } from './model/answer.ts';
import { look, members } from './test-look.ts';

const test = suite('identify: compose');

const codes = ({ groups }: Answer) =>
  groups.map(({ warnings }) => [
    ...new Set(warnings.filter(({ level }) => level === 'warning').map(({ code }) => code)),
  ]);

test("who joins a service's network for a known purpose helps it", () => {
  const answer = look({
    'compose.yaml': `
services:
  shop: {image: shop, ports: ["8080:8080"]}
  login:
    image: quay.io/oauth2-proxy/oauth2-proxy:v7.6.0
    command: [--upstream=http://127.0.0.1:8080]
    network_mode: service:shop
`,
  });
  assert.equal(members(answer), [{ shop: 'app', login: 'sidecar auth' }]);
  assert.is(answer.groups[0]!.owner, 'shop');
  assert.equal(answer.groups[0]!.shares, { network: true, pid: false, ipc: false, volumes: [] });
  assert.equal(codes(answer), [['owner-can-be-replaced']]);
});

test('a gateway that owns the namespace is the helper', () => {
  const answer = look({
    'docker-compose.yml': `
services:
  vpn:
    image: qmcgaw/gluetun
    cap_add: [NET_ADMIN]
    devices: [/dev/net/tun]
    environment: [VPN_SERVICE_PROVIDER=mullvad]
  torrent: {image: linuxserver/qbittorrent, network_mode: "service:vpn", depends_on: [vpn]}
  indexer: {image: linuxserver/prowlarr, network_mode: "container:gateway"}
`,
    'docker-compose.override.yml': 'services: {vpn: {container_name: gateway}}',
  });
  assert.equal(members(answer), [{ vpn: 'sidecar vpn', torrent: 'app', indexer: 'app' }]);
  assert.equal(codes(answer), [['owner-can-be-replaced', 'missing-depends-on']]);
});

test('a pause owns a pod, and nobody is stranded', () => {
  const answer = look({
    'compose.yaml': `
services:
  pod: {image: registry.k8s.io/pause:3.9, ports: ["80:80"]}
  web: {image: my/web, network_mode: service:pod}
  metrics: {image: nginx/nginx-prometheus-exporter, network_mode: service:pod, pid: service:pod}
`,
  });
  assert.equal(members(answer), [{ pod: 'pause pause', web: 'app', metrics: 'sidecar metrics' }]);
  assert.equal(codes(answer), [[]]);
  assert.ok(answer.groups[0]!.shares.pid);
});

test('who joins and says nothing about itself helps who is joined', () => {
  const answer = look({ 'compose.yaml': 'services: {a: {image: x/a}, b: {image: x/b, network_mode: "service:a"}}' });
  assert.equal(members(answer), [{ a: 'app', b: 'sidecar unknown' }]);
});

test('processes, ipc and volumes_from make a group too', () => {
  const answer = look({
    'compose.yaml': `services:
  app: {image: app, volumes: ["/data"]}
  look: {image: nicolaka/netshoot, pid: "service:app"}
  peek: {image: x/strace, ipc: "service:app"}
  save: {image: restic/restic, volumes_from: ["app:ro"]}`,
  });
  assert.equal(members(answer), [{ app: 'app', look: 'sidecar debug', peek: 'sidecar debug', save: 'sidecar backup' }]);
  assert.equal(answer.groups[0]!.shares, { network: false, pid: true, ipc: true, volumes: ['/data'] });
});

test('an application that joins its database is no sidecar', () => {
  const answer = look({
    'compose.yaml':
      'services: {app: {build: ., command: sleep infinity, network_mode: "service:db"}, db: {image: postgres:16}}',
  });
  assert.equal(members(answer), [{ app: 'app', db: 'peer app' }]);
});

const QUIET: Record<string, string> = {
  'a reverse proxy of its own':
    'services: {web: {image: nginx, ports: ["80:80"], depends_on: [app]}, app: {image: app, expose: [8080]}}',
  'a shared configuration file':
    'services: {a: {image: x, volumes: ["./app.yml:/app.yml"]}, b: {image: y, volumes: ["./app.yml:/app.yml"]}}',
  "the engine's socket":
    'services: {a: {image: traefik, volumes: ["/var/run/docker.sock:/s"]}, b: {image: containrrr/watchtower, volumes: ["/var/run/docker.sock:/s"]}}',
  'one network':
    'services: {a: {image: x, networks: [n]}, b: {image: envoyproxy/envoy, networks: [n]}}\nnetworks: {n: {}}',
  'peers on one volume':
    'services: {a: {image: vault, command: server, volumes: ["v:/v"]}, b: {image: vault, command: server, volumes: ["v:/v"]}}\nvolumes: {v: {}}',
  "a web server on the application's files":
    'services: {web: {image: nginx, volumes: ["html:/h:ro"]}, app: {image: wordpress:fpm, volumes: ["html:/h"]}}\nvolumes: {html: {}}',
  'a name without anything shared': 'services: {sidecar: {image: x, pid: host}, app: {image: y}}',
  'a migration that is waited for':
    'services: {migrate: {image: flyway/flyway}, app: {image: y, depends_on: {migrate: {condition: service_completed_successfully}}}}',
};
for (const [what, text] of Object.entries(QUIET))
  test(`says nothing of ${what}`, () => {
    assert.equal(look({ 'compose.yaml': text }).groups, []);
  });

const BY_VOLUME: [string, string, Record<string, string>][] = [
  [
    'backup',
    'services: {db: {image: mariadb, volumes: ["d:/var/lib/mysql"]}, backup: {image: offen/docker-volume-backup:v2, volumes: ["d:/backup/d:ro"]}}',
    { db: 'app', backup: 'sidecar backup' },
  ],
  [
    'logs',
    'services: {app: {image: app, volumes: ["l:/var/log/app"]}, ship: {image: fluent/fluent-bit, volumes: ["l:/logs:ro"]}}',
    { app: 'app', ship: 'sidecar log-shipper' },
  ],
  [
    'git',
    'services: {web: {image: nginx, volumes: ["c:/srv:ro"]}, sync: {image: registry.k8s.io/git-sync/git-sync:v4.4.0, volumes: ["c:/git"]}}',
    { web: 'app', sync: 'sidecar git-sync' },
  ],
  [
    'certificates',
    'services: {web: {image: nginx, volumes: ["./certs:/etc/letsencrypt:ro"]}, certbot: {image: certbot/certbot, volumes: ["./certs/:/etc/letsencrypt"]}}',
    { web: 'app', certbot: 'sidecar certs' },
  ],
  [
    'cron',
    'services: {app: {image: nextcloud, volumes: ["n:/var/www/html"]}, web: {image: nginx, volumes: ["n:/var/www/html:ro"]}, cron: {image: nextcloud, entrypoint: /cron.sh, volumes: ["n:/var/www/html"]}}',
    { app: 'app', cron: 'sidecar cron' },
  ],
  [
    'secrets',
    'services: {web: {image: web, volumes: ["./s:/run/s"]}, agent: {image: hashicorp/vault, command: vault agent -config=/a.hcl, volumes: ["./s:/out"]}}',
    { web: 'app', agent: 'sidecar secrets' },
  ],
];
for (const [what, text, expected] of BY_VOLUME)
  test(`a volume that ${what} explain makes a group`, () => {
    assert.equal(members(look({ 'compose.yaml': text })), [expected]);
  });

test('merges files, includes, extends, profiles, anchors and variables as compose does', () => {
  const answer = look(
    {
      'a.yml':
        'x-proxy: &proxy {image: "${PROXY:-quay.io/oauth2-proxy/oauth2-proxy}", environment: [OAUTH2_PROXY_UPSTREAMS=http://localhost:80]}\nservices:\n  app: {image: app, ports: ["80:80"]}\n  proxy: {<<: *proxy, ports: ["4180:4180"]}\ninclude: [more/extra.yaml]\n',
      'b.yml':
        'services:\n  proxy: {ports: !reset [], network_mode: "service:app"}\n  debug: {extends: {file: base.yml, service: shell}, network_mode: "service:app", profiles: [debug]}\n',
      'base.yml': 'services: {shell: {image: nicolaka/netshoot}}',
      'more/extra.yaml':
        'services: {exporter: {image: x/redis-exporter, network_mode: "service:cache"}, cache: {image: "${CACHE}"}}',
      'more/.env': 'CACHE=redis:7',
    },
    { composeFiles: ['a.yml', 'b.yml'] },
  );
  assert.equal(members(answer), [
    { exporter: 'sidecar metrics', cache: 'app' },
    { app: 'app', proxy: 'sidecar auth', debug: 'sidecar debug' },
  ]);
  assert.is(answer.groups[1]!.containers[1]!.evidence[0]!.file, 'a.yml');
  const without = look(
    {
      'compose.yaml':
        'services: {a: {image: a}, d: {image: nicolaka/netshoot, network_mode: "service:a", profiles: [debug]}}',
    },
    { profiles: ['test'] },
  );
  assert.equal(without.groups, []);
});

test('a file that cannot be read is named with its line, and the others are answered', () => {
  const answer = look({
    'one/compose.yaml': 'services:\n  a:\n    image: x\n   ports: [1]\n',
    'two/compose.yaml': 'services: {a: {image: x}, b: {image: y/tcpdump, network_mode: "service:a"}}',
  });
  assert.equal(members(answer), [{ a: 'app', b: 'sidecar debug' }]);
  assert.equal(
    answer.notes.map(({ code, file, line }) => [code, file, line]),
    [['unreadable', join('one', 'compose.yaml'), 4]],
  );
});

test('what joins a container of elsewhere is told', () => {
  const answer = look({ 'compose.yaml': 'services: {app: {image: x, network_mode: "container:other"}}' });
  assert.equal(codes(answer), [['joins-external-container']]);
  assert.equal(members(answer), [{ app: 'app' }]);
});

test('localhost without a shared network is told, also where nothing is shared', () => {
  const answer = look({
    'compose.yaml':
      'services: {app: {image: x}, login: {image: quay.io/oauth2-proxy/oauth2-proxy, command: ["--upstream=http://localhost:8080"]}}',
  });
  assert.equal(answer.groups, []);
  assert.equal(
    answer.notes.map(({ code }) => code),
    ['localhost-without-shared-network'],
  );
});

test('hostile files end, and end soon', () => {
  const started = performance.now();
  const laughs = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}]`).join('\n')}\nservices: {a: {image: x}}\n`;
  const circular = 'services: &s {a: {image: x, extends: {service: a}}, b: *s}\n';
  const flat = `services: {a: {image: x, environment: {${Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join(', ')}}}}`;
  const words = `services: {a: {image: x}, b: {image: y, network_mode: "service:a", command: "${'for echo while tail -f '.repeat(20_000)}"}}`;
  const include = 'include: [compose.yaml]\nservices: {a: {image: x}}';
  for (const text of [laughs, circular, flat, words, include, '[[['.repeat(10_000), '{'.repeat(10_000)])
    look({ 'compose.yaml': text });
  assert.ok(performance.now() - started < 20_000);
});

test("a password of a log shipper's user makes nobody a log shipper", () => {
  const { groups } = look({
    'compose.yaml':
      'services: {db: {image: elasticsearch}, setup: {image: elasticsearch, network_mode: "service:db", environment: {FILEBEAT_INTERNAL_PASSWORD: x}}}',
  });
  assert.not.ok(groups.flatMap(({ containers }) => containers).some(({ role }) => role === 'log-shipper'));
});

test("an owner in the host's network strands nobody", () => {
  const { groups } = look({
    'compose.yaml':
      'services: {app: {image: shop, network_mode: host}, proxy: {image: envoyproxy/envoy, network_mode: "service:app"}}',
  });
  assert.not.ok(groups[0]!.warnings.some(({ code }) => code === 'owner-can-be-replaced'));
});

test('a folder without anything says what it looked for, and is an error for --fail-on', async () => {
  const folder = temporaryDirectory('empty');
  const run = async (...args: string[]): Promise<{ code: number; out: string }> => {
    let out = '';
    const context = { folder, environment: {}, out: (text: string) => void (out += text), err: () => {} };
    return { code: await main(['identify', ...args], context), out };
  };
  const { code, out } = await run();
  assert.is(code, 0);
  assert.match(out, /there is no compose file \(compose\.yaml,/);
  assert.is((await run('--fail-on', 'error')).code, 1);
});

test("names of a stranger's file reach a terminal and a CI as text", async () => {
  const folder = temporaryDirectory('hostile');
  const name = String.raw`"a\u001b[31m\n::error::x\u202e"`;
  writeFileSync(
    join(folder, 'compose.yaml'),
    `services: {web: {image: nginx, network_mode: host}, ${name}: {image: fluent/fluent-bit, network_mode: 'service:web'}}`,
  );
  for (const format of [[], ['--github'], ['--mermaid'], ['--svg']]) {
    let out = '';
    await main(['identify', ...format], { folder, environment: {}, out: (text) => void (out += text), err: () => {} });
    assert.match(out, 'a\ufffd[31m', format.join());
    assert.not.match(out, /[^\P{Cc}\n]|\u202e|^::error::x/mu, format.join());
  }
});

test('lines of flow collections that are indented too little cost a few parses, not one each', () => {
  const cpu = (text: string): number => {
    const before = process.cpuUsage().user;
    assert.is(parseTrees(text, 'x').length, 1);
    return process.cpuUsage(undefined).user - before;
  };
  const lines = (indent: string): string =>
    Array.from({ length: 1500 }, (_, n) => `a${n}:\n  b: ["x",\n${indent}"y"]\n`).join('');
  cpu(lines('    '));
  assert.ok(cpu(lines('')) < 12 * cpu(lines('    ')) + 100_000);
});

test('init containers, hooks, the asked-for socket and what is included from elsewhere are told', () => {
  const { notes } = look({
    'compose.yaml':
      'include: ["oci://docker.io/acme/db:1"]\nservices: {web: {image: x, use_api_socket: true, pre_start: [{command: migrate}], post_start: [{command: warm}, {command: chown, privileged: true}], pre_stop: [{command: drain}]}}',
  });
  assert.equal(
    notes.map(({ code, level }) => `${level} ${code}`),
    [
      'note remote-include',
      'note pre-start',
      'note post-start',
      'warning privileged',
      'note pre-stop',
      'warning docker-socket',
    ],
  );
  assert.match(notes[0]!.message, 'oci://docker.io/acme/db:1');
});

test.run();
