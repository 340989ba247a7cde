/** Two clones on one engine. */
import { hostname, tmpdir } from 'node:os';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { claim, thisClone } from './clone.ts';
import { docker } from './engine.ts';
import { findStack, ROOT, stackNames } from './stacks.ts';

const test = suite('clones');

const volume = `sidecar-stacks-clone-test-${process.pid}`;
const folders = ['a', 'b', 'c'].map((name) => mkdtempSync(join(tmpdir(), `clone-${name}-`)));
const [a, b, c] = folders.map((folder) => `${hostname()}:${folder}`) as [string, string, string];

test('the first clone has the plain names, the second its own, again and again', async () => {
  const plain = { tag: 'dev', suffix: '', other: undefined };
  assert.equal(await claim(a, volume), plain);
  const second = await claim(b, volume);
  assert.match(second.tag, /^dev-[0-9a-f]{6}$/);
  assert.is(second.suffix, second.tag.slice('dev'.length));
  assert.is(second.other, folders[0]);
  assert.equal(await claim(b, volume), second);
  assert.equal(await claim(a, volume), plain);
});

const NAMES = 'eval "$(npm run -s names)"';

test('every README that offers plain compose takes the names of its clone first', () => {
  const readmes = [join(ROOT, 'README.md'), ...stackNames().map((name) => join(findStack(name).dir, 'README.md'))];
  const offers = readmes.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)]
      .map(([, block = '']) => ({ file, block }))
      .filter(({ block }) => /^docker compose .*\bup\b/m.test(block)),
  );
  assert.ok(offers.length >= 9, `${offers.length} blocks`);
  for (const { file, block } of offers)
    assert.ok(
      block.indexOf(NAMES) >= 0 && block.indexOf(NAMES) < block.indexOf('docker compose'),
      `${file}:\n${block}`,
    );
});

test('plain compose then acts on the project of this clone, and on no other', async () => {
  const { suffix } = await thisClone();
  for (const name of stackNames()) {
    const script = `${NAMES} && printf '%s\\n' "$CLONE" && CLONE=\${CLONE:--first} docker compose config --format json`;
    const { stdout } = await runCommand(['bash', '-ec', script], {
      cwd: findStack(name).dir,
      env: { ...process.env, IMAGE_TAG: '', CLONE: '-of-another' },
      timeout: 60_000,
      maxOutput: 1_000_000,
    });
    const [said, ...config] = stdout.split('\n');
    assert.is(said, suffix);
    assert.is((JSON.parse(config.join('\n')) as { name: string }).name, `sidecar-stacks-${name}${suffix || '-first'}`);
  }
});

test('a clone on another machine keeps its names although its folder is not here', async () => {
  await docker(['volume', 'rm', volume]);
  await claim('elsewhere:/nowhere', volume);
  assert.is((await claim(a, volume)).other, '/nowhere');
});

test('when the first is gone, the next has the plain names', async () => {
  await docker(['volume', 'rm', volume]);
  await claim(a, volume);
  rmSync(folders[0]!, { recursive: true });
  assert.is((await claim(b, volume)).tag, 'dev');
});

test('of clones that claim at once, one has the plain names', async () => {
  await docker(['volume', 'rm', volume]);
  const claims = await Promise.all([b, c].map((owner) => claim(owner, volume)));
  const tags = claims.map(({ tag }) => tag);
  assert.is(tags.filter((tag) => tag === 'dev').length, 1, tags.join());
  assert.is(new Set(tags).size, 2);
});

test.after(async () => {
  await docker(['volume', 'rm', '--force', volume]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test.run();
