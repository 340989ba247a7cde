import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Query, Row } from './client.ts';
import { SlowLog } from './slow-log.ts';

const test = suite('slow log of MariaDB');

/** A table as the server has it: rows are appended, until somebody empties it. */
class TableLog {
  rows: Row[] = [];
  settings: Row = ['1', 'FILE,TABLE'];
  #count = 0;

  add(sql = 'SELECT 1', at = '2026-11-21T21:49:41.194158Z'): void {
    this.rows.push([at, '0.5', '0', '1', '2', 'shop', 'app', String(++this.#count), sql]);
  }

  readonly query: Query = async (sql) => {
    const [, from, count] = /LIMIT (\d+), (\d+)$/.exec(sql) ?? [];
    const rows = sql.startsWith('SELECT @@')
      ? [this.settings]
      : from === undefined
        ? [[String(this.rows.length)]]
        : this.rows.slice(Number(from), Number(from) + Number(count));
    return await Promise.resolve({ columns: [], rows });
  };
}

test('each entry comes once; what was there before counts as told', async () => {
  const table = new TableLog();
  table.add();
  const log = new SlowLog(false);
  assert.equal((await log.read(table.query)).entries, []);
  // It began before the one that is told already.
  table.add("SELECT 'x'", '2026-11-21T20:00:00.000000Z');
  const { entries } = await log.read(table.query);
  assert.equal(
    entries.map(({ at, query, thread }) => [at, query, thread]),
    [['2026-11-21T20:00:00.000000Z', 'SELECT ?', 2]],
  );
  assert.equal((await log.read(table.query)).entries, []);
});

test('a server that keeps none, or in a file alone, is told of, by the setting to change', async () => {
  const table = new TableLog();
  for (const [settings, why] of [
    [['0', 'TABLE'], /slow_query_log is OFF/],
    [['1', 'FILE'], /log_output is FILE/],
  ] as const) {
    table.settings = settings;
    try {
      await new SlowLog(false).read(table.query);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, why);
    }
  }
});

test('an emptied table begins anew, also when it has grown past where it was', async () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('read' as const, 'empty' as const)), {
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const table = new TableLog();
      const log = new SlowLog(true);
      await log.read(table.query);
      const told: unknown[] = [];
      const expected: string[] = [];
      const look = async (): Promise<void> => {
        for (const { thread } of (await log.read(table.query)).entries) told.push(String(thread));
        for (const [index, row] of table.rows.entries())
          if (index >= 0 && !expected.includes(row[7]!)) expected.push(row[7]!);
      };
      for (const step of all) {
        if (step === 'read') await look();
        else if (step === 'empty') table.rows = [];
        else for (let index = 0; index < step; index++) table.add();
      }
      await look();
      assert.equal(told, expected);
    }),
  );
});

test.run();
