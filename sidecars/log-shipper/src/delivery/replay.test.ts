import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeadLetters } from './dead-letters.ts';
import { replayCommand } from './replay.ts';
import { recordsOf } from './test-delivery.ts';
import { listenTestStore } from '#kit/testing/bulk-store.ts';

const test = suite('replay');

async function withLetters(
  count: number,
  check: (given: {
    store: Awaited<ReturnType<typeof listenTestStore>>['store'];
    dir: string;
    replay: (...files: string[]) => Promise<{ code: number; said: string }>;
  }) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'replay-'));
  const { store, url, close } = await listenTestStore();
  new DeadLetters({ dir, maxBytes: 1e6 }).add(
    recordsOf('a', count).map((record) => ({ record, status: 400, reason: 'as told' })),
  );
  const env = { STORE_URL: url, DEAD_LETTER_DIR: dir, BULK_DELAY: '1ms', STORE_RETRY_MAX: '20ms' };
  try {
    await check({
      store,
      dir,
      replay: async (...files) => {
        let said = '';
        const code = await replayCommand(files, { env, write: (text) => (said += text) });
        return { code, said };
      },
    });
  } finally {
    await close();
    rmSync(dir, { recursive: true });
  }
}

test('dead letters are stored under their ids, and their file goes', () =>
  withLetters(1200, async ({ store, dir, replay }) => {
    const { code, said } = await replay();
    assert.is(code, 0);
    assert.is(said, '1200 replayed: 1200 stored, 0 already there, 0 refused again\n');
    assert.equal(
      store.documents.map(({ id, body }) => ({ id, body })),
      recordsOf('a', 1200).map(({ id, body }) => ({ id, body })),
    );
    assert.equal(readdirSync(dir), []);
  }));

test('what is refused again is a dead letter again', () =>
  withLetters(10, async ({ store, dir, replay }) => {
    store.faults = [{ kind: 'item', status: 400, pattern: '"seq":4}' }];
    const { code, said } = await replay(join(dir, 'dead-letters.ndjson'));
    assert.is(code, 1);
    assert.match(said, /9 stored, 0 already there, 1 refused again/);
    assert.match(readFileSync(join(dir, 'dead-letters.ndjson'), 'utf8'), /^\{.*"id":"a-4".*\}\n$/);
  }));

test('a replay that was killed is taken up again', () =>
  withLetters(3, async ({ dir, replay }) => {
    const [name] = readdirSync(dir) as [string];
    writeFileSync(join(dir, `${name}.replaying`), readFileSync(join(dir, name)));
    const { said } = await replay();
    assert.match(said, /6 replayed: 3 stored, 3 already there/);
    assert.equal(readdirSync(dir), []);
  }));

test('a file of something else is refused, and kept', () =>
  withLetters(1, async ({ dir, replay }) => {
    const file = join(dir, 'other.ndjson');
    writeFileSync(file, '{"message":"hello"}\n');
    await replay(file).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /no dead letter/),
    );
    assert.ok(existsSync(`${file}.replaying`));
  }));

test('dead-letter files are set aside when large, and the oldest go', () => {
  const dir = mkdtempSync(join(tmpdir(), 'dead-'));
  const letters = new DeadLetters({ dir: join(dir, 'deep', 'er'), maxBytes: 64 * 1024 });
  let dropped = 0;
  for (let at = 0; at < 2000; at += 20)
    dropped += letters.add(recordsOf('a', 20, at).map((record) => ({ record, status: 400, reason: 'as told' })));
  assert.ok(letters.bytes <= 64 * 1024);
  const kept = readdirSync(join(dir, 'deep', 'er')).flatMap((name) =>
    readFileSync(join(dir, 'deep', 'er', name), 'utf8')
      .trim()
      .split('\n'),
  );
  assert.is(kept.length + dropped, 2000);
  assert.ok(kept.some((line) => line.includes('"a-1999"')));
  assert.ok(!kept.some((line) => line.includes('"a-0"')));
  rmSync(dir, { recursive: true });
});

test.run();
