/** inject --write-env, on files of every kind: it copies bundles, which setup makes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { main } from '../main.ts';

const test = suite('inject: .env');

interface Place {
  readonly folder: string;
  readonly outside: string;
  readonly run: (...args: string[]) => Promise<{ code: number; err: string }>;
}
function place(files: Readonly<Record<string, string>>): Place {
  const outside = temporaryDirectory('outside');
  const folder = temporaryDirectory('project');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const run = async (...args: string[]): Promise<{ code: number; err: string }> => {
    let err = '';
    const context = { folder, environment: {}, out: () => {}, err: (text: string) => void (err += text) };
    return { code: await main(args, context), err };
  };
  return { folder, outside, run };
}
const SHOP = { 'compose.yaml': 'services: {web: {image: "shop:1", expose: [80], restart: always}}\n' };
const mode = (path: string): number => statSync(path).mode & 0o777;

test("inject --write-env keeps .env's mode and bytes, and --undo too", async () => {
  const { folder, run } = place({ ...SHOP, '.env': '' });
  const env = join(folder, '.env');
  const before = Buffer.from([0x41, 0x3d, 0xe9, 0x0a]);
  writeFileSync(env, before, { mode: 0o600 });
  for (const each of [0o600, 0o640]) {
    chmodSync(env, each);
    assert.is((await run('inject', 'tls', '--into', 'web', '--write-env')).code, 0);
    assert.match(readFileSync(env, 'latin1'), /COMPOSE_FILE=compose.yaml:compose.sidecars.yaml/);
    assert.is(mode(env), each);
    assert.is((await run('inject', '--undo')).code, 0);
    assert.equal(readFileSync(env), before);
    assert.is(mode(env), each);
  }
});

test('inject --write-env writes through a link inside the project, and refuses one to outside', async () => {
  const { folder, outside, run } = place({ ...SHOP, 'production.env': 'A=1\n' });
  const env = join(folder, '.env');
  symlinkSync('production.env', env);
  assert.is((await run('inject', 'tls', '--into', 'web', '--write-env')).code, 0);
  assert.is(readlinkSync(env), 'production.env');
  assert.match(readFileSync(join(folder, 'production.env'), 'utf8'), /COMPOSE_FILE/);
  assert.is((await run('inject', '--undo')).code, 0);
  assert.is(readlinkSync(env), 'production.env');
  assert.is(readFileSync(env, 'utf8'), 'A=1\n');

  const hostile = place(SHOP);
  const victim = join(outside, '.bashrc');
  writeFileSync(victim, 'mine\n');
  symlinkSync(victim, join(hostile.folder, '.env'));
  const { code, err } = await hostile.run('inject', 'tls', '--into', 'web', '--write-env');
  assert.is(code, 1);
  assert.match(err, /\.env is a link to .*outside of the project/);
  assert.is(readFileSync(victim, 'utf8'), 'mine\n');
  assert.not(existsSync(join(hostile.folder, 'compose.sidecars.yaml')));
});

test('inject --write-env says which applications get COMPOSE_FILE by their env_file', async () => {
  for (const file of ['.env', '[other.env, ./.env]', '{path: .env}', '[{path: "${NONE:-.env}"}]']) {
    const { run } = place({
      'compose.yaml': `services: {web: {image: x, expose: [80], env_file: ${file.replace(/^\{.*\}$/, '[$&]')}}}`,
      '.env': 'A=1\n',
      'other.env': '',
    });
    assert.match((await run('inject', 'tls', '--into', 'web', '--write-env')).err, /web reads .env by env_file/, file);
    assert.not.match((await run('inject', 'tls', '--into', 'web')).err, /env_file/);
  }
});

test('what is injected survives a commit: a clone has all of it, whatever .gitignore says', async () => {
  const { folder, run } = place({ ...SHOP, '.gitignore': 'dist\n*.mjs\n', '.gitattributes': '* text eol=crlf\n' });
  assert.is((await run('inject', 'tls', '--into', 'web')).code, 0);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'x');
  git('clone', '--quiet', '.', 'clone');
  for (const file of [
    'compose.sidecars.yaml',
    '.sidecar-stacks/tls/Dockerfile',
    '.sidecar-stacks/tls/dist/healthcheck',
    '.sidecar-stacks/tls/dist/tls.mjs',
  ])
    if (file !== 'compose.sidecars.yaml')
      assert.equal(readFileSync(join(folder, 'clone', file)), readFileSync(join(folder, file)), file);
    else assert.ok(existsSync(join(folder, 'clone', file)));
});

test.run();
