/** What is charged for the index of the disk is what it takes of memory, and the default has room for 30,000 responses. */
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { DiskStore } from './disk.ts';
import { Store } from './store.ts';
import { Entry, indexSizeOf, type StoredHead } from './stored.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Just beyond a power of two: then tables have just been doubled, and are half empty. */
const MANY = 8200;

type Kind = 'plain' | 'with a tag of its own' | 'with a shared tag' | 'with Vary' | 'with a key beyond its URL';
const KINDS: readonly Kind[] = [
  'plain',
  'with a tag of its own',
  'with a shared tag',
  'with Vary',
  'with a key beyond its URL',
];

let made = 0;
/** As the data plane makes one: each text is cut out of another, and lies in memory of its own. */
function headOf(kind: Kind): StoredHead {
  const target = Buffer.from(`/products/a-page-of-the-shop-${++made}`).toString('latin1');
  return {
    key: `http://shop.example${target}${kind === 'with a key beyond its URL' ? '\nport=8080' : ''}`,
    status: 200,
    lines: 'Cache-Control: max-age=60\r\n',
    selecting: kind === 'with Vary' ? [['accept-language', `en-${made}`]] : [],
    tags: kind === 'with a tag of its own' ? [`product-${made}`] : kind === 'with a shared tag' ? ['products'] : [],
    directives: parseCacheControl(fieldsOf([['Cache-Control', 'max-age=60']])),
    freshness: { lifetime: 60, source: 'explicit' },
    initialAge: 0,
    responseTime: 1000,
    staleSince: undefined,
  };
}

/** Kept until the end: collected in the midst of a measurement, they would count against it. */
const stores: Store[] = [];

/** @returns what a response that lies on the disk alone takes of memory, and what it is charged, in bytes */
async function measure(kind: Kind): Promise<{ takes: number; charged: number }> {
  const store = new Store({ memory: 1e6, maxVariants: 8, onEvict: () => {} });
  stores.push(store);
  const disk = await DiskStore.open(
    {
      directory: temporaryDirectory('cache-index'),
      limit: 1e9,
      indexLimit: 1e9,
      maxObject: 1e6,
      maxWaiting: 1e9,
      log: { info: () => {}, warn: () => {} },
      onDamaged: () => {},
    },
    () => store,
  );
  collect();
  const before = process.memoryUsage().heapUsed;
  let charged = 0;
  // As a restart finds them: nothing of them is in memory.
  const found = function* (): Generator<Entry> {
    for (let serial = 1; serial <= MANY; serial++) {
      const head = headOf(kind);
      charged += indexSizeOf(head);
      const entry = new Entry(head);
      entry.file = { serial, size: 4096 };
      yield entry;
    }
  };
  store.attach(disk, found());
  assert.is(disk.count, MANY);
  collect();
  const takes = process.memoryUsage().heapUsed - before;
  disk.close();
  return { takes: takes / MANY, charged: charged / MANY };
}

for (const kind of KINDS)
  test(`a response ${kind} takes no more memory than it is charged`, async () => {
    // The first one compiles, and fills the tables of the runtime.
    await measure(kind);
    const { takes, charged } = await measure(kind);
    assert.ok(takes <= charged, `${takes.toFixed(0)} bytes, charged ${charged.toFixed(0)}`);
    assert.ok(takes > 200, 'it was measured');
  });

test('at the defaults the index has room for 30,000 responses', () => {
  // A quarter of 64 MiB.
  assert.ok((30_000 * indexSizeOf(headOf('plain'))) / 2 ** 20 < 16);
});

test.run();
