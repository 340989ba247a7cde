import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { routes, type Rect } from './routes.ts';

const AREA: Rect = { left: 0, top: 0, right: 600, bottom: 400 };
const box = (left: number, top: number, width = 100, height = 60): Rect => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});
const row = new Map([
  ['a', box(20, 20)],
  ['b', box(140, 20)],
  ['c', box(260, 20)],
]);

test('two boxes side by side are connected by a straight line', () => {
  const straight = [
    [
      [120, 50],
      [140, 50],
    ],
  ];
  assert.equal(routes([['a', 'b']], row, [], AREA), straight);
  assert.equal(
    routes([['b', 'a']], row, [], AREA),
    straight.map((each) => each.toReversed()),
  );
});

test('two boxes one above the other are connected by a vertical line', () => {
  const boxes = new Map([
    ['a', box(20, 20)],
    ['b', box(20, 120)],
  ]);
  assert.equal(routes([['a', 'b']], boxes, [], AREA), [
    [
      [70, 80],
      [70, 120],
    ],
  ]);
});

test('a line goes around a third box', () => {
  const [route] = routes([['a', 'c']], row, [], AREA)!;
  assert.ok(route!.length > 2);
  assert.ok(
    route!.slice(1, -1).every(([, y]) => y < 20 || y > 80),
    JSON.stringify(route),
  );
});

test('without a free route there are no lines', () => {
  const { top, bottom } = row.get('a')!;
  assert.is(routes([['a', 'c']], row, [], { ...AREA, top, bottom }), undefined);
  assert.is(routes([['a', 'elsewhere']], row, [], AREA), undefined);
  const touching = new Map([
    ['a', box(0, 0, 100, 400)],
    ['b', box(104, 0, 496, 400)],
  ]);
  assert.is(routes([['a', 'b']], touching, [], AREA), undefined, 'no room for an arrow head');
});

test('no line crosses text', () => {
  const boxes = new Map([
    ['a', box(20, 20)],
    ['b', box(20, 120)],
  ]);
  const text = box(0, 90, 90, 14);
  const [route] = routes([['a', 'b']], boxes, [text], AREA)!;
  assert.ok(
    route!.every(([x]) => x > text.right),
    JSON.stringify(route),
  );
});

test('two lines do not run along each other', () => {
  const links = [
    ['a', 'b'],
    ['b', 'a'],
  ] as const;
  const [there, back] = routes(links, row, [], AREA)!;
  assert.ok(Math.abs(there![0]![1] - back![0]![1]) >= 4);
  const flat = new Map([
    ['a', box(0, 0, 100, 8)],
    ['b', box(120, 0, 480, 8)],
  ]);
  assert.is(routes(links, flat, [], { ...AREA, bottom: 8 }), undefined);
});

test.run();
