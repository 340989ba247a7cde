/** Compose's hooks in a cluster: none is lost. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exported, type Manifest } from './test-project.ts';

const test = suite('export: hooks');

const project = (hooks: string): Record<string, string> => ({
  'compose.yaml': `services:
  shop:
    image: acme/shop:1
    user: "1000:1000"
    restart: always
    ports: ["8080:80"]
    environment: { A: a }
    volumes: ["data:/data"]
    healthcheck: { test: [CMD, "true"] }
${hooks}
volumes: { data: }
`,
});

test("pre_start becomes init containers, in order, with the service's image, variables, volumes", () => {
  const { pod, refused, noted, images } = exported(
    project(`    pre_start:
      - command: shop migrate --all
        environment: { B: b }
      - { image: "acme/fix:2", user: root, command: [chown, "1000", /data] }`),
  );
  assert.equal(refused, []);
  assert.not.ok(noted.includes('no-counterpart'));
  const steps = pod('shop')['initContainers'] as Manifest[];
  assert.equal(
    steps.map(({ name, image, args }) => [name, image, args]),
    [
      ['shop-pre-start-1', 'acme/shop:1', ['shop', 'migrate', '--all']],
      ['shop-pre-start-2', 'acme/fix:2', ['chown', '1000', '/data']],
    ],
  );
  assert.equal(
    steps[0]!['env'].map(({ name }: { name: string }) => name),
    ['A', 'B'],
  );
  assert.equal(steps[0]!['volumeMounts'][0].mountPath, '/data');
  assert.is(steps[0]!['startupProbe'] ?? steps[0]!['readinessProbe'], undefined);
  assert.ok(images.some(({ reference }) => reference === 'acme/fix:2'));
});

test('post_start and pre_stop become lifecycle hooks; several of them one command of a shell', () => {
  const { pod, noted } = exported(
    project(`    post_start: [{ command: [shop, warm, "a b"] }]
    pre_stop:
      - { command: shop drain, environment: { WAIT: 5 s } }
      - { command: shop flush, working_dir: /data }`),
  );
  const { lifecycle } = pod('shop')['containers'][0];
  assert.equal(lifecycle.postStart.exec.command, ['shop', 'warm', 'a b']);
  assert.equal(lifecycle.preStop.exec.command, [
    '/bin/sh',
    '-c',
    "env 'WAIT=5 s' shop drain && (cd /data && shop flush)",
  ]);
  assert.ok(noted.includes('hook-shell'));
});

test('a hook as another user, and services that are included from elsewhere, are refused by name', () => {
  assert.equal(exported(project('    post_start: [{ command: chown 1 /data, user: root }]')).refused, ['hook-user']);
  assert.equal(
    exported({
      'compose.yaml': 'include: ["oci://docker.io/acme/db:1"]\nservices: {web: {image: "x:1", restart: always}}',
    }).refused,
    ['remote-include'],
  );
});

test.run();
