import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { changedSince, reachedBy, treeOf } from './changed.ts';

const FILES: Readonly<Record<string, string>> = {
  'sidecars/kit/net/listen.ts': '',
  'sidecars/kit/net/listen.test.ts': "import './listen.ts';",
  'sidecars/tls/src/main.ts': "import { listen } from '#kit/net/listen.ts';",
  'sidecars/tls/src/main.test.ts': "startProgram([join(import.meta.dirname, 'main.ts')])",
  'sidecars/tls/src/page.test.ts': "readFileSync('openssl.cnf')",
  'sidecars/topz/src/main.ts': '',
  'sidecars/topz/src/main.test.ts': "import './main.ts';",
  'scripts/lint/house.test.ts': '',
  'stacks/https/compose.yaml': 'extends: { file: ../../compose.yaml, service: tls }',
  'stacks/topz/compose.yaml': 'extends: { file: ../../compose.yaml, service: topz }',
  'stacks/config/compose.yaml': 'context: ../../servers/config-server',
  'servers/config-server/src/main.ts': '',
};
const tree = { files: Object.keys(FILES), read: (path: string) => FILES[path]! };

test('a module reaches what imports it, what starts that, and the stacks that have it', () => {
  assert.equal(reachedBy(['sidecars/kit/net/listen.ts'], tree), {
    tests: ['scripts/lint/house.test.ts', 'sidecars/kit/net/listen.test.ts', 'sidecars/tls/src/main.test.ts'],
    stacks: ['https'],
  });
});

test('a file that is no module reaches the tests of its room that name it, and the stacks', () => {
  assert.equal(reachedBy(['sidecars/tls/openssl.cnf'], tree), {
    tests: ['scripts/lint/house.test.ts', 'sidecars/tls/src/page.test.ts'],
    stacks: ['https'],
  });
  assert.equal(reachedBy(['servers/config-server/Dockerfile'], tree).stacks, ['config']);
  assert.equal(reachedBy(['legacy-apps/nowhere/x'], tree).stacks, []);
});

test('a module that is gone still reaches what imports it', () => {
  const { ['sidecars/kit/net/listen.ts']: _gone, ...rest } = FILES;
  const { tests } = reachedBy(['sidecars/kit/net/listen.ts'], {
    files: Object.keys(rest),
    read: (path) => rest[path]!,
  });
  assert.ok(tests.includes('sidecars/tls/src/main.test.ts'));
});

test('the project itself: the tls sidecar is in the https stack, and the kit is in all', () => {
  const project = treeOf(ROOT);
  const tls = reachedBy(['sidecars/tls/src/redirect.ts'], project);
  assert.ok(tls.stacks.includes('https'));
  assert.ok(tls.tests.every((file) => !file.startsWith('sidecars/git-sync/')));
  assert.ok(reachedBy(['sidecars/kit/telemetry/log.ts'], project).stacks.length >= 11);
});

test('a ref that is none is an error', async () => {
  try {
    await changedSince('no-such-ref', ROOT);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^git diff: /);
  }
});

test.run();
