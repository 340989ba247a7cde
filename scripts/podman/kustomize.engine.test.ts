/** kubectl builds each stack's export: the base, and the overlay with its patches. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAllDocuments } from 'yaml';
import { COMPONENTS } from '../../tools/export/components.ts';
import { exportOf, stacks } from '../../tools/export/golden.ts';
import { mistakesIn } from '../../tools/export/test-schema.ts';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { programImage } from '../lib/program-image.ts';

const test = suite('kubectl kustomize');
const container = `sidecar-stacks-kustomize-${randomBytes(3).toString('hex')}`;
const folder = temporaryDirectory('kustomize');
const SHORT = { timeoutMs: 60_000 };

test.before(async () => {
  const image = await programImage('podman', 'scripts/podman/image', () => {});
  for (const stack of stacks())
    for (const { path, text } of exportOf(stack).files) {
      const file = join(folder, stack, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  await docker(
    [
      'run',
      '--detach',
      '--rm',
      '--network',
      'none',
      '--name',
      container,
      '--label',
      `${STACK_LABEL}=kustomize`,
      image,
      'sleep',
      '600',
    ],
    SHORT,
  );
  await docker(['cp', folder, `${container}:/exported`], SHORT);
});
test('builds https with every component, each of its objects once', async () => {
  const name = 'with-components';
  for (const { path, text } of exportOf('https', { components: COMPONENTS, namespace: 'https' }).files) {
    const file = join(folder, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  await docker(['cp', join(folder, name), `${container}:/exported`], SHORT);
  const text = await docker(['exec', container, 'kubectl', 'kustomize', `/exported/${name}/overlays/cluster`], SHORT);
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Record<string, any>);
  const kinds = new Set(objects.map(({ kind }) => kind as string));
  for (const kind of [
    'Ingress',
    'TLSRoute',
    'HTTPRoute',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'PodMonitor',
    'Namespace',
  ])
    assert.ok(kinds.has(kind), kind);
  assert.ok(
    objects.every(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace) === 'https'),
  );
  const dashboard = objects.find(({ metadata }) => metadata.name === 'dashboard-tls')!;
  assert.is(dashboard['metadata'].labels.grafana_dashboard, '1');
  assert.ok(JSON.parse(dashboard['data']['tls.json']).panels.length > 5);
});

test.after(async () => {
  await docker(['rm', '--force', container], SHORT);
});

for (const stack of stacks())
  test(`builds ${stack}`, async () => {
    const build = async (path: string): Promise<Record<string, any>[]> => {
      const text = await docker(['exec', container, 'kubectl', 'kustomize', `/exported/${stack}/${path}`], SHORT);
      return parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);
    };
    const [base, whole] = await Promise.all([build('base'), build('overlays/cluster')]);
    assert.ok(base.length > 1);
    const named = (objects: readonly Record<string, any>[]): string[] =>
      objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
    assert.equal(named(whole), named(base));
    for (const object of whole) assert.equal(mistakesIn(object), []);
    // What the overlay is given before anybody changes it is what the base has; told object by object.
    for (const [index, object] of whole.entries()) assert.equal(object, base[index], named([object]).join());
  });

test.run();
