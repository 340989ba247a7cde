/** Each rule of the house's own seen red, and what it must leave alone. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { EXPORTS } from './exports.ts';
import { importProblem } from './layers.ts';

const ROOT = join(import.meta.dirname, '../..');

test('a sidecar imports its own files, the kit and the libraries', () => {
  for (const to of [
    'sidecars/tls/src/b.ts',
    'sidecars/kit/telemetry/log.ts',
    'sidecars/proxy/http1/head.ts',
    'sidecars/mesh/model/a.ts',
  ])
    assert.is(importProblem('sidecars/tls/src/a.ts', to), undefined, to);
  for (const to of ['sidecars/topz/src/a.ts', 'scripts/lib/run.ts', 'stacks/https/lib/client.ts'])
    assert.match(importProblem('sidecars/tls/src/a.ts', to) ?? '', 'is out of reach: a sidecar imports', to);
});

test('what is general imports nothing particular', () => {
  for (const [from, to] of [
    ['sidecars/kit/telemetry/log.ts', 'sidecars/proxy/head.ts'],
    ['sidecars/kit/telemetry/log.ts', 'sidecars/tls/src/main.ts'],
    ['sidecars/proxy/head.ts', 'sidecars/tls/src/main.ts'],
    ['sidecars/mesh/xds/store.ts', 'sidecars/mesh-proxy/src/main.ts'],
    ['scripts/stack.ts', 'stacks/https/lib/client.ts'],
    ['tools/index.ts', 'scripts/lib/run.ts'],
    ['tools/index.ts', 'stacks/https/lib/client.ts'],
    ['stacks/https/scenario.ts', 'stacks/paas/lib/versions.ts'],
    ['legacy-apps/board/test.ts', 'sidecars/kit/telemetry/log.ts'],
  ] as const)
    assert.match(importProblem(from, to) ?? '', 'is out of reach', `${from} → ${to}`);
  for (const [from, to] of [
    ['sidecars/proxy/head.ts', 'sidecars/kit/telemetry/log.ts'],
    ['scripts/contract/sidecars.ts', 'sidecars/kit/contract/contract.ts'],
    ['stacks/https/scenario.ts', 'scripts/scenario/scenario.ts'],
    ['stacks/https/scenario.ts', 'stacks/https/lib/client.ts'],
    ['stacks/logs/services/faulty-store/src/main.ts', 'sidecars/kit/testing/bulk-store.ts'],
  ] as const)
    assert.is(importProblem(from, to), undefined, `${from} → ${to}`);
});

test('of a sidecar or a server, others import its contract and what it exports', () => {
  for (const [from, to] of [
    ['tools/bundled/sidecars.ts', 'sidecars/tls/src/contract.ts'],
    ['tools/export/probes.ts', 'sidecars/probe/src/targets/read.ts'],
    ['sidecars/probe/src/main.ts', 'sidecars/probe/src/watch.ts'],
    ['servers/control-plane/src/proxies.test.ts', 'sidecars/mesh-proxy/src/testing/mesh.ts'],
    ['scripts/state/syncing.test.ts', 'sidecars/git-sync/src/test-repository.ts'],
  ] as const)
    assert.is(importProblem(from, to), undefined, `${from} → ${to}`);
  for (const [from, to] of [
    ['tools/export/probes.ts', 'sidecars/probe/src/watch.ts'],
    ['servers/control-plane/src/main.ts', 'sidecars/mesh-proxy/src/testing/mesh.ts'],
    ['scripts/state/servers.test.ts', 'servers/control-plane/src/state-file.ts'],
  ] as const)
    assert.match(importProblem(from, to) ?? '', 'is internal', `${from} → ${to}`);
});

test('every exported file is there', () => {
  for (const [part, files] of Object.entries(EXPORTS))
    for (const file of files) assert.ok(existsSync(join(ROOT, part, 'src', file)), `${part}/src/${file}`);
});

test('helpers of tests stay out of programs', () => {
  const helper = 'sidecars/kit/testing/ports.ts';
  for (const from of ['sidecars/tls/src/main.ts', 'sidecars/kit/net/listen.ts', 'sidecars/proxy/pool.ts'])
    assert.match(importProblem(from, helper) ?? '', 'is for tests', from);
  for (const from of [
    'sidecars/tls/src/main.test.ts',
    'sidecars/tls/src/test-plane.ts',
    'sidecars/x/src/testing/rig.ts',
  ])
    assert.is(importProblem(from, helper), undefined, from);
});

/** What oxlint says of files, with the project's configuration in a folder that is laid out like the project. */
function lint(files: Readonly<Record<string, string>>): string {
  const top = temporaryDirectory('lint');
  for (const path of ['.oxlintrc.json', 'scripts/lint']) cpSync(join(ROOT, path), join(top, path), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  return spawnSync('oxlint', ['--deny-warnings', 'sidecars'], { cwd: top, encoding: 'utf8' }).stdout;
}

test('oxlint holds it: imports of every form, circles of types, tests left out, long names', () => {
  const said = lint({
    'sidecars/example/src/main.ts': [
      `import { b } from './b.ts';`,
      `export * from '../../topz/src/cpu.ts';`,
      `export { name } from '../../../scripts/lib/labels.ts';`,
      `void import('../../../stacks/https/lib/client.ts');`,
      `import { freePort } from '#kit/testing/ports.ts';`,
      `import { createLog } from '#kit/telemetry/log.ts';`,
      `export interface A { readonly b: typeof b }`,
      `void [freePort, createLog];`,
    ].join('\n'),
    'sidecars/example/src/b.ts': `import type { A } from './main.ts';\nexport const b = (a?: A): unknown => a;\n`,
    'sidecars/example/src/b.test.ts': [
      `import { suite, test as check } from 'uvu';`,
      `check.only('one', () => {});`,
      `const group = suite('a group');`,
      `group.skip('two', () => {});`,
      `const line = { skip() {} };`,
      `line.skip();`,
      'check(`a name that is longer than the ${line} of a terminal: ${"a part that is only known later"}`, () => {});',
      `group('${'a'.repeat(91)}', () => {});`,
      `group('${'b'.repeat(90)}', () => {});`,
      `scenario.must('${'c'.repeat(50)}' +`,
      `  '${'d'.repeat(42)}', {}, () => {});`,
      `check.run();`,
    ].join('\n'),
  });
  for (const expected of [
    'sidecars/topz/src/cpu.ts is out of reach',
    'scripts/lib/labels.ts is out of reach',
    'stacks/https/lib/client.ts is out of reach',
    'sidecars/kit/testing/ports.ts is for tests',
    'import(no-cycle)',
    'check.only leaves tests out',
    'group.skip leaves tests out',
    'at most 90 characters, not 91',
    'at most 90 characters, not 92',
  ])
    assert.ok(said.includes(expected), `${expected}:\n${said}`);
  assert.not.match(said, 'sidecars/kit/telemetry/log.ts is');
  assert.not.match(said, 'line.skip');
  assert.is(said.split('at most 90 characters').length - 1, 2);
  assert.not.match(
    lint({ 'sidecars/example/src/main.ts': `import { createLog } from '#kit/telemetry/log.ts';\nvoid createLog;\n` }),
    'house',
  );
});

test.run();
