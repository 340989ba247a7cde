import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { main } from '../main.ts';
import { besideArguments } from './beside.ts';
import { containerSettings, podNamed } from './ephemeral.ts';

const test = suite('debug: pods');

/** In place of kubectl: it knows one pod, and notes how it is called and what it is given. */
const KUBECTL = `#!/usr/bin/env node
const fs = require('node:fs');
const args = process.argv.slice(2);
if (args[0] === 'get') {
  if (!args.includes('pod/web-0')) { process.stderr.write('Error: pods not found\\n'); process.exit(1); }
  process.stdout.write('web');
} else {
  const custom = args.find((each) => each.startsWith('--custom=')).slice(9);
  fs.writeFileSync(__dirname + '/called', JSON.stringify({ args, settings: JSON.parse(fs.readFileSync(custom)) }));
  process.exit(args.at(-1) === 'false' ? 7 : 0);
}
`;

let folder: string;
test.before(() => {
  folder = temporaryDirectory('kubectl');
  writeFileSync(join(folder, 'package.json'), '{"type": "commonjs"}');
  writeFileSync(join(folder, 'kubectl'), KUBECTL);
  chmodSync(join(folder, 'kubectl'), 0o755);
});

async function run(
  ...args: string[]
): Promise<{ code: number; err: string; called: { args: string[]; settings: unknown } }> {
  let err = '';
  const code = await main(['debug', ...args], {
    folder,
    environment: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
    out: () => {},
    err: (text) => void (err += text),
  });
  let called = { args: [] as string[], settings: undefined as unknown };
  try {
    called = JSON.parse(readFileSync(join(folder, 'called'), 'utf8')) as typeof called;
  } catch {
    // It was not called.
  }
  return { code, err, called };
}

test('a pod that is not there is told, and kubectl adds nothing', async () => {
  const { code, err, called } = await run('pod/nosuch');
  assert.equal([code, called.args], [1, []]);
  assert.match(err, /pods not found/);
});

test('a command runs in an ephemeral container beside the first one, and its exit code is ours', async () => {
  const { code, called } = await run('pod/web-0', '-n', 'shop', '--', 'false');
  assert.is(code, 7);
  const [verb, namespace, pod] = called.args;
  assert.equal([verb, namespace, pod], ['debug', '--namespace=shop', 'pod/web-0']);
  assert.ok(called.args.includes('--target=web'));
  assert.ok(called.args.includes('--attach'));
  assert.equal(called.args.slice(called.args.indexOf('--')), ['--', 'false']);
  assert.equal(called.settings, containerSettings({ image: 'sidecar-stacks/debug-tools:dev', restricted: false }));
});

test('restricted has no capability and no root', () => {
  const { securityContext, imagePullPolicy } = containerSettings({ image: 'registry.example/tools', restricted: true });
  assert.is(imagePullPolicy, 'IfNotPresent');
  assert.equal(securityContext.capabilities, { drop: ['ALL'] });
  assert.is(securityContext.runAsNonRoot, true);
});

test('a name that is no pod’s never reaches kubectl', async () => {
  assert.is(podNamed('po/web-0'), 'web-0');
  for (const args of [['pod/--all'], ['pod/'], ['deployment/web'], ['pod/a', 'b'], ['pod/a', '--'], ['pod/a', '--x']]) {
    const { code } = await run(...args);
    assert.is(code, 2, args.join(' '));
  }
});

test('tools join the namespaces of a container, or of whom it joined, and have its volumes', () => {
  const joined = (NetworkMode: string, PidMode: string): string[] =>
    besideArguments({ Id: 'abc', HostConfig: { NetworkMode, PidMode } }, 'tools', ['ss'], false).filter((each) =>
      /^--(network|pid|volumes)/.test(each),
    );
  const volumes = '--volumes-from=abc';
  assert.equal(joined('shop_default', ''), ['--network=container:abc', '--pid=container:abc', volumes]);
  assert.equal(joined('container:pod', 'container:pod'), ['--network=container:pod', '--pid=container:pod', volumes]);
  assert.equal(joined('host', 'host'), ['--network=host', '--pid=host', volumes]);
});

test('what is for a pod is refused for a container', async () => {
  const { code, err } = await run('web', '--restricted');
  assert.is(code, 2);
  assert.match(err, /--restricted is for a pod: pod\/web/);
});

test.run();
