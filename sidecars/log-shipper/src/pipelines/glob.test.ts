import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileGlob, listFiles, matchesPath, nameMatcher, parseGlob } from './glob.ts';
import { unrotated } from '../files/rotation/rotated-name.ts';

const top = mkdtempSync(join(tmpdir(), 'glob-'));
test.after(() => rmSync(top, { recursive: true }));

/** A fixed name behind a wildcard need not be there. */
const list = (pattern: string, exclude: string[] = []): string[] =>
  listFiles([parseGlob(join(top, pattern))], exclude.map(nameMatcher), () => {})
    .filter((path) => existsSync(path))
    .map((path) => path.slice(top.length + 1));

test('names match as in a shell', () => {
  const letter = fc.constantFrom('a', 'b', '.', '-', '+');
  const pattern = fc.array(fc.oneof(letter, fc.constantFrom('*', '?', '[ab]', '[!a]')), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, fc.array(letter, { minLength: 1, maxLength: 6 }), (parts, letters) => {
      const [text, name] = [parts.join(''), letters.join('')];
      // A leading dot and runs of stars are treated in several ways elsewhere.
      if (name.startsWith('.') || text.startsWith('.') || text.includes('**')) return;
      assert.is(nameMatcher(text).test(name), matchesGlob(name, text), `${text} on ${name}`);
    }),
    { numRuns: 2000 },
  );
  assert.not.ok(nameMatcher('*.log').test('.hidden.log'));
});

test('a pattern of many stars takes no exponential time', () => {
  const begun = performance.now();
  assert.not.ok(nameMatcher(`${'*a'.repeat(8)}b`).test('a'.repeat(100)));
  assert.ok(nameMatcher('****').test('a'.repeat(200)));
  assert.ok(performance.now() - begun < 30_000);
});

test('paths are walked: names, any depth, exclusions; ** does not follow links to directories', () => {
  for (const path of ['a.log', 'a.log.1', 'a.log.2.gz', 'x/b.log', 'x/y/c.log', '.git/d.log', 'x/e.txt']) {
    mkdirSync(join(top, path, '..'), { recursive: true });
    writeFileSync(join(top, path), '');
  }
  symlinkSync('..', join(top, 'x', 'loop'));
  assert.equal(list('*.log*', ['*.gz']), ['a.log', 'a.log.1']);
  assert.equal(list('**/*.log'), ['a.log', 'x/b.log', 'x/y/c.log']);
  assert.equal(list('x/*/c.log'), ['x/y/c.log']);
  assert.equal(list('*/*.log'), ['x/b.log']);
  assert.equal(list('a.log'), ['a.log']);
  assert.equal(list('nowhere/*.log'), []);
  assert.is(parseGlob('/logs/app/*.log').root, '/logs/app');
  assert.is(parseGlob('/logs/app.log').root, '/logs');
});

test('a pattern names the paths that it lists, and no other', () => {
  const names = ['a', 'b', '.a'];
  const paths = ['x', ...names].flatMap((one) =>
    ['x', ...names].flatMap((two) => names.map((three) => `${one}/${two}/${three}`)),
  );
  const part = fc.constantFrom('a', 'b', 'x', '*', '?', '**', '.*', '[ab]');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.constantFrom('*', 'a', '[!b]', '.?'), (parts, last) => {
      const under = mkdtempSync(join(top, 'tree-'));
      for (const path of paths) {
        mkdirSync(join(under, path, '..'), { recursive: true });
        writeFileSync(join(under, path), '');
      }
      const glob = parseGlob(join(under, ...parts, last));
      const listed = new Set(listFiles([glob], [], () => {}));
      for (const path of paths) {
        const full = join(under, path);
        assert.is(matchesPath(glob, full), listed.has(full), `${[...parts, last].join('/')} on ${path}`);
      }
      rmSync(under, { recursive: true });
    }),
    { numRuns: 60 },
  );
  assert.ok(matchesPath(parseGlob('/logs/**'), '/logs/a/b.log'));
  assert.not.ok(matchesPath(parseGlob('/logs/*.log'), '/logs2/a.log'));
  assert.ok(matchesPath(parseGlob('/*.log'), '/a.log'));
});

test('many of any directories take no exponential time', () => {
  assert.not.ok(matchesPath(parseGlob(`/${'**/a/'.repeat(200)}b`), `/${'a/'.repeat(1000)}c`));
});

test('a set of characters that is none is refused by name', () => {
  assert.throws(
    () => compileGlob('FILE_PATHS', '/logs/[z-a].log', parseGlob),
    /^FILE_PATHS: "\/logs\/\[z-a\]\.log" has a set/,
  );
});

test('what a rotated file was called before', () => {
  for (const [rotated, before] of [
    ['/l/app.log.1', '/l/app.log'],
    ['/l/app.log-20261121', '/l/app.log'],
    ['/l/app.log-20261121-1763712000', '/l/app.log'],
    ['/l/app-20261121.log', '/l/app.log'],
    ['/l/app.1.log', '/l/app.log'],
    ['/l/app.log.2026-11-21T08:00', '/l/app.log'],
    ['/l/app.log.old', '/l/app.log'],
    ['/l/app.log.1.bak', '/l/app.log'],
    ['/l/app.log', '/l/app.log'],
    ['/l/app2.log', '/l/app2.log'],
    ['/l/access_log', '/l/access_log'],
  ] as const)
    assert.is(unrotated(rotated).at(-1)?.path ?? rotated, before);
});

test('a long name takes no exponential time', () => {
  const begun = performance.now();
  unrotated(`/l/a${'.1-1'.repeat(60)}x`);
  assert.ok(performance.now() - begun < 30_000);
});

test.run();
