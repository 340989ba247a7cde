/** Components: which objects each one has, and that a person's changes to them stay. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, parseAllDocuments } from 'yaml';
import { exported, type Manifest } from './test-project.ts';
import { COMPONENTS } from './components.ts';
import type { ComponentName } from './options.ts';

const SHOP = `name: shop
services:
  shop-pod: { image: "sidecar-stacks/pause:1", init: true, ports: ["8443:8443", "8080:80"], networks: [front, back] }
  tls: { image: "sidecar-stacks/tls:1", network_mode: "service:shop-pod", user: "65532", restart: always, environment: { PROXY_PORT: "80" }, cap_drop: [ALL], security_opt: ["no-new-privileges:true"], labels: { dev.sidecar-stacks.role: sidecar } }
  web: { image: "web:1", network_mode: "service:shop-pod", user: "1000", restart: always, cap_drop: [ALL], security_opt: ["no-new-privileges:true"], depends_on: { tls: { condition: service_healthy } } }
  db: { image: "db:1", user: "999", networks: [back], cap_drop: [ALL], security_opt: ["no-new-privileges:true"], restart: always }
  meter: { image: "meter:1", user: "999", networks: [front], cap_drop: [ALL], security_opt: ["no-new-privileges:true"], restart: always }
networks: { front: , back: { internal: true } }
`;

const made = (name: ComponentName, compose = SHOP): Manifest[] =>
  exported({ 'compose.yaml': compose }, { components: [name], namespace: 'shop' })
    .files.filter(({ path }) => path === `components/${name}/${name}.yaml`)
    .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
const named = (objects: readonly Manifest[], name: string): Manifest =>
  objects.find((each) => each['metadata'].name === name)!;

test('without a wish there is no component, and the overlay names none', () => {
  const { files } = exported({ 'compose.yaml': SHOP });
  assert.not.ok(files.some(({ path }) => path.startsWith('components/')));
  assert.not.match(files.find(({ path }) => path === 'overlays/cluster/kustomization.yaml')!.text, 'components');
});

test('the overlay names those that are asked for, in one order; an empty one is left out', () => {
  const { files } = exported(
    { 'compose.yaml': 'services: { a: { image: "a:1", restart: always } }' },
    { components: COMPONENTS, namespace: 'a' },
  );
  const overlay = parse(files.find(({ path }) => path === 'overlays/cluster/kustomization.yaml')!.text) as Manifest;
  assert.equal(
    overlay['components'],
    ['network-policy', 'autoscaling', 'disruption', 'pod-security'].map((name) => `../../components/${name}`),
  );
});

test('a port of the tls sidecar is a TLS backend, any other is plain', () => {
  const ways = made('ingress');
  const host = (object: Manifest): string => object['spec'].rules[0].host as string;
  assert.equal(
    ways.map((each) => [host(each), each['metadata'].annotations !== undefined]),
    [
      ['shop.example.com', true],
      ['shop-8080.example.com', false],
    ],
  );
  assert.equal(
    made('gateway').map(({ kind }) => kind),
    ['TLSRoute', 'HTTPRoute'],
  );
});

test('pods that share no network do not reach each other; an internal network has no way out', () => {
  const policies = made('network-policy');
  const from = (name: string): string[] =>
    named(policies, name)['spec'].ingress[0].from.map(
      (each: Manifest) => each['podSelector'].matchLabels['app.kubernetes.io/name'] as string,
    );
  assert.equal(from('db'), ['shop', 'db']);
  assert.equal(from('meter'), ['shop', 'meter']);
  assert.equal(
    named(policies, 'shop')['spec'].ingress[0].from,
    [{ podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'shop' } } }],
    'it shares a network with all of them',
  );
  assert.equal(named(policies, 'db')['spec'].policyTypes, ['Ingress', 'Egress']);
  assert.equal(named(policies, 'db')['spec'].egress.length, 2);
  assert.equal(named(policies, 'shop')['spec'].policyTypes, ['Ingress']);
  assert.equal(named(policies, 'shop')['spec'].ingress[1].ports, [
    { port: 8443, protocol: 'TCP' },
    { port: 80, protocol: 'TCP' },
  ]);
});

test('a pod without a network reaches nobody, and nobody reaches it', () => {
  const { spec } = made('network-policy', 'services: { a: { image: "a:1", network_mode: none } }')[0]!;
  assert.equal([spec.policyTypes, spec.ingress, spec.egress], [['Ingress', 'Egress'], [], []]);
});

test('the application alone decides how many replicas there are, and a drain takes one at a time', () => {
  const shop = named(made('autoscaling'), 'shop')['spec'];
  assert.equal([shop.minReplicas, shop.maxReplicas, shop.metrics[0].containerResource.container], [1, 3, 'web']);
  assert.is(named(made('disruption'), 'db')['spec'].maxUnavailable, 1);
});

test('what is monitored is the admin port of each sidecar that is reached from outside', () => {
  const objects = made('monitoring');
  const [monitor] = objects.filter(({ kind }) => kind === 'PodMonitor');
  assert.equal(monitor!['spec'].podMetricsEndpoints, [{ portNumber: 9901, path: '/metrics' }]);
  assert.ok(objects.some(({ kind, spec }) => kind === 'PrometheusRule' && spec.groups[0].rules.length > 1));
  const inside = made('monitoring', SHOP.replace('PROXY_PORT: "80"', 'PROXY_PORT: "80", ADMIN_ADDRESS: 127.0.0.1'));
  assert.not.ok(inside.some(({ kind }) => kind === 'PodMonitor'));
});

test('the level of Pod Security is the strictest that all pods keep', () => {
  const level = (compose: string): string =>
    made('pod-security', compose)[0]!['metadata'].labels['pod-security.kubernetes.io/enforce'] as string;
  const db = 'image: "db:1", user: "999"';
  assert.is(level(SHOP), 'restricted');
  assert.is(level(SHOP.replace(db, 'image: "db:1", user: "0"')), 'baseline');
  assert.is(level(SHOP.replace(db, `${db}, cap_add: [NET_BIND_SERVICE]`)), 'restricted');
  assert.is(level(SHOP.replace('networks: [back], cap_drop: [ALL]', 'networks: [back]')), 'baseline');
  assert.is(level(SHOP.replaceAll(', security_opt: ["no-new-privileges:true"]', '')), 'baseline');
  assert.is(level(SHOP.replace(db, `${db}, cap_add: [CHOWN]`)), 'baseline');
  assert.is(level(SHOP.replace(db, `${db}, cap_add: [NET_ADMIN]`)), 'privileged');
  assert.is(level(SHOP.replace(db, `${db}, privileged: true`)), 'privileged');
});

test.run();
