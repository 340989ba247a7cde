/** The authority's files: made once, a root that may be taken away, an intermediate that is followed by the next. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Authority } from './authority.ts';
import { openAuthorityFiles, RootOffline, setAsideDamagedFiles } from './store.ts';

const DAY = 86_400_000;
const DOMAIN = 'mesh.test';

function place() {
  const directory = join(temporaryDirectory('authority'), 'authority');
  const file = (name: string): string => join(directory, name);
  return { directory, file, remove: (name: string): void => rmSync(file(name)) };
}

/** Whether a leaf of these files goes back to the root. */
async function leadsToRoot(files: Awaited<ReturnType<typeof openAuthorityFiles>>): Promise<boolean> {
  const authority = await Authority.open({ ...files, lifetime: DAY });
  const { cert } = await authority.issue('spiffe://mesh.test/ns/shop/sa/front', []);
  const [leaf, intermediate] = cert.split(/(?=-----BEGIN)/).map((pem) => new X509Certificate(pem));
  const root = new X509Certificate(files.roots);
  return leaf!.verify(intermediate!.publicKey) && intermediate!.verify(root.publicKey);
}

test('made once, for their owner alone, and read from then on', async () => {
  const { directory, file } = place();
  const first = await openAuthorityFiles(directory, DOMAIN);
  assert.equal(first.made, ['root', 'intermediate']);
  for (const name of ['root.key', 'intermediate.key']) assert.is(statSync(file(name)).mode & 0o777, 0o600);
  const second = await openAuthorityFiles(directory, DOMAIN);
  assert.equal(second, { ...first, made: [] });
});

test("without the root's key it works on as long as the intermediate lasts", async () => {
  const { directory, remove } = place();
  const first = await openAuthorityFiles(directory, DOMAIN);
  remove('root.key');
  const offline = await openAuthorityFiles(directory, DOMAIN);
  assert.equal(offline, { ...first, made: [] });
  assert.ok(await leadsToRoot(offline));
  // Past its half, too: there is nothing to make another with.
  const later = await openAuthorityFiles(directory, DOMAIN, Date.now() + 300 * DAY);
  assert.equal(later, { ...first, made: [] });
});

test('at half of its life an intermediate is followed by another of the same root', async () => {
  const { directory, file } = place();
  const first = await openAuthorityFiles(directory, DOMAIN);
  const before = await openAuthorityFiles(directory, DOMAIN, Date.now() + 180 * DAY);
  assert.equal(before.made, []);
  const next = await openAuthorityFiles(directory, DOMAIN, Date.now() + 185 * DAY);
  assert.equal(next.made, ['intermediate']);
  assert.is(next.roots, first.roots);
  assert.is.not(next.intermediate.cert, first.intermediate.cert);
  assert.is(readFileSync(file('intermediate.crt'), 'utf8'), next.intermediate.cert);
  assert.ok(await leadsToRoot(next));
});

test('damaged files are set aside, with what stems from them, and others are made', async () => {
  const all = ['intermediate.crt', 'intermediate.key', 'root.crt', 'root.key'];
  const cases: [harmed: string[], away: string[], made: string[]][] = [
    [[], [], []],
    [['intermediate.crt'], all.slice(0, 2), ['intermediate']],
    [['intermediate.key'], all.slice(0, 2), ['intermediate']],
    [['root.key'], ['root.key'], []],
    [['root.crt'], all, ['root', 'intermediate']],
    [['root.key', 'intermediate.key'], all, ['root', 'intermediate']],
    [all, all, ['root', 'intermediate']],
  ];
  for (const [harmed, away, made] of cases) {
    const { directory, file } = place();
    await openAuthorityFiles(directory, DOMAIN);
    for (const name of harmed) writeFileSync(file(name), readFileSync(file(name)).subarray(0, 100));
    const aside = setAsideDamagedFiles(directory);
    assert.equal(aside.map((path) => basename(path).replace(/\.damaged-.*/, '')).toSorted(), away, harmed.join());
    const files = await openAuthorityFiles(directory, DOMAIN);
    assert.equal(files.made, made, harmed.join());
    assert.ok(await leadsToRoot(files));
  }
});

test('a damaged root whose key is kept elsewhere stays where it is', async () => {
  const { directory, file, remove } = place();
  await openAuthorityFiles(directory, DOMAIN);
  remove('root.key');
  writeFileSync(file('root.crt'), 'damaged');
  assert.equal(setAsideDamagedFiles(directory), []);
});

test('what is missing and cannot be made is named, with its file', async () => {
  const { directory, file, remove } = place();
  await openAuthorityFiles(directory, DOMAIN);
  remove('root.key');
  remove('intermediate.key');
  const refusal = async (): Promise<string> =>
    await openAuthorityFiles(directory, DOMAIN).then(
      () => 'opened',
      (error: Error) => (error instanceof RootOffline ? error.message : `another error: ${error.message}`),
    );
  assert.match(await refusal(), new RegExp(`${file('intermediate.crt')} and its key are missing.*root\\.key`));
  const other = place();
  await openAuthorityFiles(other.directory, DOMAIN);
  other.remove('root.crt');
  await openAuthorityFiles(other.directory, DOMAIN).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /root\.crt is missing/),
  );
});

test.run();
