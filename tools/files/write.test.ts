/** Writing into projects that may be hostile, and into files that are somebody's. */
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Refusal } from '../bundled/refusal.ts';
import { main } from '../main.ts';
import { requireNoLinks, updateFile, writeNew } from './write.ts';

const test = suite('writing into a project');

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

test('export replaces a link in its folder, and writes nothing through it', async () => {
  const { folder, outside, run } = place(SHOP);
  const victim = join(outside, '.bashrc');
  writeFileSync(victim, 'mine\n');
  mkdirSync(join(folder, 'kubernetes/base'), { recursive: true });
  for (const name of ['web.yaml', 'kustomization.yaml', '.gitignore', 'old.yaml'])
    symlinkSync(victim, join(folder, 'kubernetes/base', name));
  assert.is((await run('export')).code, 0);
  assert.is(readFileSync(victim, 'utf8'), 'mine\n');
  assert.ok(lstatSync(join(folder, 'kubernetes/base/web.yaml')).isFile());
});

for (const link of ['kubernetes', 'kubernetes/base', 'kubernetes/overlays', 'kubernetes/overlays/cluster'])
  for (const args of [[], ['-o', 'kubernetes']])
    test(`export refuses to write into a folder that is a link: ${link} ${args.join(' ')}`, async () => {
      const { folder, outside, run } = place(SHOP);
      if (link !== 'kubernetes') mkdirSync(join(folder, link, '..'), { recursive: true });
      symlinkSync(outside, join(folder, link));
      const { code, err } = await run('export', ...args);
      assert.is(code, 1);
      assert.match(err, new RegExp(`${link} is a link`));
      assert.not(existsSync(join(outside, 'base')));
      assert.not(existsSync(join(outside, 'kustomization.yaml')));
    });

test('export leaves files alone that it did not write', async () => {
  const { folder, run } = place(SHOP);
  mkdirSync(join(folder, 'base'));
  writeFileSync(join(folder, 'base/web.yaml'), 'mine\n');
  writeFileSync(join(folder, '.gitignore'), 'mine\n');
  const { code, err } = await run('export', '-o', '.');
  assert.is(code, 1);
  assert.match(err, /base\/web.yaml was not written by export/);
  assert.equal(
    [readFileSync(join(folder, 'base/web.yaml'), 'utf8'), readFileSync(join(folder, '.gitignore'), 'utf8')],
    ['mine\n', 'mine\n'],
  );
});

test('a file that is replaced or new has the mode asked for, and a planted link is no way out', () => {
  const { folder, outside } = place({});
  const path = join(folder, 'a');
  symlinkSync(join(outside, 'b'), path);
  writeNew(path, 'x', 0o640);
  assert.equal([readFileSync(path, 'utf8'), mode(path), lstatSync(path).isFile()], ['x', 0o640, true]);
  updateFile(path, 'y', folder);
  assert.equal([readFileSync(path, 'utf8'), mode(path)], ['y', 0o640]);
  assert.not(existsSync(join(outside, 'b')));
  symlinkSync(outside, join(folder, 'out'));
  assert.throws(
    () => requireNoLinks(folder, join(folder, 'out/base')),
    (error: unknown) => error instanceof Refusal,
  );
});

test.run();
