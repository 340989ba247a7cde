import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { SIDECARS } from '../bundled/sidecars.ts';
import { main } from '../main.ts';

const test = suite('webhook: manifests');

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await main(['webhook', ...args], {
    folder: '/',
    environment: {},
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { code, ...said };
}

type Manifest = Record<string, any>;
const manifests = (text: string): Manifest[] => parseAllDocuments(text).map((each) => each.toJS() as Manifest);
const find = (all: readonly Manifest[], kind: string): Manifest => all.find((each) => each['kind'] === kind)!;

test('the cluster goes on without it, and no pod of its own or of the system passes it', async () => {
  const { code, out } = await run('--namespace', 'hooks');
  assert.is(code, 0);
  const { webhooks } = find(manifests(out), 'MutatingWebhookConfiguration');
  assert.equal(
    (webhooks as Manifest[]).map(({ name }) => name as string).toSorted(),
    ['annotated', ...Object.keys(SIDECARS).map((name) => `${name}.labelled`)]
      .map((name) => `${name}.sidecar-stacks.dev`)
      .toSorted(),
  );
  for (const {
    failurePolicy,
    timeoutSeconds,
    reinvocationPolicy,
    sideEffects,
    namespaceSelector,
  } of webhooks as Manifest[]) {
    assert.equal(
      [failurePolicy, timeoutSeconds, reinvocationPolicy, sideEffects],
      ['Ignore', 3, 'IfNeeded', 'NoneOnDryRun'],
    );
    assert.equal(namespaceSelector.matchExpressions[0].values, ['kube-system', 'hooks']);
  }
});

test('its account may do what it has to, and nothing else', async () => {
  const all = manifests((await run()).out);
  assert.equal(find(all, 'Role')['rules'], [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['sidecar-stacks-webhook'], verbs: ['get', 'update'] },
  ]);
  assert.equal(find(all, 'ClusterRole')['rules'], [
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations'],
      resourceNames: ['sidecar-stacks'],
      verbs: ['get', 'patch'],
    },
    { apiGroups: [''], resources: ['events'], verbs: ['create'] },
  ]);
});

test('images come from a registry, or are never pulled', async () => {
  const containerOf = ({ out }: { out: string }): Manifest =>
    find(manifests(out), 'Deployment')['spec'].template.spec.containers[0] as Manifest;
  const { image, imagePullPolicy, env } = containerOf(await run('--registry', 'registry.example/team', '--plain'));
  assert.match(image, /^registry\.example\/team\/sidecar-stacks\/webhook:/);
  assert.is(imagePullPolicy, 'IfNotPresent');
  assert.equal(env, [
    { name: 'WEBHOOK_STYLE', value: 'plain' },
    { name: 'WEBHOOK_REGISTRY', value: 'registry.example/team/' },
  ]);
  const loaded = await run();
  assert.is(containerOf(loaded)['imagePullPolicy'], 'Never');
  assert.match(loaded.err, /docker build --tag sidecar-stacks\/webhook:/);
});

test('a wrong command line says what is accepted', async () => {
  for (const [args, why] of [
    [['--replicas', '0'], /1 to 99/],
    [['--namespace', 'A B'], /--namespace/],
    [['--registry', 'two words'], /HOST/],
    [['now'], /now/],
  ] as const) {
    const { code, err } = await run(...args);
    assert.is(code, 2);
    assert.match(err, why);
  }
});

test.run();
