/** What a stack lacks is said in a sentence that ends with what to write. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stackFaults } from './stack-rules.ts';
import { findStack, ROOT } from './stacks.ts';

const test = suite('stack rules');

mkdirSync(join(ROOT, '.cache'), { recursive: true });
const parent = mkdtempSync(join(ROOT, '.cache', 'rules-'));
const dir = join(parent, 'one');
mkdirSync(dir);
const CATALOGUE = relative(dir, join(ROOT, 'compose.yaml'));

const GOOD = `services:
  pod:
    extends: { file: ${CATALOGUE}, service: pod }
    ports: ["127.0.0.1:\${PUBLISH_WEB:-1234}:80"]
    labels: { dev.sidecar-stacks.stack: one }
  app:
    extends: { file: ${CATALOGUE}, service: guestbook }
    network_mode: service:pod
    depends_on: { pod: { condition: service_started, restart: true } }
    labels: { dev.sidecar-stacks.stack: one }
networks: { default: { labels: { dev.sidecar-stacks.stack: one } } }
`;

function faults(compose: string, env = 'PUBLISH_WEB=1234\n'): string {
  writeFileSync(join(dir, 'compose.yaml'), compose);
  writeFileSync(join(dir, '.env'), env);
  writeFileSync(join(dir, 'scenario.ts'), '');
  return stackFaults(findStack('one', parent)).join('\n');
}

test('a stack that has all has no fault', () => assert.is(faults(GOOD), ''));

for (const [what, from, to, says] of [
  [
    'a label',
    '    labels: { dev.sidecar-stacks.stack: one }\n  app',
    '  app',
    /service pod lacks the label dev\.sidecar-stacks\.stack: one/,
  ],
  ['the network', /networks:.*\n/, '', /networks: \{ default: .* is missing/],
  [
    'the catalogue',
    `extends: { file: ${CATALOGUE}, service: guestbook }`,
    'image: x',
    /service app takes no part of the catalogue.*service app lacks the label dev\.sidecar-stacks\.role|service app lacks the label dev\.sidecar-stacks\.role/s,
  ],
  ['a part that is there', 'service: guestbook', 'service: nosuch', /service app extends nosuch .* not there/],
  ['its modesty', 'network_mode', 'privileged: true\n    network_mode', /service app has privileged/],
  ['a free port', '127.0.0.1:${PUBLISH_WEB:-1234}:80', '8080:80', /publishes "8080:80": write/],
  ['restart: true', ', restart: true', '', /would be stranded by `docker compose restart`/],
] as const)
  test(`a stack without ${what} is told so`, () => assert.match(faults(GOOD.replace(from, to)), says));

test('.env and compose.yaml name the same ports', () => {
  assert.match(faults(GOOD, 'PUBLISH_WEB=1\n'), /\.env must say PUBLISH_WEB=1234/);
  assert.match(faults(GOOD, 'PUBLISH_WEB=1234\nPUBLISH_X=2\n'), /\.env has PUBLISH_X, and no service publishes it/);
});

test.after(() => rmSync(parent, { recursive: true }));

test.run();
