import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, parseAllDocuments } from 'yaml';
import { SIDECARS } from '../bundled/sidecars.ts';
import { main } from '../main.ts';
import { injectIntoManifest, removeFromManifest, type ManifestOptions } from './manifest.ts';
import { Refusal } from '../bundled/refusal.ts';

const test = suite('inject: Kubernetes');

const inject = (text: string, { sidecar = 'tls', ...options }: Partial<ManifestOptions> & { sidecar?: string } = {}) =>
  injectIntoManifest(text, { sidecar, into: '', set: {}, publish: [], share: [] }, SIDECARS[sidecar]!, {
    style: 'native',
    registry: '',
    into: undefined,
    environment: (ports) => (sidecar === 'tls' ? { PROXY_PORT: String(ports[0] ?? 80) } : {}),
    ...options,
  });

const DEPLOYMENT = `# a comment that stays
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      # oddly     spaced
      containers:
        - name:   web   # here too
          image: 'x'
          ports: [{containerPort: 8080}]
`;

interface Spec {
  initContainers?: { name: string; restartPolicy?: string; env: unknown; securityContext: Record<string, unknown> }[];
  containers: { name: string }[];
  volumes?: { name: string }[];
  shareProcessNamespace?: boolean;
}
const specOf = (text: string): Spec => (parse(text) as { spec: { template: { spec: Spec } } }).spec.template.spec;

test('without a registry the image is never pulled', () => {
  assert.match(inject(DEPLOYMENT).text, /image: sidecar-stacks\/tls:\S+\n *imagePullPolicy: Never/);
  const { text } = inject(DEPLOYMENT, { registry: 'registry.example/' });
  assert.match(text, /image: registry.example\/sidecar-stacks\/tls:\S+\n *imagePullPolicy: IfNotPresent/);
});

test('a native sidecar goes in, and every other byte stays', () => {
  const { text, messages } = inject(DEPLOYMENT);
  assert.equal(messages, ['Deployment/web: tls injected']);
  const spec = specOf(text);
  const [sidecar] = spec.initContainers!;
  assert.equal(
    [sidecar!.name, sidecar!.restartPolicy, sidecar!.env],
    ['tls', 'Always', [{ name: 'PROXY_PORT', value: '8080' }]],
  );
  assert.is(sidecar!.securityContext['runAsNonRoot'], true);
  assert.equal(
    spec.volumes!.map(({ name }) => name),
    ['tls-state'],
  );
  const lines = text.split('\n');
  assert.ok(DEPLOYMENT.split('\n').every((line) => lines.includes(line)));
  assert.is(removeFromManifest(text, 'tls'), DEPLOYMENT);
});

test('twice is once, also with other parameters, and two sidecars are taken out alone', () => {
  const once = inject(DEPLOYMENT).text;
  assert.is(inject(once).text, once);
  const other = inject(once, { environment: () => ({ PROXY_PORT: '1' }) }).text;
  assert.is.not(other, once);
  assert.is(inject(other).text, once);
  const both = inject(once, { sidecar: 'topz' }).text;
  assert.is(specOf(both).shareProcessNamespace, true);
  assert.is(removeFromManifest(both, 'topz'), once);
  assert.is(removeFromManifest(removeFromManifest(both, 'tls'), 'topz'), DEPLOYMENT);
});

test('--plain goes behind the other containers', () => {
  assert.equal(
    specOf(inject(DEPLOYMENT, { style: 'plain' }).text).containers.map(({ name }) => name),
    ['web', 'tls'],
  );
});

test('what has lists already gets items: init containers before, volumes behind', () => {
  const text = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers:
  - name: first
    image: x
  containers:
  - {name: a, image: x}
  volumes:
  - name: v
    emptyDir: {}
  # the end`;
  const { text: after } = inject(text);
  const { spec } = parse(after) as { spec: Spec };
  assert.equal(
    [spec.initContainers!.map(({ name }) => name), spec.volumes!.map(({ name }) => name)],
    [
      ['tls', 'first'],
      ['v', 'tls-state'],
    ],
  );
  assert.is(removeFromManifest(after, 'tls'), text);
});

test('JSON and flow style take JSON', () => {
  for (const text of [
    '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}}',
    'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {initContainers: [{name: i}], volumes: [{name: v}], containers: [{name: a}]}\n',
  ])
    for (const sidecar of ['tls', 'topz']) {
      const after = inject(text, { sidecar }).text;
      const { spec } = parse(after) as { spec: Spec };
      assert.is(spec.initContainers![0]!.name, sidecar);
      assert.is(inject(after, { sidecar }).text, after);
      assert.is(removeFromManifest(after, sidecar), text);
    }
});

test('lists, several documents and custom resources; hostNetwork is skipped, a schema left alone', () => {
  const text = `apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: DaemonSet
  metadata: {name: node}
  spec: {template: {spec: {hostNetwork: true, containers: [{name: n}]}}}
- apiVersion: serving.knative.dev/v1
  kind: Service
  metadata: {name: k}
  spec:
    template:
      spec:
        containers: [{name: a}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: c}
spec: {containers: [{name: schema}]}
`;
  const { messages, count } = inject(text);
  assert.is(count, 1);
  assert.match(messages[0]!, /DaemonSet\/node: skipped: hostNetwork/);
  assert.is(messages[1], 'Service/k: tls injected');
});

const REFUSED: [string, string, Partial<ManifestOptions>?][] = [
  ['no-pod', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n'],
  ['no-pod', DEPLOYMENT, { into: 'other' }],
  ['unreadable', 'a: [1\n'],
  [
    'empty-list',
    'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  initContainers:\n  containers:\n  - name: a\n',
  ],
  ['layout', 'apiVersion: v1\nkind: Pod\nspec:\n  x:\n  - containers:\n    - name: a\n'],
];
for (const [reason, text, options] of REFUSED)
  test(`is refused by name: ${reason}`, () => {
    assert.throws(
      () => inject(text, options),
      (error: unknown) => error instanceof Refusal && error.reason === reason,
    );
  });

test('any layout comes back byte for byte', () => {
  const indent = fc.integer({ min: 0, max: 4 });
  const layout = fc.record({
    list: fc.constantFrom(0, 2),
    key: indent,
    init: fc.boolean(),
    volumes: fc.boolean(),
    newline: fc.boolean(),
    crlf: fc.boolean(),
    comment: fc.boolean(),
    style: fc.constantFrom('native' as const, 'plain' as const),
    sidecar: fc.constantFrom('tls', 'topz'),
  });
  fc.assert(
    fc.property(layout, ({ list, key, init, volumes, newline, crlf, comment, style, sidecar }) => {
      const pad = ' '.repeat(key + 1);
      const item = ' '.repeat(list);
      const lines = [
        'apiVersion: v1',
        'kind: Pod',
        'metadata:',
        '  name: p',
        'spec:',
        ...(comment ? [`${pad}# before`] : []),
      ];
      if (init) lines.push(`${pad}initContainers:`, `${pad}${item}- name: i`, `${pad}${item}  image: x`);
      lines.push(
        `${pad}containers:`,
        `${pad}${item}- name: a`,
        `${pad}${item}  args:`,
        `${pad}${item}  - |`,
        `${pad}${item}    text`,
        `${pad}${item}    more`,
      );
      // What stands between a list and the next key belongs to neither.
      if (comment) lines.push(`${pad}${item}  # of the last`, `${pad}# of the next`, `${pad}serviceAccountName: s`);
      if (volumes)
        lines.push(`${pad}volumes:`, `${pad}${item}- name: v`, ...(comment ? [`${pad}${item}  # last`] : []));
      const text = lines.join(crlf ? '\r\n' : '\n') + (newline ? (crlf ? '\r\n' : '\n') : '');
      const after = inject(text, { style, sidecar }).text;
      assert.equal(
        parseAllDocuments(after).flatMap((document) => document.errors),
        [],
      );
      const { spec } = parse(after) as { spec: Spec };
      assert.ok([...(spec.initContainers ?? []), ...spec.containers].some(({ name }) => name === sidecar));
      assert.is(inject(after, { style, sidecar }).text, after);
      assert.is(removeFromManifest(after, sidecar), text);
    }),
    { numRuns: 300 },
  );
});

test('the command prints YAML alone, writes in place only when asked, and takes back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-'));
  try {
    writeFileSync(join(folder, 'web.yaml'), DEPLOYMENT);
    const run = async (...args: string[]) => {
      let [out, err] = ['', ''];
      const code = await main(['inject', ...args], {
        folder,
        environment: {},
        out: (text) => void (out += text),
        err: (text) => void (err += text),
      });
      return { code, out, err };
    };
    const shown = await run('tls', '-f', 'web.yaml', '--registry', 'registry.example/team');
    assert.is(shown.code, 0);
    assert.match(shown.out, /^# a comment that stays\n[\s\S]*registry\.example\/team\/sidecar-stacks\/tls:/);
    assert.match(shown.err, /Deployment\/web: tls injected/);
    assert.is(readFileSync(join(folder, 'web.yaml'), 'utf8'), DEPLOYMENT);
    await run('tls', '-f', 'web.yaml', '--in-place');
    assert.match(readFileSync(join(folder, 'web.yaml'), 'utf8'), /name: tls/);
    await run('tls', '-f', 'web.yaml', '--in-place', '--undo');
    assert.is(readFileSync(join(folder, 'web.yaml'), 'utf8'), DEPLOYMENT);
    const wrong = await run('tls', '-f', 'web.yaml', '--set', 'TLS_MODE=htp');
    assert.equal([wrong.code, wrong.out], [1, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
