/**
 * "Write a sidecar" and "Write a stack" of the README, followed to the letter in a clone of its own: the
 * commands that the sections show, in their order, each succeeds.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../lib/engine.ts';
import { run } from '../lib/run.ts';
import { ROOT } from '../lib/stacks.ts';

const test = suite('new');

const clone = mkdtempSync(join(tmpdir(), 'new-'));
const env = { IMAGE_TAG: `new-${process.pid}` };

/** The commands of a section's blocks. */
function commandsOf(section: string): string[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const text = readme.split(`\n## ${section}\n`)[1]?.split('\n## ')[0];
  assert.ok(text, `the README has a section "${section}"`);
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
    block!.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  );
}

async function follow(section: string): Promise<void> {
  const commands = commandsOf(section);
  assert.ok(commands.length >= 3, commands.join('; '));
  for (const command of commands) {
    const { exitCode, stdout, stderr } = await run('bash', ['-c', command], { cwd: clone, env, timeoutMs: 400_000 });
    assert.is(exitCode, 0, `${command}\n${stdout}${stderr}`);
  }
}

test.before(() => {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of files
    .toString()
    .split('\0')
    .filter((each) => each !== '' && existsSync(join(ROOT, each)))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  execFileSync('git', ['init', '--quiet'], { cwd: clone });
});

test('"Write a sidecar", followed to the letter', () => follow('Write a sidecar'));

test('"Write a stack", followed to the letter', () => follow('Write a stack'));

test('a new stack and a new sidecar pass types, lint, format and the tests that hold for all', async () => {
  for (const command of [
    'npm run --silent lint',
    'npm run --silent contract -- check',
    'npm run --silent test -- scripts/lib/stacks.test.ts',
    // Links, names of commands, the changelog.
    'npm run --silent test -- scripts/lint/house.test.ts',
  ]) {
    const { exitCode, stdout, stderr } = await run('bash', ['-c', command], { cwd: clone, env, timeoutMs: 200_000 });
    assert.is(exitCode, 0, `${command}\n${stdout}${stderr}`);
  }
});

test('a name that is taken, or is none, writes nothing', async () => {
  for (const [args, why] of [
    ['sidecar tls', /sidecars\/tls is there already/],
    ['sidecar Big_Name', /is no name/],
    ['stack ../../etc', /is no name/],
    ['stack fresh nosuch', /There is no sidecar "nosuch"/],
  ] as const) {
    const { exitCode, stderr } = await run('bash', ['-c', `npm run --silent new -- ${args}`], { cwd: clone, env });
    assert.is(exitCode, 1);
    assert.match(stderr, why);
  }
  assert.not(existsSync(join(clone, 'stacks/fresh')));
});

test.after(async () => {
  const names = await docker([
    'images',
    '--format',
    '{{.Repository}}:{{.Tag}}',
    '--filter',
    `reference=*/*:${env.IMAGE_TAG}`,
  ]);
  if (names !== '') await docker(['image', 'rm', '--force', ...names.split('\n')]);
  rmSync(clone, { recursive: true, force: true });
});

test.run();
