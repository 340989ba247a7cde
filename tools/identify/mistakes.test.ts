/** Mistakes that were made with real projects, each by an example of our own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { look, members } from './test-look.ts';

const compose = (services: string): Record<string, string>[] =>
  members(look({ 'compose.yaml': `services: {${services}}\nvolumes: {a: , b: , c: }\n` }));

const pod = (name: string, spec: string): Record<string, string> =>
  members(
    look({
      'pod.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec: {template: {spec: {${spec}}}}\n`,
    }),
  )[0]!;

test('a variable that is of use to any program makes nobody a helper', () => {
  const settings = '{SYSLOG_HOST: logs, DATA_SOURCE_NAME: x, ACME_EMAIL: a, SENTINEL_HOST: s}';
  assert.equal(
    compose(
      `api: {image: example/api, environment: ${settings}, volumes: ["a:/data"]}, worker: {image: example/worker, environment: {BACKUP_DIR: /b}, volumes: ["a:/data"]}`,
    ),
    [],
  );
  assert.equal(
    pod(
      'shop',
      `containers: [{name: shop, image: example/shop, env: [{name: SYSLOG_HOST, value: logs}, {name: BACKUP_DIR, value: /b}]}, {name: oauth2-proxy, image: quay.io/oauth2-proxy/oauth2-proxy, env: [{name: SYSLOG_HOST, value: logs}]}]`,
    ),
    { shop: 'app', 'oauth2-proxy': 'sidecar auth' },
  );
});

test("a variable that application and helper share is not the helper's role", () => {
  assert.equal(
    compose(
      `db: {image: example/db, environment: {VAULT_ROLE: x, DD_API_KEY: x}}, side: {image: example/side, network_mode: "service:db", environment: {VAULT_ROLE: x, DD_API_KEY: x}}`,
    ),
    [{ db: 'app', side: 'sidecar unknown' }],
  );
});

test('a web server is the application of the container that fills the folder it serves', () => {
  for (const server of ['nginx:1.27', 'httpd:2.4', 'caddy:2'])
    assert.equal(
      pod(
        'site',
        `volumes: [{name: share, emptyDir: {}}], containers: [{name: files, image: "${server}", ports: [{containerPort: 80}], volumeMounts: [{name: share, mountPath: /usr/share/nginx/html, readOnly: true}]}, {name: upload, image: example/upload, volumeMounts: [{name: share, mountPath: /out}]}]`,
      ),
      { files: 'app', upload: 'sidecar content' },
      server,
    );
});

test('a web server that serves the static files of a program beside it stays its proxy', () => {
  assert.equal(
    pod(
      'shop',
      `volumes: [{name: static, emptyDir: {}}], containers: [{name: shop, image: example/shop, ports: [{containerPort: 8000}], volumeMounts: [{name: static, mountPath: /static}]}, {name: web, image: nginx, ports: [{containerPort: 80}], volumeMounts: [{name: static, mountPath: /usr/share/nginx/html, readOnly: true}]}]`,
    ),
    { shop: 'app', web: 'sidecar proxy' },
  );
  assert.equal(
    pod(
      'blog',
      `volumes: [{name: html, emptyDir: {}}], containers: [{name: php, image: "example/blog:fpm", volumeMounts: [{name: html, mountPath: /var/www/html}]}, {name: web, image: nginx, volumeMounts: [{name: html, mountPath: /var/www/html, readOnly: true}]}]`,
    ),
    { php: 'app', web: 'sidecar proxy' },
  );
});

test('a proxy of several services is no sidecar of one of them', () => {
  // What obtains its certificates helps it.
  assert.equal(
    compose(
      `proxy: {image: traefik, volumes: ["a:/certs"]}, certbot: {image: certbot/certbot, volumes: ["a:/certs"]}, one: {image: example/one}, two: {image: example/two, volumes: ["a:/certs:ro"]}`,
    ),
    [{ proxy: 'app', certbot: 'sidecar certs', two: 'app' }],
  );
  const five = ['one', 'two', 'three', 'four', 'five'];
  const joined = compose(
    `proxy: {image: example/reverse-proxy}, ${five.map((name) => `${name}: {image: example/${name}, network_mode: "service:proxy"}`).join(', ')}`,
  );
  assert.is(joined[0]!['proxy'], 'peer proxy');
  const named = compose(
    `proxy: {image: nginx, network_mode: "service:one", depends_on: [one, two, three, four, five]}, ${five.map((name) => `${name}: {image: example/${name}}`).join(', ')}`,
  );
  assert.equal(named, [{ proxy: 'peer proxy', one: 'app' }]);
  // A private network's client is joined by many, and helps them.
  const gateway = compose(
    `vpn: {image: example/gluetun}, ${five.map((name) => `${name}: {image: example/${name}, network_mode: "service:vpn"}`).join(', ')}`,
  );
  assert.is(gateway[0]!['vpn'], 'sidecar vpn');
});

test('cron beside an application of the same image or files', () => {
  for (const cron of [
    'image: "example/wiki:2", entrypoint: /cron.sh',
    'image: "example/wiki:2", command: "/usr/sbin/cron -f -L 15"',
    'image: busybox, command: "crond -f"',
    'image: "example/wiki:2", command: "sh -c \'while true; do wiki jobs; sleep 300; done\'"',
    'image: "example/wiki:2", command: "python manage.py runcrons"',
    'image: "example/wiki:2", command: [bundle, exec, clockwork, config/clock.rb]',
    'image: "example/wiki:2", command: "bundle exec whenever --update-crontab"',
    'image: "example/wiki:2", command: "celery -A wiki beat"',
  ])
    assert.equal(
      compose(`app: {image: "example/wiki:2", volumes: ["a:/data"]}, cron: {${cron}, volumes: ["a:/data"]}`),
      [{ app: 'app', cron: 'sidecar cron' }],
      cron,
    );
});

test("an operator's reloader and metrics containers help it, whatever their images are called", () => {
  assert.equal(
    pod(
      'shop-operator',
      `volumes: [{name: c, configMap: {name: c}}], containers: [{name: operator, image: example/shop-operator, ports: [{containerPort: 8080, name: metrics}], volumeMounts: [{name: c, mountPath: /etc/shop}]}, {name: reloader, image: example/reload, args: ["--watch=/etc/shop", "--pid-file=/run/x"], volumeMounts: [{name: c, mountPath: /etc/shop}]}, {name: metrics, image: example/shop-metrics, ports: [{containerPort: 9100, name: metrics}]}]`,
    ),
    { operator: 'app', reloader: 'sidecar config', metrics: 'sidecar metrics' },
  );
  assert.equal(
    pod(
      'shop-operator',
      `containers: [{name: shop-operator, image: example/shop-operator, args: ["--health-probe-bind-address=:8081", "--leader-election"]}, {name: shop-metrics, image: example/shop-operator, command: [/metrics-server], ports: [{containerPort: 8443, name: https-metrics}]}]`,
    ),
    { 'shop-operator': 'app', 'shop-metrics': 'sidecar metrics' },
  );
  assert.equal(
    pod(
      'db',
      `containers: [{name: db, image: example/db, ports: [{containerPort: 5432}]}, {name: agent-reloader, image: example/db-operator, command: [/reloader, "-watch", "/etc/db"]}, {name: certs, image: example/tools, command: [sh, -c, "while sleep 30; do kill -HUP 1; done"]}]`,
    ),
    { db: 'app', 'agent-reloader': 'sidecar config', certs: 'sidecar config' },
  );
  assert.equal(
    pod(
      'edge',
      `containers: [{name: haproxy, image: haproxy, ports: [{containerPort: 80}]}, {name: reloader, image: example/tools, command: [sh, -c, "while inotifywait -e modify /etc/haproxy; do kill -USR2 1; done"]}, {name: monitoring, image: example/monitoring, args: ["--target=http://localhost:8404/stats"]}]`,
    ),
    { haproxy: 'app', reloader: 'sidecar config', monitoring: 'sidecar metrics' },
  );
});

test('a container that is named after its neighbour and a purpose serves that purpose', () => {
  assert.equal(
    pod(
      'router',
      `containers: [{name: bgp, image: "example/bgp:1"}, {name: bgp-metrics, image: "example/bgp:1", command: [/etc/bgp/metrics], ports: [{containerPort: 9121}]}]`,
    ),
    { bgp: 'app', 'bgp-metrics': 'sidecar metrics' },
  );
  // A purpose that no helper has, and a neighbour of another name: two applications.
  assert.equal(
    pod('shop', `containers: [{name: shop, image: "example/shop:1"}, {name: shop-worker, image: "example/shop:1"}]`),
    { shop: 'app', 'shop-worker': 'app' },
  );
});

test('a container engine of its own helps the program that builds with it', () => {
  for (const engine of [
    'image: "example/dind:27"',
    'image: "docker:27-dind"',
    'image: "example/docker", command: [dockerd, "--host=tcp://0.0.0.0:2375"]',
    'image: "moby/buildkit:rootless"',
  ])
    assert.equal(
      pod(
        'runner',
        `containers: [{name: runner, image: example/runner, env: [{name: DOCKER_HOST, value: "tcp://localhost:2375"}]}, {name: engine, ${engine}, securityContext: {privileged: true}}]`,
      ),
      { runner: 'app', engine: 'sidecar engine' },
      engine,
    );
});

test('a router of requests beside an application is its proxy', () => {
  assert.equal(
    pod(
      'model',
      `initContainers: [{name: request-routing-sidecar, image: example/routing-sidecar, restartPolicy: Always}], containers: [{name: main, image: example/model}]`,
    ),
    { 'request-routing-sidecar': 'native-sidecar proxy', main: 'app' },
  );
});

test.run();
