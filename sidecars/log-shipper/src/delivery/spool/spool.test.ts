import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import type { Delivery, LogRecord, Settled } from '../../lines/record.ts';
import { deliveryMetrics } from '../metrics.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { recordsOf, silent } from '../test-delivery.ts';
import { Cursor } from './cursor.ts';
import { decodeFrame, encodeFrame } from './frames.ts';
import { createSpool, type Spool } from './spool.ts';

const test = suite('spool');

/** A delivery that keeps what it is offered until it is told to settle it. */
class Desk implements Delivery {
  readonly offered: LogRecord[] = [];
  open = true;
  /** So many records are taken in before `offer` waits. */
  room = Infinity;
  #listener: (settled: readonly Settled[]) => void = () => {};
  #waiting: (() => void) | undefined;

  async offer(records: readonly LogRecord[]): Promise<void> {
    this.offered.push(...records);
    if (this.offered.length >= this.room) await new Promise<void>((resolve) => (this.#waiting = resolve));
    if (this.open) this.settle(records);
  }
  onSettled(listener: (settled: readonly Settled[]) => void): void {
    this.#listener = listener;
  }
  settle(records: readonly LogRecord[]): void {
    this.#listener(records.map((record) => ({ record, outcome: 'stored' })));
  }
  takeMore(): void {
    this.room = Infinity;
    this.#waiting?.();
  }
  drain = (): Promise<void> => Promise.resolve();
  pending = { records: 0, bytes: 0 };
}

interface Opened {
  readonly spool: Spool;
  readonly desk: Desk;
  readonly metric: (name: keyof typeof deliveryMetrics) => Promise<number>;
}

function open(
  dir: string,
  { open: settles = true, room = Infinity, ...parameters }: Record<string, unknown> = {},
): Opened {
  const desk = new Desk();
  desk.open = settles as boolean;
  desk.room = room as number;
  const metrics = createMetrics(deliveryMetrics, new Registry());
  const spool = createSpool({
    parameters: { SPOOL_DIR: dir, SPOOL_MAX_BYTES: 1024 * 1024, SPOOL_POLICY: 'block', ...parameters },
    delivery: desk,
    log: silent,
    metrics,
  });
  return {
    spool,
    desk,
    metric: async (name) => metrics[name].get().values.reduce((total, { value }) => total + value, 0),
  };
}

async function inDir(check: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'spool-'));
  try {
    await check(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const ids = (records: readonly LogRecord[]): string[] => records.map(({ id }) => id);
const segments = (dir: string): string[] => readdirSync(dir).filter((name) => name.endsWith('.spool'));

test('a frame is read as it was written, and a damaged one is told', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string({ unit: 'binary' }), fc.nat(), (id, source, body, at) => {
      const record = { id, source, body: JSON.stringify(body), bytes: Buffer.byteLength(JSON.stringify(body)) };
      const frame = encodeFrame(record);
      assert.equal(decodeFrame(frame, 0), { record, end: frame.length });
      const damaged = Buffer.from(frame);
      damaged[at % frame.length]! ^= 0x10;
      const read = decodeFrame(damaged, 0);
      assert.ok(read === 'damaged' || 'needs' in read);
    }),
  );
});

test('records reach the delivery in order, and leave nothing once settled and more came', () =>
  inDir(async (dir) => {
    const { spool, desk, metric } = open(dir);
    const records = recordsOf('a', 20_000);
    for (let at = 0; at < records.length; at += 500) await spool.append(records.slice(at, at + 500));
    await eventually('all is offered', () => desk.offered.length === 20_000);
    assert.equal(desk.offered, records);
    assert.ok(segments(dir).length <= 1, 'settled segments are removed');
    assert.is(await metric('shipper_spool_records'), 0);
    spool.close();
  }));

test('a killed process’ successor delivers what was not settled, and only that', () =>
  inDir(async (dir) => {
    const first = open(dir, { open: false });
    await first.spool.append(recordsOf('a', 100));
    await eventually('all is offered', () => first.desk.offered.length === 100);
    first.desk.settle(first.desk.offered.slice(0, 60));
    // Out of turn, as another source's would be: the cursor waits for what comes before.
    first.desk.settle(first.desk.offered.slice(80, 90));
    const second = open(dir);
    await eventually('the rest is offered', () => second.desk.offered.length === 40);
    assert.equal(ids(second.desk.offered), ids(recordsOf('a', 40, 60)));
    await second.spool.append(recordsOf('a', 5, 100));
    await eventually('the new is offered', () => second.desk.offered.length === 45);
    const third = open(dir);
    await third.spool.append(recordsOf('a', 1, 105));
    await eventually('one is offered', () => third.desk.offered.length === 1);
    assert.equal(ids(third.desk.offered), ['a-105']);
    for (const { spool } of [first, second, third]) spool.close();
  }));

test('a spool that ends anywhere in a record is cut there, and written on', () =>
  inDir(async (dir) => {
    const { spool } = open(dir, { room: 1 });
    await spool.append(recordsOf('a', 10));
    spool.close();
    const [name] = segments(dir) as [string];
    const whole = readFileSync(join(dir, name));
    const length = encodeFrame(recordsOf('a', 1)[0]!).length;
    assert.is(whole.length, 10 * length);
    for (const cut of [whole.length - 1, whole.length - length + 4, whole.length - length, length + 1, 3, 0]) {
      const copy = mkdtempSync(join(tmpdir(), 'spool-'));
      copyFileSync(join(dir, name), join(copy, name));
      truncateSync(join(copy, name), cut);
      const again = open(copy);
      const kept = Math.floor(cut / length);
      await again.spool.append(recordsOf('b', 2));
      await eventually('it goes on', () => again.desk.offered.length === kept + 2);
      assert.equal(ids(again.desk.offered), [...ids(recordsOf('a', kept)), 'b-0', 'b-1']);
      again.spool.close();
      rmSync(copy, { recursive: true });
    }
  }));

test('garbage at the end is no record', () =>
  inDir(async (dir) => {
    writeFileSync(
      join(dir, '000000000003.spool'),
      Buffer.concat([encodeFrame(recordsOf('a', 1)[0]!), Buffer.alloc(500, 7)]),
    );
    const { spool, desk } = open(dir);
    await spool.append(recordsOf('b', 1));
    await eventually('both are offered', () => desk.offered.length === 2);
    assert.equal(ids(desk.offered), ['a-0', 'b-0']);
    spool.close();
  }));

test('full with policy block: waits, keeps its limit, loses nothing, goes on when there is room', () =>
  inDir(async (dir) => {
    const { spool, desk, metric } = open(dir, { room: 1, SPOOL_MAX_BYTES: 64 * 1024 });
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < 3000; at += 100) {
        await spool.append(recordsOf('a', 100, at));
        written += 100;
      }
    })();
    const used = (): number => segments(dir).reduce((total, name) => total + statSync(join(dir, name)).size, 0);
    await eventually('it is full', () => used() > 50 * 1024);
    assert.is(await metric('shipper_spool_full'), 1);
    assert.ok(used() <= 64 * 1024, `${used()} bytes`);
    assert.ok(written < 3000);
    desk.takeMore();
    await writing;
    await eventually('all is offered', () => desk.offered.length === 3000);
    assert.equal(ids(desk.offered), ids(recordsOf('a', 3000)));
    assert.is(await metric('shipper_dropped_total'), 0);
    assert.is(await metric('shipper_spool_full'), 0);
    spool.close();
  }));

test('full with policy drop-oldest: never waits, and counts exactly what it drops', () =>
  inDir(async (dir) => {
    const { spool, desk, metric } = open(dir, { room: 1, SPOOL_MAX_BYTES: 64 * 1024, SPOOL_POLICY: 'drop-oldest' });
    for (let at = 0; at < 3000; at += 100) await spool.append(recordsOf('a', 100, at));
    const dropped = await metric('shipper_dropped_total');
    assert.ok(dropped > 0);
    desk.takeMore();
    await eventually('the last is offered', () => desk.offered.at(-1)?.id === 'a-2999');
    assert.is(desk.offered.length + dropped, 3000);
    const numbers = desk.offered.map(({ id }) => Number(id.slice(2)));
    assert.equal(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
    spool.close();
  }));

test('a record larger than a chunk, and one larger than the spool, go through', () =>
  inDir(async (dir) => {
    const { spool, desk } = open(dir, { SPOOL_MAX_BYTES: 256 * 1024 });
    const big = (id: string, length: number): LogRecord => {
      const body = JSON.stringify({ message: 'x'.repeat(length) });
      return { id, source: 'a', body, bytes: body.length };
    };
    const records = [big('1', 10), big('2', 150_000), big('3', 1_000_000), big('4', 10)];
    await spool.append(records);
    await eventually('all are offered', () => desk.offered.length === 4);
    assert.equal(desk.offered, records);
    spool.close();
  }));

test('what is settled already makes room, also when nothing more will be settled', () =>
  inDir(async (dir) => {
    const { spool, desk, metric } = open(dir, { SPOOL_MAX_BYTES: 256 * 1024 });
    await spool.append(recordsOf('a', 10));
    await eventually('all is settled', async () => (await metric('shipper_spool_records')) === 0);
    let written = false;
    void spool
      .append([{ id: 'big', source: 'a', body: JSON.stringify('x'.repeat(300_000)), bytes: 300_002 }])
      .then(() => (written = true));
    await eventually('there is room for more than the spool holds beside it', () => written);
    await eventually('it is offered', () => desk.offered.length === 11);
    spool.close();
  }));

test('the cursor survives a torn write of its last slot', () =>
  inDir((dir) => {
    const path = join(dir, 'cursor');
    const cursor = new Cursor(path);
    cursor.move({ segment: 1, offset: 10 });
    cursor.move({ segment: 1, offset: 20 });
    cursor.close();
    assert.equal(new Cursor(path).position, { segment: 1, offset: 20 });
    const bytes = readFileSync(path);
    bytes[20]! ^= 0xff;
    writeFileSync(path, bytes);
    assert.equal(new Cursor(path).position, { segment: 1, offset: 10 });
  }));

test('a closed spool takes nothing in', () =>
  inDir(async (dir) => {
    const { spool } = open(dir);
    spool.close();
    await spool.append(recordsOf('a', 1)).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /closed/),
    );
  }));

test.run();
