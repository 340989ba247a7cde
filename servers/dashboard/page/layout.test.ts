import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layOut } from './layout.ts';

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

test('every service has a place of its own, whatever calls whom', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const name = fc.constantFrom(...names, 'unknown');
  fc.assert(
    fc.property(fc.array(fc.record({ from: name, to: name }), { maxLength: 30 }), (edges) => {
      const { places, columns, rows } = layOut(names, edges);
      const all = [...places.values()].map(({ column, row }) => `${column}/${row}`);
      assert.is(new Set(all).size, names.length);
      for (const { column, row } of places.values()) assert.ok(column < columns && row < rows);
    }),
  );
});

test.run();
