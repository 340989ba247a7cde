/** What every stack promises by its files alone; no engine needed. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseEnv } from 'dotenv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IMAGE_LABEL } from './labels.ts';
import { readCompose, stackFaults } from './stack-rules.ts';
import { findStack, ROOT, stackNames, UnknownStack } from './stacks.ts';

const test = suite('stacks');

const catalogue = readCompose(join(ROOT, 'compose.yaml'));

test('there is a stack', () => {
  assert.ok(stackNames().length > 0);
});

test('an unknown stack is answered with those that there are', () => {
  assert.throws(
    () => findStack('nosuch'),
    (error: Error) => error instanceof UnknownStack && error.message.includes(stackNames()[0]!),
  );
});

for (const name of stackNames()) {
  const stack = findStack(name);
  const { dir } = stack;

  test(`${name}: it has what a stack must have`, () => assert.equal(stackFaults(stack), []));

  test(`${name}: it has a scenario, a README, a script and a demo`, () => {
    for (const file of ['scenario.ts', 'README.md']) assert.ok(existsSync(join(dir, file)), file);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    assert.is(scripts[`stack:${name}`], `node scripts/run.mjs stack ${name}`);
  });
}

test('no two stacks pin the same port', () => {
  const pinned = stackNames().flatMap((name) => Object.values(findStack(name).env));
  assert.is(new Set(pinned).size, pinned.length);
});

test('the fallbacks in compose files are the defaults of .env', () => {
  const defaults = parseEnv(readFileSync(join(ROOT, '.env')));
  for (const file of globSync(['compose.yaml', 'stacks/*/compose.yaml', 'scripts/**/compose.yaml'], { cwd: ROOT })) {
    for (const [, variable, fallback] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\$\{([A-Z_]+):-([^}]*)\}/g)) {
      // Variables that the root does not declare are the stack's own.
      if (variable! in defaults) assert.is(fallback, defaults[variable!], `${variable} in ${file}`);
    }
  }
});

test("every part of the catalogue is hardened and has its folder's name", () => {
  for (const [name, part] of Object.entries(catalogue.services ?? {})) {
    assert.is(part.read_only, true, name);
    assert.equal(part.cap_drop, ['ALL'], name);
    assert.ok((part.security_opt ?? []).includes('no-new-privileges:true'), name);
    assert.ok(part.mem_limit && part.pids_limit && part.init, name);
    const context = (part.build as { context?: string } | undefined)?.context;
    if (context === undefined) continue;
    assert.match(context, new RegExp(`/${name}$`));
    assert.match(part.image!, new RegExp(`^sidecar-stacks/${name}:`));
  }
});

test('every image that is built here carries our label', () => {
  const files = globSync(
    [
      'sidecars/*/Dockerfile',
      'legacy-apps/*/Dockerfile',
      'servers/*/Dockerfile',
      'stacks/*/services/*/Dockerfile',
      'scripts/{bench,debug}/**/Dockerfile',
    ],
    { cwd: ROOT },
  );
  assert.ok(files.length > 0);
  for (const file of files) assert.ok(readFileSync(join(ROOT, file), 'utf8').includes(IMAGE_LABEL), file);
});

test.run();
