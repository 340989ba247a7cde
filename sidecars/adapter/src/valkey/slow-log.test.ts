import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SlowLogBatch } from '../database.ts';
import { SlowLog } from './slow-log.ts';
import { bulk, testServer, type TestServer } from './test-server.ts';

const test = suite('slow log of valkey');

/** As a server keeps it: the newest first, a bounded number, ids that grow. */
class Log {
  run = 'a';
  entries: [id: number, words: string[]][] = [];
  #next = 0;
  readonly #max: number;

  constructor(max = 100_000) {
    this.#max = max;
  }

  add(...words: string[]): void {
    this.entries = [[this.#next++, words] as [number, string[]], ...this.entries].slice(0, this.#max);
  }

  restart(): void {
    this.run += 'a';
    this.entries = [];
    this.#next = 0;
  }

  respond([command, , count]: readonly string[]): string {
    if (command === 'INFO') return bulk(`# Server\r\nrun_id:${this.run}\r\n`);
    const asked = this.entries.slice(0, Number(count)).map(([id, words]) => {
      const text = `*${words.length}\r\n${words.map(bulk).join('')}`;
      return `*6\r\n:${id}\r\n:1700000000\r\n:12345\r\n${text}${bulk('127.0.0.1:9')}${bulk('')}`;
    });
    return `*${asked.length}\r\n${asked.join('')}`;
  }
}

const servers: TestServer[] = [];
test.after(() => {
  for (const server of servers) server.close();
});

async function following(log: Log, whole = false): Promise<() => Promise<SlowLogBatch>> {
  const server = await testServer((command) => log.respond(command));
  servers.push(server);
  const { port } = server;
  const reader = new SlowLog({ host: '127.0.0.1', port, user: undefined, password: undefined, ca: undefined }, whole);
  return () => reader.read(AbortSignal.timeout(60_000));
}

const ids = ({ entries }: SlowLogBatch): unknown[] => entries.map(({ id }) => id);

test('each entry comes once, oldest first; what was there before counts as told', async () => {
  const log = new Log();
  log.add('GET', 'old');
  const read = await following(log);
  assert.equal(await read(), { entries: [], lost: 0, begunAnew: false });
  log.add('GET', 'a');
  log.add('GET', 'b');
  assert.equal(ids(await read()), [1, 2]);
  assert.equal(ids(await read()), []);
});

test('an entry tells when, how long and which command, and neither key nor value', async () => {
  const log = new Log();
  const read = await following(log);
  await read();
  log.add('set', 'user:1:token', 'secret');
  log.add('CONFIG', 'SET', 'requirepass', 'secret');
  log.add('secret command', 'x');
  const { entries } = await read();
  assert.equal(entries[0], {
    id: 0,
    at: '2023-11-14T22:13:20.000Z',
    duration_seconds: 0.012345,
    command: 'SET',
    arguments: 2,
    client: '127.0.0.1:9',
  });
  assert.equal([entries[1]!['command'], entries[1]!['arguments']], ['CONFIG SET', 2]);
  assert.not.match(JSON.stringify(entries), 'secret');
});

test('all of it is shown where that is asked for', async () => {
  const log = new Log();
  const read = await following(log, true);
  await read();
  log.add('SET', 'a', 'b');
  assert.equal((await read()).entries[0]!['arguments'], ['a', 'b']);
});

test('more new entries than one answer holds are fetched', async () => {
  const log = new Log();
  const read = await following(log);
  await read();
  for (let index = 0; index < 1000; index++) log.add('GET', 'a');
  const batch = await read();
  assert.equal(
    ids(batch),
    Array.from({ length: 1000 }, (_, index) => index),
  );
  assert.is(batch.lost, 0);
});

test('a restart of the server begins anew: its ids do, too', async () => {
  const log = new Log();
  const read = await following(log);
  for (let index = 0; index < 5; index++) log.add('GET', 'a');
  await read();
  log.restart();
  log.add('GET', 'b');
  const batch = await read();
  assert.ok(batch.begunAnew);
  assert.equal(ids(batch), [0]);
});

test('whatever happens, entries are told once and in order, and what is missing is counted', async () => {
  const events = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('read' as const)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(events, fc.integer({ min: 1, max: 12 }), async (steps, max) => {
      const log = new Log(max);
      const read = await following(log);
      await read();
      let added = 0;
      let lost = 0;
      const told: unknown[] = [];
      const look = async (): Promise<void> => {
        const batch = await read();
        told.push(...ids(batch));
        lost += batch.lost;
      };
      for (const step of steps) {
        if (step === 'read') await look();
        else for (let index = 0; index < step; index++, added++) log.add('GET', 'a');
      }
      await look();
      assert.equal(
        told,
        [...new Set(told as number[])].toSorted((a, b) => a - b),
      );
      assert.is(told.length + lost, added);
    }),
    { numRuns: 40 },
  );
});

test.run();
