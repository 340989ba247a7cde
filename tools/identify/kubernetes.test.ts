import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer } from './model/answer.ts';
import { look as lookAt, members } from './test-look.ts';

const test = suite('identify: Kubernetes');

const look = (files: Record<string, string> | string, paths = ['.']): Answer =>
  lookAt(typeof files === 'string' ? { 'pod.yaml': files } : files, {}, paths);
const pod = (spec: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: ${spec}\n`;

test('sidecar, native sidecar and init container are told apart', () => {
  const answer = look(
    pod(`{shareProcessNamespace: true, volumes: [{name: logs, emptyDir: {}}], initContainers: [
      {name: wait, image: busybox, command: [sh, -c, "until nslookup db; do sleep 2; done"]},
      {name: proxy, image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.8, restartPolicy: Always}],
    containers: [{name: tail, image: busybox, args: [/bin/sh, -c, "tail -n+1 -F /logs/a.log"], volumeMounts: [{name: logs, mountPath: /logs, readOnly: true}]},
      {name: shop, image: example/shop, volumeMounts: [{name: logs, mountPath: /var/log}]}]}`),
  );
  assert.equal(members(answer), [
    { wait: 'init wait', proxy: 'native-sidecar db-proxy', tail: 'sidecar log-shipper', shop: 'app' },
  ]);
  assert.equal(answer.groups[0]!.shares, { network: true, pid: true, ipc: false, volumes: ['logs'] });
  assert.equal(answer.groups[0]!.warnings, []);
});

test("everybody looks like a helper: the workload's own is the application", () => {
  const text = `apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: node-exporter}\nspec: {template: {spec: {hostNetwork: true, hostPID: true, containers: [
    {name: kube-rbac-proxy, image: quay.io/brancz/kube-rbac-proxy, args: ["--upstream=http://127.0.0.1:9100/"], ports: [{containerPort: 9101}]},
    {name: node-exporter, image: quay.io/prometheus/node-exporter, ports: [{containerPort: 9100}]}]}}}`;
  const answer = look(text);
  assert.equal(members(answer), [{ 'kube-rbac-proxy': 'sidecar auth', 'node-exporter': 'app' }]);
  assert.equal(
    answer.groups[0]!.warnings.map(({ code }) => code),
    ['host-network', 'host-pid'],
  );
  assert.equal(answer.groups[0]!.workload, { kind: 'DaemonSet', name: 'node-exporter' });
});

test('a job whose helper goes on never ends', () => {
  const job = (kind: string, spec: string) =>
    look(`apiVersion: batch/v1\nkind: ${kind}\nmetadata: {name: j}\nspec: ${spec}`);
  const spec =
    '{template: {spec: {containers: [{name: work, image: w}, {name: proxy, image: gce-proxy, command: [/cloud_sql_proxy]}]}}}';
  assert.equal(
    job('Job', spec).groups[0]!.warnings.map(({ code }) => code),
    ['job-sidecar-not-native'],
  );
  assert.equal(
    job('CronJob', `{jobTemplate: {spec: ${spec}}}`).groups[0]!.warnings.map(({ code }) => code),
    ['job-sidecar-not-native'],
  );
});

test('lists, several documents and templates in custom resources are searched; schemas are not', () => {
  const spec = '{containers: [{name: a, image: a}, {name: b, image: x/statsd-exporter}]}';
  const answer = look(
    `apiVersion: v1\nkind: List\nitems: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: ${spec}}}}]\n---\n` +
      `apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: k}\nspec: {template: {spec: ${spec}}}\n---\n` +
      `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\nspec: {versions: [{schema: {openAPIV3Schema: {properties: {spec: {properties: ${spec}}}}}}]}\n`,
  );
  assert.equal(
    answer.groups.map(({ workload }) => `${workload.kind}/${workload.name}`),
    ['Deployment/d', 'Service/k'],
  );
});

test('a proxy alone is a gateway, and a single container is no group', () => {
  assert.equal(look(pod('{containers: [{name: istio-proxy, image: istio/proxyv2}]}')).groups, []);
});

test('what is injected later is a note, not a container', () => {
  const answer = look(
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {metadata: {annotations: {dapr.io/enabled: "true"}}, spec: {containers: [{name: a, image: a}]}}}`,
  );
  assert.equal(answer.groups, []);
  assert.equal(
    answer.notes.map(({ code, level }) => [code, level]),
    [['injected-later', 'note']],
  );
});

test('a template that is not rendered is a note', () => {
  const answer = look({
    'templates/d.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Values.name }}\n{{- if .x }}\nspec: 1\n{{ end }}',
  });
  assert.equal(
    answer.notes.map(({ code, line }) => [code, line]),
    [['template', 4]],
  );
});

const BASE =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}}}';
test('a kustomization is built: patches add sidecars, and a base is not answered twice', () => {
  const answer = look({
    'base/kustomization.yaml': 'resources: [web.yaml]',
    'base/web.yaml': BASE,
    'overlays/prod/kustomization.yaml': 'resources: [../../base]\npatches: [{path: add.yaml}]',
    'overlays/prod/add.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: login, image: quay.io/oauth2-proxy/oauth2-proxy}]}}}',
    'overlays/dev/kustomization.yaml': 'resources: [../../base]\n# patches: [{path: ../prod/add.yaml}]',
    'overlays/json/kustomization.yaml':
      'resources: [../../base]\npatches:\n- target: {kind: Deployment, name: web}\n  patch: |-\n    - {op: add, path: /spec/template/spec/containers/-, value: {name: git, image: git-sync}}',
  });
  assert.equal(members(answer), [
    { web: 'app', git: 'sidecar git-sync' },
    { login: 'sidecar auth', web: 'app' },
  ]);
});

test('components take components in, and a patch with a target names nobody anew', () => {
  const patch = (container: string): string =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: any}\nspec: {template: {spec: {containers: [{${container}}]}}}`;
  const answer = look({
    'base/kustomization.yaml': 'resources: [web.yaml]',
    'base/web.yaml': BASE,
    'parts/login/kustomization.yaml': 'kind: Component\npatches: [{path: add.yaml, target: {kind: Deployment}}]',
    'parts/login/add.yaml': patch('name: login, image: quay.io/oauth2-proxy/oauth2-proxy'),
    'parts/token/kustomization.yaml':
      'kind: Component\ncomponents: [../login]\npatches: [{path: env.yaml, target: {kind: Deployment}}]',
    'parts/token/env.yaml': patch('name: login, env: [{name: TOKEN_FILE, value: /run/token}]'),
    'overlays/prod/kustomization.yaml': 'resources: [../../base]\ncomponents: [../../parts/token]',
  });
  assert.equal(members(answer), [{ login: 'sidecar auth', web: 'app' }]);
  assert.is(answer.groups[0]!.workload.name, 'web');
});

test('what a configuration of the same files says counts', () => {
  const answer = look(
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {nginx.conf: "location / { proxy_pass http://127.0.0.1:8080; }"}\n---\n` +
      pod(
        '{volumes: [{name: c, configMap: {name: conf}}], containers: [{name: front, image: nginx, ports: [{containerPort: 80}], volumeMounts: [{name: c, mountPath: /etc/nginx}]}, {name: api, image: example/api, ports: [{containerPort: 8080}]}]}',
      ),
  );
  assert.equal(members(answer), [{ front: 'sidecar proxy', api: 'app' }]);
  const evidence = answer.groups[0]!.containers[0]!.evidence.map(({ text }) => text);
  assert.ok(evidence.includes('speaks to port 8080 of a neighbour on localhost'));
});

test('a name alone is never enough', () => {
  const [group] = look(
    pod('{containers: [{name: shop, image: example/shop}, {name: logger, image: example/shop}]}'),
  ).groups;
  assert.equal(
    group!.containers.map((member) => member.class),
    ['app', 'app'],
  );
});

test('a shipper whose log lies in no shared volume is told', () => {
  const [group] = look(
    pod(
      '{containers: [{name: shop, image: example/shop}, {name: tail, image: busybox, args: [tail, -f, /var/log/shop.log]}]}',
    ),
  ).groups;
  assert.equal(
    group!.warnings.map(({ code }) => code),
    ['log-volume-not-shared'],
  );
});

test.run();
