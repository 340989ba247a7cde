/** Faults of stacks that are wrong on purpose: written into a folder of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { stackFaults } from './stack-rules.ts';
import { portOwners, ROOT } from './stacks.ts';

const test = suite('stack rules');
const parent = temporaryDirectory('stack-rules');

const LABEL = 'labels: { dev.sidecar-stacks.stack: trial }';
const CATALOGUE = relative(join(parent, 'a-stack'), join(ROOT, 'compose.yaml'));
const POD = `extends: { file: ${CATALOGUE}, service: pod }`;
const BASE = `services:
  pod:
    ${POD}
    ${LABEL}
networks: { default: { ${LABEL} } }
`;

/** The faults of a stack of these files. */
function faultsOf(files: Readonly<Record<string, string>>): string[] {
  const dir = join(parent, String(Math.random()).slice(2));
  mkdirSync(dir);
  for (const [name, text] of Object.entries({ 'scenario.ts': '', ...files })) writeFileSync(join(dir, name), text);
  return stackFaults({ name: 'trial', dir, env: {}, portVariables: [] });
}

test('a stack that has all has no fault', () => {
  assert.equal(faultsOf({ 'compose.yaml': BASE }), []);
});

test('what an override adds is looked at, too', () => {
  const override = `services:
  pod: { privileged: true }
  other: { image: some }
`;
  const faults = faultsOf({ 'compose.yaml': BASE, 'compose.override.yaml': override });
  assert.is(faults.length, 4, faults.join('\n'));
  assert.ok(faults.some((each) => each.startsWith('service pod has privileged')));
  assert.ok(faults.some((each) => each.startsWith('service other lacks the label dev.sidecar-stacks.stack')));
  assert.ok(faults.some((each) => each.startsWith('service other takes no part of the catalogue')));
});

test('what ends may change the network of its pod, and nothing else may', () => {
  const withCaps = (role: string, caps: string): string[] =>
    faultsOf({
      'compose.yaml': `services:
  pod:
    ${POD}
    cap_add: ${caps}
    labels: { dev.sidecar-stacks.stack: trial, dev.sidecar-stacks.role: ${role} }
networks: { default: { ${LABEL} } }
`,
    });
  assert.equal(withCaps('init', '[NET_ADMIN]'), []);
  assert.match(withCaps('init', '[NET_ADMIN, SYS_ADMIN]').join(), /has cap_add/);
  assert.match(withCaps('sidecar', '[NET_ADMIN]').join(), /has cap_add/);
});

test('a port that the override publishes has an owner', () => {
  const dir = join(parent, 'ports');
  mkdirSync(dir);
  writeFileSync(join(dir, 'compose.yaml'), BASE);
  writeFileSync(
    join(dir, 'compose.override.yaml'),
    'services: { other: { ports: ["127.0.0.1:${PUBLISH_PAGE:-1}:2"] } }\n',
  );
  const owners = portOwners({ name: 'trial', dir, env: {}, portVariables: [] });
  assert.equal([...owners], [['PUBLISH_PAGE', 'other']]);
});

test.run();
