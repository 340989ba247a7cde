import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Refusal } from '../access/refusal.ts';
import { MAX_REPORTERS_PER_TOKEN } from '../access/reporter.ts';
import { Store, type StoreOptions } from './store.ts';
import type { Version } from './types.ts';

const parent = mkdtempSync(join(tmpdir(), 'config-store-'));
test.after(() => rmSync(parent, { recursive: true }));
let count = 0;
const fresh = (options: Partial<StoreOptions> = {}): Store =>
  new Store({ dir: join(parent, String(count++)), history: 100, maxSize: 1e9, ...options });

const by = (key: string) => ({ key, author: 'tester', address: '127.0.0.1' });
const text = (content: string) => ({ content: Buffer.from(content), contentType: 'text/plain' });
const contentOf = (store: Store, key: string, version: number): string =>
  Buffer.from(store.documents.read(key, version).content).toString();
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => {
      assert.instance(error, Refusal);
      return (error as Refusal).reason;
    },
  );

type Operation =
  | { do: 'put'; key: string; content: string; stale: boolean }
  | { do: 'delete'; key: string; stale: boolean }
  | { do: 'rollback'; key: string; to: number };

const key = fc.constantFrom('a', 'b');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('put' as const), key, content: fc.string(), stale: fc.boolean() }),
  fc.record({ do: fc.constant('delete' as const), key, stale: fc.boolean() }),
  fc.record({ do: fc.constant('rollback' as const), key, to: fc.integer({ min: 1, max: 8 }) }),
);

test('any history is what a plain list of contents says, before and after it is opened anew', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
      const dir = join(parent, String(count++));
      let store = new Store({ dir, history: 100, maxSize: 1e9 });
      /** Contents by version, null for a deletion. */
      const model = new Map<string, (string | null)[]>();
      let changes = 0;
      for (const each of operations) {
        const history = model.get(each.key) ?? model.set(each.key, []).get(each.key)!;
        const exists = history.length > 0 && history.at(-1) !== null;
        const stale = each.do !== 'rollback' && each.stale;
        const base = exists
          ? { version: history.length + (stale ? 1 : 0) }
          : stale
            ? { version: 99 }
            : ('none' as const);
        let result: string;
        if (each.do === 'put') {
          result = await reasonOf(store.put(by(each.key), base, text(each.content)));
          assert.is(result, stale ? 'stale' : 'none');
          if (!stale) history.push(each.content);
        } else if (each.do === 'delete') {
          result = await reasonOf(store.delete(by(each.key), base));
          assert.is(result, exists ? (stale ? 'stale' : 'none') : 'not-found');
          if (result === 'none') history.push(null);
        } else {
          result = await reasonOf(store.rollback(by(each.key), base, each.to));
          const old = history[each.to - 1];
          assert.is(result, exists && typeof old === 'string' ? 'none' : 'not-found');
          if (result === 'none') history.push(old!);
        }
        if (result === 'none') changes += 1;
      }
      for (const reopened of [false, true]) {
        if (reopened) store = (store.close(), new Store({ dir, history: 100, maxSize: 1e9 }));
        assert.is(store.revision - store.born, changes);
        for (const [name, history] of model) {
          assert.is(store.documents.versions(name, 1000).length, history.length);
          for (const [index, content] of history.entries())
            if (content !== null) assert.is(contentOf(store, name, index + 1), content);
        }
        const existing = [...model].filter(([, history]) => typeof history.at(-1) === 'string').map(([name]) => name);
        assert.equal(
          store.documents.list().map((version) => version.key),
          existing.toSorted(),
        );
      }
      store.close();
    }),
    { numRuns: 40 },
  );
});

test('of two changes from the same version one wins, and the other is told where the document is', async () => {
  const store = fresh();
  await store.put(by('a'), 'none', text('1'));
  const both = await Promise.allSettled([
    store.put(by('a'), { version: 1 }, text('2')),
    store.put(by('a'), { version: 1 }, text('3')),
  ]);
  assert.equal(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  const { reason } = both[1] as PromiseRejectedResult;
  assert.is((reason as Refusal).reason, 'stale');
  assert.is((reason as Refusal).current, 2);
  assert.is(contentOf(store, 'a', 2), '2');
  store.close();
});

test('changes that come together share a transaction', async () => {
  let commits = 0;
  const told: Version[] = [];
  const store = fresh({ onCommit: () => (commits += 1), onChange: (change) => told.push(change) });
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, index) => store.put(by(`key-${index}`), 'none', text(String(index)))),
  );
  assert.is(commits, 1);
  assert.equal(
    told.map(({ revision }) => revision),
    made.map(({ revision }) => revision),
  );
  assert.is(new Set(told.map(({ revision }) => revision)).size, 200);
  store.close();
});

test('reports wait for each other, and a change takes them along at once', async () => {
  let commits = 0;
  const store = fresh({ onCommit: () => (commits += 1) });
  await store.put(by('a'), 'none', text('1'));
  const reporting: Promise<unknown>[] = [];
  for (let index = 0; index < 100; index++) {
    reporting.push(store.report('a', 1, 's', { sidecar: `s/${index}`, state: 'applied' }));
    await new Promise(setImmediate);
  }
  await store.put(by('a'), { version: 1 }, text('2'));
  assert.is(store.documents.reports('a', 1).length, 100, 'on disk with the change');
  await Promise.all(reporting);
  assert.ok(commits < 50, `${commits} transactions of 100 reports and two changes`);
  store.close();
});

test('a disk that takes no more refuses everything of its transaction, and what was there stays', async () => {
  const failures: (Error | undefined)[] = [];
  const dir = join(parent, String(count++));
  const store = new Store({ dir, history: 100, maxSize: 100_000, onCommit: (failure) => failures.push(failure) });
  await store.put(by('a'), 'none', text('small'));
  const { revision } = store;
  const big = text('x'.repeat(200_000));
  const results = await Promise.all([
    reasonOf(store.put(by('b'), 'none', text('small too'))),
    reasonOf(store.put(by('a'), { version: 1 }, big)),
  ]);
  assert.equal(results, ['busy', 'busy']);
  assert.instance(failures.at(-1), Error);
  assert.is(store.revision, revision);
  assert.is(store.documents.latest('b'), undefined);
  assert.is(contentOf(store, 'a', 1), 'small');
  assert.is((await store.put(by('a'), { version: 1 }, text('small again'))).version, 2);
  assert.is(failures.at(-1), undefined);
  store.close();
  const roomier = fresh({ dir });
  assert.is((await roomier.put(by('a'), { version: 2 }, big)).version, 3);
  roomier.close();
});

test('old contents go, who changed what stays', async () => {
  const store = fresh({ history: 3 });
  await store.put(by('a'), 'none', text('1'));
  for (let version = 1; version < 6; version++) await store.put(by('a'), { version }, text(String(version + 1)));
  assert.equal(
    store.documents.versions('a', 10).map(({ version }) => version),
    [6, 5, 4],
  );
  assert.is(await reasonOf(store.rollback(by('a'), { version: 6 }, 3)), 'not-found');
  assert.is(contentOf(store, 'a', 4), '4');
  assert.is(store.documents.audit({ key: 'a', limit: 10 }).length, 6);
  store.close();
});

test('a sidecar has one report a version, the latest that came, with the time of this clock', async () => {
  const store = fresh();
  await store.put(by('a'), 'none', text('1'));
  const before = Date.now();
  for (const state of ['applied', 'rolled-back'] as const) await store.report('a', 1, 's', { sidecar: 's', state });
  const [report, ...others] = store.documents.reports('a', 1);
  assert.equal(others, []);
  assert.is(report!.state, 'rolled-back');
  assert.ok(Date.parse(report!.at) >= before && Date.parse(report!.at) <= Date.now(), report!.at);
  assert.is(await reasonOf(store.report('a', 2, 's', { sidecar: 's', state: 'applied' })), 'not-found');
  store.close();
});

test('a token that fills its share of reports takes nothing from the others', async () => {
  const store = fresh();
  await store.put(by('a'), 'none', text('1'));
  const report = (token: string, sidecar: string): Promise<unknown> =>
    store.report('a', 1, token, { sidecar, state: 'applied' });
  await Promise.all(Array.from({ length: MAX_REPORTERS_PER_TOKEN }, (_, index) => report('s', `s/${index}`)));
  assert.is(await reasonOf(report('s', 's/one-more')), 'too-large');
  await report('s', 's/7');
  for (const [token, sidecar] of [
    ['s0', 's0'],
    ['s-1', 's-1/a'],
    ['t', 't/s'],
  ] as const)
    await report(token, sidecar);
  store.close();
});

test('a second process cannot open the same store', () => {
  const dir = join(parent, String(count++));
  const store = new Store({ dir, history: 10, maxSize: 1e9 });
  assert.throws(() => new Store({ dir, history: 10, maxSize: 1e9 }), /locked/);
  store.close();
});

test('a new store begins after every revision of an older one', async () => {
  const older = fresh();
  await older.put(by('a'), 'none', text('1'));
  await eventually('the clock goes on', () => Date.now() > older.revision, { every: 1 });
  const newer = fresh();
  assert.ok(newer.born > older.revision);
  older.close();
  newer.close();
});

/** A store with two documents, closed, in a directory of its own. */
async function filled(): Promise<string> {
  const dir = join(parent, String(count++));
  const store = new Store({ dir, history: 100, maxSize: 1e9 });
  for (const key of ['a', 'b']) await store.put(by(key), 'none', text(key.repeat(20_000)));
  store.close();
  return dir;
}

test('a database that is damaged anywhere opens: as it is, or set aside with its log', async () => {
  const whole = readFileSync(join(await filled(), 'config.db'));
  let damaged = 0;
  for (let at = 0; at < whole.length; at += 1024) {
    const dir = join(parent, String(count++));
    mkdirSync(dir);
    const bytes = Buffer.from(whole);
    bytes.fill(0xa5, at, at + 1024);
    writeFileSync(join(dir, 'config.db'), bytes);
    writeFileSync(join(dir, 'config.db-wal'), 'no log of this database');
    let aside: string | undefined;
    const store = new Store({ dir, history: 100, maxSize: 1e9, onDamaged: (_error, path) => (aside = path) });
    const listed = store.documents.list().length;
    assert.is(listed, aside === undefined ? 2 : 0, `damaged at ${at}`);
    if (aside !== undefined) {
      damaged++;
      assert.equal(readFileSync(aside), bytes);
      await store.put(by('c'), 'none', text('c'));
    }
    store.close();
  }
  assert.ok(damaged > 1, `${damaged} were set aside`);
});

test('a database of a later version is not set aside', async () => {
  const dir = await filled();
  const database = new DatabaseSync(join(dir, 'config.db'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  const before = readdirSync(dir);
  assert.throws(() => new Store({ dir, history: 100, maxSize: 1e9 }), /later version/);
  assert.equal(readdirSync(dir), before);
});

test.run();
