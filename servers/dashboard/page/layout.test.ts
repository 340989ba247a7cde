import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyOf, layOut } from './layout.ts';

const test = suite('layout');

test('callers stand left of what they call', () => {
  const { places } = layOut(
    ['catalogue', 'database', 'front', 'orders'],
    [
      { from: 'front', to: 'catalogue' },
      { from: 'front', to: 'orders' },
      { from: 'orders', to: 'database' },
    ],
  );
  const column = (name: string): number => places.get(name)!.column;
  assert.equal([column('front'), column('catalogue'), column('orders'), column('database')], [0, 1, 1, 2]);
});

test('an edge that passes a column, or leads back, goes through a free place there', () => {
  const edges = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'a', to: 'c' },
    { from: 'c', to: 'c' },
  ];
  const { places, ways, rows } = layOut(['a', 'b', 'c'], edges);
  assert.equal(
    [...places.values()],
    [
      { column: 0, row: 0 },
      { column: 1, row: 0 },
      { column: 2, row: 0 },
    ],
  );
  assert.equal(ways.get('a>b'), []);
  assert.equal(ways.get('a>c'), [{ column: 1, row: 0.7 }]);
  assert.equal(ways.get('c>c'), [{ column: 2, row: 0.7 }]);
  assert.is(rows, 1.4, 'a line needs less room than a service');
});

test('every service and every way round one has a place of its own, whatever calls whom', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const name = fc.constantFrom(...names);
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ from: name, to: name }), { maxLength: 30, selector: keyOf }), (edges) => {
      const { places, ways, columns, rows } = layOut(names, edges);
      const taken = [...places.values(), ...[...ways.values()].flat()];
      assert.is(new Set(taken.map(({ column, row }) => `${column}/${row}`)).size, taken.length);
      // The middle of each, where lines lead, is within the picture.
      for (const { column, row } of taken) assert.ok(column < columns && row + 0.5 < rows);
    }),
  );
});

test.run();
