import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TrackedFile } from '../files/tracked/tracked-file.ts';
import { copied } from '../files/tracked/state.ts';
import { parse, readCarried, serialize, serializeAcked, Unusable, type SavedFile } from './format.ts';
import { Registry } from './registry.ts';

const top = mkdtempSync(join(tmpdir(), 'registry-'));
test.after(() => rmSync(top, { recursive: true }));
let count = 0;
const fresh = (): { directory: string; path: string } => {
  const directory = join(top, String(count++));
  return { directory, path: join(directory, 'registry') };
};

function tracked(id: string, acked = 0): TrackedFile {
  const made = new TrackedFile(id, `/logs/${id}.log`, '1:2', `/logs/${id}.log.1`);
  made.head = { at: 3, bytes: Buffer.from('beginning\n') };
  made.advance(acked, { at: acked, length: 4, digest: 'abc' });
  return made;
}

/** A registry with two files, one of them read on. */
function written(): { directory: string; path: string; a: TrackedFile; b: TrackedFile } {
  const place = fresh();
  const registry = new Registry(place.directory);
  assert.equal(registry.found, []);
  const [a, b] = [tracked('a', 5), tracked('b')];
  copied(b, a);
  registry.write([a, b]);
  a.advance(50, { at: 50, length: 10, digest: 'xyz' });
  registry.acknowledge([a]);
  registry.close();
  return { ...place, a, b };
}

test('what was noted is there again', () => {
  const { directory } = written();
  const { found } = new Registry(directory);
  assert.is(found.length, 2);
  assert.equal(found[0], {
    id: 'a',
    home: '/logs/a.log',
    key: '1:2',
    path: '/logs/a.log.1',
    head: [3, Buffer.from('beginning\n').toString('base64')],
    acked: 50,
    tail: [50, 10, 'xyz'],
    ends: [],
  } satisfies SavedFile);
  assert.is(found[1]!.copyOf, 'a');
});

test("a file's continued event and how far it was seen survive until the store has the event", () => {
  const { directory } = fresh();
  const registry = new Registry(directory);
  const [a, b] = [tracked('a', 5), tracked('b')];
  a.carried = { id: 'z-1', end: 9, index: 'logs-2026.11.21' };
  a.seen = 70;
  registry.write([a, b]);
  b.carried = { id: 'a-5', end: 20 };
  registry.acknowledge([b]);
  const noted = (): unknown[] => new Registry(directory).found.map(({ carried, seen }) => [readCarried(carried), seen]);
  assert.equal(noted(), [
    [{ id: 'z-1', end: 9, index: 'logs-2026.11.21' }, 70],
    [{ id: 'a-5', end: 20 }, undefined],
  ]);
  for (const each of [a, b]) each.advance(50, { at: 50, length: 10, digest: 'xyz' });
  registry.write([a, b]);
  assert.equal(noted(), [
    [undefined, 70],
    [undefined, undefined],
  ]);
  registry.close();
});

/** A line of a registry. */
const line = (json: string): string =>
  `${process.getBuiltinModule('node:zlib').crc32(json).toString(16).padStart(8, '0')} ${json}\n`;

test('a registry of version 1.2.0 is read', () => {
  const { directory, path } = fresh();
  mkdirSync(directory);
  const text = [
    '{"format":"log-shipper registry","version":1,"instance":"x","sequence":2,"scannedAt":1763712000000}',
    '{"generation":{"id":"a","home":"/logs/a.log","key":"1:2","path":"/logs/a.log.1","head":[0,"b25l"],"acked":4,"tail":[4,4,"abc"]}}',
    '{"generation":{"id":"b","home":"/logs/a.log","key":"1:3","path":"/logs/a.log","head":[0,"dHdv"],"acked":0,"tail":[0,0,""]}}',
    '{"generations":2}',
    '{"acked":["b",4,[4,4,"def"]]}',
    '{"acked":["a",8,[8,8,"ghi"]]}',
  ];
  writeFileSync(path, text.map(line).join(''));
  const known = { home: '/logs/a.log', ends: [] };
  assert.equal(new Registry(directory).found, [
    { ...known, id: 'a', key: '1:2', path: '/logs/a.log.1', head: [0, 'b25l'], acked: 8, tail: [8, 8, 'ghi'] },
    { ...known, id: 'b', key: '1:3', path: '/logs/a.log', head: [0, 'dHdv'], acked: 4, tail: [4, 4, 'def'] },
  ]);
});

test('a note of whose event a file begins with that is none tells nothing, and ends nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('acked', 'generation'), (value, where) => {
      const json = JSON.stringify(value);
      const text = [
        '{"format":"log-shipper registry","version":1,"instance":"x","sequence":1}',
        `{"generation":{"id":"a","home":"/a","key":"1:2","path":"/a","head":[0,""],"acked":0,"tail":[0,0,""],"carried":${where === 'acked' ? '["z",1]' : json}}}`,
        '{"generations":1}',
        `{"acked":["a",0,[0,0,""],[],null,${where === 'acked' ? json : '0'}]}`,
      ];
      const carried = readCarried(parse(text.map(line).join('')).trackedFiles[0]!.carried);
      if (carried === undefined) return;
      assert.type(carried.id, 'string');
      assert.ok(Number.isSafeInteger(carried.end));
      assert.ok(carried.index === undefined || typeof carried.index === 'string');
    }),
    { numRuns: 1000 },
  );
});

test('numbers of tracked files are not used twice, and the name stays', () => {
  const { directory } = fresh();
  const first = new Registry(directory);
  const one = first.nextFile();
  first.write([]);
  first.close();
  const two = new Registry(directory).nextFile();
  assert.is(two.instance, one.instance);
  assert.is.not(two.number, one.number);
});

test('a torn last line is an acknowledgement less, and no more', () => {
  const { directory, path } = written();
  for (const tail of [1, 10, 20]) {
    truncateSync(path, readFileSync(path).length - tail);
    assert.equal(
      new Registry(directory).found.map(({ id, acked }) => [id, acked]),
      [
        ['a', 5],
        ['b', 0],
      ],
    );
  }
});

test('a damaged registry is set aside, and a new one begins whose ids no line had before', () => {
  const setAside = (path: string, directory: string, pattern: RegExp): void => {
    const before = readFileSync(path);
    const registry = new Registry(directory);
    assert.match(registry.damaged?.reason ?? '', pattern);
    assert.match(registry.damaged!.aside, /registry\.damaged-\d{8}T\d{6}\.\d{3}Z$/);
    assert.equal(readFileSync(registry.damaged!.aside), before, 'it is kept as it was');
    assert.equal([registry.found, registry.isNew], [[], false]);
    registry.write([]);
    const again = new Registry(directory);
    assert.is(again.damaged, undefined);
    assert.is(again.nextFile().instance, registry.nextFile().instance);
  };
  const damage = (change: (text: string) => string, pattern: RegExp): void => {
    const { directory, path } = written();
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    setAside(path, directory, pattern);
  };
  damage(() => '', /first line is damaged/);
  damage(() => 'garbage\n', /not a registry/);
  damage((text) => text.slice(0, text.length / 2), /ends too early|damaged in line/);
  damage((text) => text.replace('"acked":5', '"acked":0'), /damaged in line 2/);
  damage((text) => text.split('\n').toSpliced(1, 1).join('\n'), /1 of 2 tracked files/);
  damage((text) => `${text}garbage\n${serializeAcked([tracked('a', 60)], () => false)}`, /damaged in line 6/);
  damage(
    (text) =>
      text.replace(/^.*\n/, '5aa8b6ad {"format":"log-shipper registry","version":1,"instance":"x","sequence":0}\n'),
    /first line is damaged/,
  );
});

test('lines whose checksums are right and whose content is not are a damaged registry', () => {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  const line = (json: string): string => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
  const header = '{"format":"log-shipper registry","version":1,"instance":"x","sequence":1}';
  for (const text of [
    line('{'),
    line(header.replace('"x"', '7')),
    line(header.replace(':1}', ':"1"}')),
    line(header) + line('{"generation":null}'),
    line(header) + line('{"generations":0}') + line('{"acked":7}'),
    line(header) + line('null'),
  ]) {
    const { directory, path } = fresh();
    new Registry(directory).write([]);
    writeFileSync(path, text);
    assert.ok(new Registry(directory).damaged, text);
  }
});

test('a registry of another version is set aside too', () => {
  const { directory, path } = fresh();
  new Registry(directory).write([]);
  const json = '{"format":"log-shipper registry","version":2}';
  const { crc32 } = process.getBuiltinModule('node:zlib');
  writeFileSync(path, `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
  assert.match(new Registry(directory).damaged!.reason, /version 2 of the format, and this program reads 1/);
});

test('property: a registry that was cut or changed is refused or says no more than is true', () => {
  const trackedFiles = [tracked('a', 5), tracked('b', 9)].map(({ id, home, key, path, head, acked }) => ({
    id,
    home,
    key,
    path,
    head: [head.at, head.bytes.toString('base64')] as const,
    acked,
    tail: [0, 0, ''] as const,
  }));
  const carrying = tracked('b', 20);
  carrying.carried = { id: 'a-5', end: 25 };
  const text =
    serialize({ instance: 'x', sequence: 2, trackedFiles }) +
    serializeAcked([tracked('a', 10)], () => false) +
    serializeAcked([carrying, tracked('a', 30)], () => true);
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('cut', 'change'),
      fc.constantFrom('x', '0', '\n', '\0'),
      (at, how, by) => {
        const damaged = how === 'cut' ? text.slice(0, at) : text.slice(0, at) + by + text.slice(at + 1);
        if (damaged === text) return;
        try {
          const { trackedFiles: found } = parse(damaged);
          assert.is(found.length, 2);
          const [a, b] = found.map(({ acked }) => acked);
          assert.ok([5, 10, 30].includes(a!) && [9, 20].includes(b!), `${a} ${b}`);
        } catch (error) {
          assert.instance(error, Unusable);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('once closed, nothing is written', () => {
  const { directory } = fresh();
  const registry = new Registry(directory);
  registry.write([tracked('a', 5)]);
  registry.close();
  registry.acknowledge([tracked('a', 7)]);
  assert.is(new Registry(directory).found[0]!.acked, 5);
});

test.run();
