import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NoReview, type Operation } from './admission.ts';
import { Reviewer } from './reviewer.ts';

const outcomes: string[] = [];
const told: string[] = [];
const reviewer = (style: 'native' | 'plain' = 'native') =>
  new Reviewer({
    container: { style, registry: 'registry.example/' },
    onReviewed: (outcome) => outcomes.push(outcome),
    onSkipped: (_pod, message) => told.push(message),
  });

type Spec = Record<string, any>;
const APP = { name: 'app', image: 'shop:1', ports: [{ containerPort: 8000 }] };

interface Asked {
  readonly spec?: Spec;
  readonly annotations?: Record<string, string>;
  readonly request?: Record<string, unknown>;
}

const bodyOf = ({ spec = { containers: [APP] }, annotations, request = {} }: Asked): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      operation: 'CREATE',
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      object: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'web-', annotations }, spec },
      ...request,
    },
  });

interface Answered {
  readonly spec: Spec;
  readonly patch: readonly Operation[];
  readonly warnings: readonly string[];
}

/** Review, and apply the patch as an API server does. */
function review(path: string, asked: Asked, style?: 'native' | 'plain'): Answered {
  told.length = 0;
  const { response } = JSON.parse(reviewer(style).review(path, bodyOf(asked))!) as { response: Record<string, any> };
  assert.equal([response['uid'], response['allowed']], ['u-1', true]);
  const patch =
    response['patch'] === undefined
      ? []
      : (JSON.parse(Buffer.from(response['patch'] as string, 'base64').toString()) as Operation[]);
  const spec = structuredClone(asked.spec ?? { containers: [APP] });
  for (const { path: at, value } of patch) {
    const [, root, list, index] = at.split('/') as [string, string, string, string | undefined];
    assert.is(root, 'spec');
    if (index === undefined) spec[list] = value;
    else spec[list].splice(index === '-' ? spec[list].length : Number(index), 0, value);
  }
  return { spec, patch, warnings: (response['warnings'] ?? []) as string[] };
}

const names = (list: unknown): string[] => ((list ?? []) as { name: string }[]).map(({ name }) => name);
const annotated = (inject: string, more: Record<string, string> = {}): Asked => ({
  annotations: { 'sidecar-stacks.dev/inject': inject, ...more },
});

test('a pod that asks by annotation gets native sidecars, with its port as their parameter', () => {
  const { spec, warnings } = review(
    '/annotated',
    annotated('tls, topz', { 'sidecar-stacks.dev/set-tls': 'LOG_LEVEL=warn\n' }),
  );
  assert.equal([names(spec['initContainers']), warnings], [['tls', 'topz'], []]);
  const [tls] = spec['initContainers'] as [Spec];
  assert.is(tls['restartPolicy'], 'Always');
  assert.match(tls['image'] as string, /^registry\.example\/sidecar-stacks\/tls:/);
  assert.equal(
    new Map((tls['env'] as { name: string; value: string }[]).map(({ name, value }) => [name, value])),
    new Map([
      ['LOG_LEVEL', 'warn'],
      ['PROXY_PORT', '8000'],
    ]),
  );
  assert.is(spec['shareProcessNamespace'], true, 'topz sees processes');
});

test('a namespace with a label gives its pods that sidecar; a pod refuses with "false"', () => {
  assert.equal(names(review('/labelled/topz', {}).spec['initContainers']), ['topz']);
  assert.equal(review('/labelled/topz', annotated('false')).patch, []);
  assert.equal(review('/annotated', annotated('false')).patch, []);
  assert.equal(review('/annotated', {}).patch, []);
});

test('sidecars start before what an application needs, and behind sidecars that are there', () => {
  const first = review('/labelled/tls', {
    spec: { containers: [APP], initContainers: [{ name: 'migrate', image: 'm' }] },
  });
  assert.equal(names(first.spec['initContainers']), ['tls', 'migrate']);
  const second = review('/labelled/topz', { spec: first.spec });
  assert.equal(names(second.spec['initContainers']), ['tls', 'topz', 'migrate']);
});

test('a pod that is reviewed again stays as it is', () => {
  for (const style of ['native', 'plain'] as const) {
    const once = review('/annotated', annotated('tls, git-sync, topz', SYNC), style);
    assert.ok(once.patch.length > 0);
    const again = review('/annotated', { ...annotated('tls, git-sync, topz', SYNC), spec: once.spec }, style);
    assert.equal([again.patch, again.warnings], [[], []]);
  }
});
const SYNC = { 'sidecar-stacks.dev/set-git-sync': 'GITSYNC_REPO=https://git.example/site.git' };

test('an application of the same image as a sidecar is an application', () => {
  const spec = { containers: [{ ...APP, image: 'sidecar-stacks/tls:1' }] };
  assert.equal(names(review('/annotated', { ...annotated('tls'), spec }).spec['initContainers']), ['tls']);
});

test('a plain sidecar comes behind the containers, and a volume list that is there grows', () => {
  const spec = { containers: [APP], volumes: [{ name: 'own' }] };
  const plain = review('/annotated', { ...annotated('git-sync', SYNC), spec }, 'plain').spec;
  assert.equal(names(plain['containers']), ['app', 'git-sync']);
  assert.is(plain['initContainers'], undefined);
  assert.is(names(plain['volumes'])[0], 'own');
  assert.ok(names(plain['volumes']).length > 1);
});

const REFUSED: readonly [string, Asked, RegExp][] = [
  ['a host network', { ...annotated('tls'), spec: { containers: [APP], hostNetwork: true } }, /hostNetwork/],
  ['no port', { ...annotated('tls'), spec: { containers: [{ name: 'a', image: 'a' }] } }, /set-tls: PROXY_PORT=PORT/],
  [
    'a port that is taken',
    { ...annotated('tls'), spec: { containers: [{ ...APP, ports: [{ containerPort: 8443 }] }] } },
    /8443, on which the application listens/,
  ],
  [
    'another container of that name',
    { ...annotated('tls'), spec: { containers: [{ ...APP, name: 'tls' }] } },
    /another image/,
  ],
  ['an unknown sidecar', annotated('tsl'), /no such sidecar; there are .*tls/],
  ['a wrong parameter', annotated('tls', { 'sidecar-stacks.dev/set-tls': 'LOG_LEVEL=loud' }), /LOG_LEVEL/],
  ['a line that sets nothing', annotated('tls', { 'sidecar-stacks.dev/set-tls': 'rm -rf' }), /NAME=VALUE/],
  [
    'processes that are not shared',
    { ...annotated('topz'), spec: { containers: [APP], shareProcessNamespace: false } },
    /shareProcessNamespace/,
  ],
  ['Windows', { ...annotated('tls'), spec: { containers: [APP], os: { name: 'windows' } } }, /Windows/],
];
for (const [what, asked, why] of REFUSED)
  test(`${what}: the pod starts without, and both a warning and an event say why`, () => {
    const { patch, warnings } = review('/annotated', asked);
    assert.equal(patch, []);
    assert.is(warnings.length, 1);
    assert.match(told[0]!, why);
    assert.ok(warnings[0]!.length <= 256);
    assert.is(outcomes.at(-1), 'skipped');
  });

test('one sidecar that cannot be put in leaves out no other', () => {
  const { spec, warnings } = review('/annotated', annotated('nosuch, topz'));
  assert.equal([names(spec['initContainers']), warnings.length], [['topz'], 1]);
});

test('a dry run writes no event', () => {
  const { warnings } = review('/annotated', { ...annotated('nosuch'), request: { dryRun: true } });
  assert.equal([warnings.length, told], [1, []]);
});

test('what is no new pod is admitted as it is', () => {
  for (const request of [
    { operation: 'UPDATE' },
    { resource: { group: 'apps', resource: 'deployments' } },
    { subResource: 'ephemeralcontainers' },
  ])
    assert.equal(review('/labelled/tls', { request }).patch, []);
});

test('an unknown path has no answer, and a body that is no review is refused', () => {
  assert.is(reviewer().review('/labelled/nosuch', bodyOf({})), undefined);
  assert.is(reviewer().review('/', bodyOf({})), undefined);
  for (const body of ['', '{', '[]', 'null', '{"kind":"AdmissionReview"}', bodyOf({ request: { uid: 7 } })])
    assert.throws(
      () => reviewer().review('/annotated', body),
      (error: Error) => error instanceof NoReview,
      body,
    );
});

test('any object in place of a pod is answered, and never refused', () => {
  const keys = fc.constantFrom(
    'containers',
    'initContainers',
    'volumes',
    'os',
    'name',
    'image',
    'ports',
    'hostNetwork',
  );
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.string(),
      fc.integer(),
      fc.array(tie('any')),
      fc.dictionary(keys, tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(value, fc.string(), (spec, inject) => {
      const object = { metadata: { annotations: { 'sidecar-stacks.dev/inject': inject } }, spec };
      const text = reviewer().review('/annotated', bodyOf({ request: { object } }));
      assert.is((JSON.parse(text!) as { response: { allowed: boolean } }).response.allowed, true);
    }),
  );
});

test.run();
